"""The shortest way over free cells, for where no lane is near. A* on eight neighbours, then pulled
straight."""

import math
from heapq import heappop, heappush

from ros_nodes.navigation.field import Mask
from ros_nodes.navigation.maps import OccupancyGrid

_DIAGONAL = math.sqrt(2.0)


def way_over_cells(
    grid: OccupancyGrid, passable: Mask, start: tuple[float, float], goal: tuple[float, float]
) -> list[tuple[float, float]] | None:
    """Corners of a way between two places, both among them, or None. Both places' cells must be
    passable."""
    cells = _search(passable, grid.cell_of(*start), grid.cell_of(*goal))
    if cells is None:
        return None
    points = [start, *(grid.centre(*cell) for cell in cells[1:-1]), goal]
    return _pulled_straight(grid, passable, points)


def _search(
    passable: Mask, start: tuple[int, int], goal: tuple[int, int]
) -> list[tuple[int, int]] | None:
    height, width = passable.shape
    for row, column in (start, goal):
        if not (0 <= row < height and 0 <= column < width and passable[row, column]):
            return None
    stride = width + 2
    shut = bytearray(b"\x01") * (stride * (height + 2))
    for row in range(height):
        left = (row + 1) * stride + 1
        shut[left : left + width] = (~passable[row]).tobytes()
    first, last = ((row + 1) * stride + column + 1 for row, column in (start, goal))
    parent = _expand(shut, stride, first, last)
    if parent is None:
        return None
    trace = [last]
    while trace[-1] != first:
        trace.append(parent[trace[-1]])
    return [(cell // stride - 1, cell % stride - 1) for cell in reversed(trace)]


def _expand(shut: bytearray, stride: int, first: int, last: int) -> dict[int, int] | None:
    """Parents of the cells reached, by flat number on a grid with a shut border. `shut` is used
    up."""
    last_row, last_column = divmod(last, stride)
    steps = [(step, 1.0) for step in (1, -1, stride, -stride)]
    steps += [(up + side, _DIAGONAL) for up in (stride, -stride) for side in (1, -1)]
    cost = {first: 0.0}
    parent: dict[int, int] = {}
    heap = [(0.0, first)]
    while heap:
        _, cell = heappop(heap)
        if cell == last:
            return parent
        if shut[cell]:
            continue
        shut[cell] = 1
        here = cost[cell]
        for step, length in steps:
            onward = cell + step
            total = here + length
            if shut[onward] or total >= cost.get(onward, math.inf):
                continue
            cost[onward], parent[onward] = total, cell
            row, column = divmod(onward, stride)
            high, wide = abs(row - last_row), abs(column - last_column)
            guess = max(high, wide) + (_DIAGONAL - 1) * min(high, wide)
            heappush(heap, (total + guess, onward))
    return None


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
