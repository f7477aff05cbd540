"""The shortest way over free cells, for where no lane is near: steps to eight neighbours, then pulled
straight.

Two waves run towards each other, one from the start and one from the goal, and all cells of a ring go
in the same few numpy calls. A ring holds what lies within one sideways step, so that none of its cells
can shorten the way to another one: each cell is looked at once, and the way found is a shortest one.
"""

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.field import Mask
from ros_nodes.navigation.maps import OccupancyGrid

_SIDE, _DIAGONAL = 70, 99
"""Lengths of the steps. Whole numbers, so that lengths compare exactly; 99/70 is the square root of
two to 0.005 %."""
_FAR = 1 << 30
_SHUT = -1

Cells = NDArray[np.int64]
Lengths = NDArray[np.int32]


def way_over_cells(
    grid: OccupancyGrid, passable: Mask, start: tuple[float, float], goal: tuple[float, float]
) -> list[tuple[float, float]] | None:
    """Corners of a way between two places, both among them, or None. Both places' cells must be
    passable."""
    cells = shortest_cells(passable, grid.cell_of(*start), grid.cell_of(*goal))
    if cells is None:
        return None
    centres = [(x, y) for x, y in grid.centres(cells[1:-1]).tolist()]
    return _pulled_straight(grid, passable, [start, *centres, goal])


def shortest_cells(passable: Mask, start: tuple[int, int], goal: tuple[int, int]) -> Cells | None:
    """The (row, column) of each cell of a shortest way, shape (n, 2), or None where there is none."""
    height, width = passable.shape
    for row, column in (start, goal):
        if not (0 <= row < height and 0 <= column < width and passable[row, column]):
            return None
    waves = _Waves(passable, start, goal)
    middle = waves.meet()
    if middle is None:
        return None
    there, back = waves.down(middle), waves.down(middle + waves.size)
    flat = np.array(there[::-1] + [cell - waves.size for cell in back[1:]])
    return np.stack(np.divmod(flat, waves.stride), axis=1) - 1


class _Waves:
    """Lengths from the start, and behind them in the same array those from the goal: `size` cells
    each, by flat number on a grid with a shut border."""

    def __init__(self, passable: Mask, start: tuple[int, int], goal: tuple[int, int]) -> None:
        height, width = passable.shape
        self.stride = width + 2
        self.size = self.stride * (height + 2)
        away = np.full((2, height + 2, width + 2), _SHUT, np.int32)
        away[:, 1:-1, 1:-1] = np.where(passable, np.int32(_FAR), np.int32(_SHUT))
        self._away: Lengths = away.reshape(-1)
        first, last = ((row + 1) * self.stride + column + 1 for row, column in (start, goal))
        self._sources = np.array([first, last + self.size])
        down = self.stride
        around = [1, -1, down, -down, down + 1, down - 1, 1 - down, -1 - down]
        self._steps: Cells = np.array(around)[:, None]
        self._lengths: Lengths = np.array([_SIDE] * 4 + [_DIAGONAL] * 4, np.int32)[:, None]

    def meet(self) -> int | None:
        """A cell in the middle of a shortest way, or None where there is no way."""
        away, seen = self._away, np.empty(len(self._away), np.int32)
        ring = self._sources
        after = ring[:0]  # what is reached already, and belongs to the ring after the next
        away[ring] = 0
        middle, shortest, radius = None, _FAR, 0
        while 2 * radius < shortest:
            if not len(ring) and not len(after):
                return None
            here = away.take(ring)
            cells, lengths = self._relax(ring, here)
            through = here + away.take(ring - self.size, mode="wrap")  # on with the other wave
            if len(ring) and (least := int(through.min())) < shortest:
                middle, shortest = int(ring[through.argmin()]) % self.size, least
            radius += _SIDE
            soon = lengths < radius + _SIDE
            ring, after = np.concatenate((after, cells[soon])), cells[~soon]
            order = np.arange(len(ring), dtype=np.int32)
            seen[ring] = order  # of a cell that is there twice, the last one stays
            ring = ring[seen.take(ring) == order]
        return middle

    def _relax(self, ring: Cells, here: Lengths) -> tuple[Cells, Lengths]:
        """The neighbours that are reached on a shorter way than before, some twice, with their
        lengths."""
        away = self._away
        cells, lengths = (ring + self._steps).ravel(), (here + self._lengths).ravel()
        shorter = (lengths < away.take(cells)).nonzero()[0]
        cells, lengths = cells.take(shorter), lengths.take(shorter)
        np.minimum.at(away, cells, lengths)
        least = (lengths == away.take(cells)).nonzero()[0]
        return cells.take(least), lengths.take(least)

    def down(self, cell: int) -> list[int]:
        """The way from a cell to the source of its wave."""
        steps, lengths = self._steps[:, 0], self._lengths[:, 0]
        way = [cell]
        while left := int(self._away[way[-1]]):
            before = self._away[way[-1] + steps] == left - lengths
            way.append(way[-1] + int(steps[before.argmax()]))
        return way


def _pulled_straight(
    grid: OccupancyGrid, passable: Mask, points: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Leave out each corner that can be passed by a straight, free way."""
    kept = [points[0]]
    at = 0
    while at < len(points) - 1:
        reach = at + 1
        stride = len(points)
        while stride:
            while reach + stride < len(points) and _sees(
                grid, passable, points[at], points[reach + stride]
            ):
                reach += stride
            stride //= 2
        kept.append(points[reach])
        at = reach
    return kept


def _sees(
    grid: OccupancyGrid, passable: Mask, start: tuple[float, float], end: tuple[float, float]
) -> bool:
    return bool(grid.values_along(passable, start, end, False).all())
