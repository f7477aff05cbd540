"""The middle lines of free space, and the graph that they form."""

import math
from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.field import Mask

Cell = tuple[int, int]
"""(row, column)"""

_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def thin(mask: Mask) -> Mask:
    """Middle lines one cell wide that are connected as the mask is (Zhang and Suen, 1984)."""
    image = np.pad(mask, 1)
    while True:
        before = int(image.sum())
        for keep_first in (True, False):
            image[1:-1, 1:-1] &= ~_removable(image, keep_first)
        if int(image.sum()) == before:
            return image[1:-1, 1:-1]


def _removable(image: Mask, first: bool) -> Mask:
    height, width = image.shape
    around = [
        image[1 + row : height - 1 + row, 1 + column : width - 1 + column]
        for row, column in _AROUND
    ]
    north, _, east, _, south, _, west, _ = around
    neighbours = np.sum(around, axis=0, dtype=np.int8)
    rises = np.sum(
        [~one & next_one for one, next_one in zip(around, around[1:] + around[:1], strict=True)],
        axis=0,
        dtype=np.int8,
    )
    if first:
        sides = ~(north & east & south) & ~(east & south & west)
    else:
        sides = ~(north & east & west) & ~(north & south & west)
    removable: Mask = (neighbours >= 2) & (neighbours <= 6) & (rises == 1) & sides
    return removable


class Skeleton:
    """The cells of middle lines as a graph: each is joined to its neighbours, by sides and corners."""

    def __init__(self, mask: Mask) -> None:
        self.cells: list[Cell] = [(int(row), int(column)) for row, column in np.argwhere(mask)]
        known = set(self.cells)
        self.neighbours: dict[Cell, list[Cell]] = {
            cell: _neighbours(cell, known) for cell in self.cells
        }

    def junctions(self) -> list[Cell]:
        """Where three or more lines meet, and where one ends."""
        return [cell for cell in self.cells if self._branches(cell) not in (0, 2)]

    def _branches(self, cell: Cell) -> int:
        """Lines that leave a cell: neighbours that touch each other count as one."""
        row, column = cell
        ring = [(row + up, column + side) in self.neighbours for up, side in _AROUND]
        return sum(
            here and not there for here, there in zip(ring, ring[1:] + ring[:1], strict=True)
        )

    def dead_ends(self) -> set[Cell]:
        """Cells that lie on no round trip: what is left of all lines without their loops."""
        ways = {cell: len(near) for cell, near in self.neighbours.items()}
        ends = [cell for cell, count in ways.items() if count <= 1]
        stripped = set(ends)
        while ends:
            for near in self.neighbours[ends.pop()]:
                ways[near] -= 1
                if ways[near] <= 1 and near not in stripped:
                    stripped.add(near)
                    ends.append(near)
        return stripped

    def depths(self) -> dict[Cell, float]:
        """How far each dead end cell is from the nearest loop, in cells; nothing where there is no
        loop."""
        dead = self.dead_ends()
        depth: dict[Cell, float] = {}
        heap = [(0.0, cell) for cell in self.cells if cell not in dead]
        while heap:
            length, cell = heappop(heap)
            if cell not in depth:
                depth[cell] = length
                for near in self.neighbours[cell]:
                    if near not in depth:
                        heappush(heap, (length + math.dist(cell, near), near))
        return {cell: depth.get(cell, math.inf) for cell in dead}

    def distances(self, start: Cell) -> dict[Cell, float]:
        """Cells along the lines from one cell to all that can be reached."""
        found: dict[Cell, float] = {}
        heap = [(0.0, start)]
        while heap:
            length, cell = heappop(heap)
            if cell in found:
                continue
            found[cell] = length
            for near in self.neighbours[cell]:
                if near not in found:
                    heappush(heap, (length + math.dist(cell, near), near))
        return found

    def links(self, nodes: Iterable[Cell]) -> dict[tuple[Cell, Cell], Cell]:
        """Pairs of nodes that are next to each other along the lines, with the cell where they
        meet.

        All lines are filled from all nodes at once; where two fillings meet, their nodes are
        linked.
        """
        owner: dict[Cell, Cell] = {}
        queue: deque[Cell] = deque()
        for node in nodes:
            owner[node] = node
            queue.append(node)
        met: dict[tuple[Cell, Cell], Cell] = {}
        while queue:
            cell = queue.popleft()
            for near in self.neighbours[cell]:
                if near not in owner:
                    owner[near] = owner[cell]
                    queue.append(near)
                elif owner[near] != owner[cell]:
                    pair = (min(owner[near], owner[cell]), max(owner[near], owner[cell]))
                    met.setdefault(pair, cell)
        return met


def _neighbours(cell: Cell, known: set[Cell]) -> list[Cell]:
    """Neighbours by side, and by corner where no side leads there too: else each step would be a
    loop."""
    row, column = cell
    near = []
    for up, side in _AROUND:
        by_corner = bool(up and side)
        short_cut = (row + up, column) in known or (row, column + side) in known
        if (row + up, column + side) in known and not (by_corner and short_cut):
            near.append((row + up, column + side))
    return near


def nearest(cells: NDArray[np.float64], to: Cell, count: int) -> list[int]:
    """Numbers of the `count` cells nearest to one, the nearest first."""
    away = np.hypot(cells[:, 0] - to[0], cells[:, 1] - to[1])
    return [int(at) for at in np.argsort(away, kind="stable")[:count]]
