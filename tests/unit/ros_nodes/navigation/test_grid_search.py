"""The shortest way over cells, against a plain search."""

import itertools
import math
import random
from heapq import heappop, heappush

import numpy as np
import pytest

from ros_nodes.navigation.field import Mask
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.grid_search import shortest_cells, way_over_cells
from ros_nodes.navigation.maps import OccupancyGrid

Cell = tuple[int, int]


def plainly(passable: Mask, start: Cell) -> dict[Cell, float]:
    """Length of the shortest way to each cell that can be reached."""
    lengths: dict[Cell, float] = {}
    heap = [(0.0, start)]
    while heap:
        length, (row, column) = heappop(heap)
        if (row, column) in lengths:
            continue
        lengths[row, column] = length
        for down, right in itertools.product((-1, 0, 1), repeat=2):
            onward = (row + down, column + right)
            inside = all(0 <= at < size for at, size in zip(onward, passable.shape, strict=True))
            if inside and passable[onward]:
                heappush(heap, (length + math.hypot(down, right), onward))
    return lengths


def length_of(way: np.ndarray) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum())


@pytest.mark.parametrize("share", [0.05, 0.3, 0.45, 0.55])
@pytest.mark.parametrize("seed", range(4))
def test_no_way_over_cells_is_shorter_and_none_is_missed(seed: int, share: float) -> None:
    passable = np.random.default_rng(seed).random((40, 60)) > share
    free = [(int(row), int(column)) for row, column in np.argwhere(passable)]
    rng = random.Random(seed)
    start = rng.choice(free)
    lengths = plainly(passable, start)
    for goal in rng.sample(free, 20):
        way = shortest_cells(passable, start, goal)
        if way is None:
            assert goal not in lengths
            continue
        assert tuple(way[0]) == start and tuple(way[-1]) == goal
        assert passable[way[:, 0], way[:, 1]].all()
        assert np.abs(np.diff(way, axis=0)).max(initial=0) <= 1
        assert length_of(way) == pytest.approx(lengths[goal], rel=1e-4)


def test_a_way_through_a_long_maze_is_found() -> None:
    passable = np.ones((81, 50), bool)
    passable[1::4, :-1] = passable[3::4, 1:] = False
    way = shortest_cells(passable, (0, 0), (80, 0))
    assert way is not None
    assert length_of(way) == pytest.approx(plainly(passable, (0, 0))[80, 0], rel=1e-4)
    passable[41, -1] = False
    assert shortest_cells(passable, (0, 0), (80, 0)) is None


@pytest.mark.parametrize("goal", [(0, 0), (0, 1), (1, 1), (0, 2)])
def test_the_shortest_ways_of_all(goal: Cell) -> None:
    passable = np.ones((1, 3), bool) if goal[0] == 0 else np.eye(2, dtype=bool)
    way = shortest_cells(passable, (0, 0), goal)
    assert way is not None
    assert [tuple(cell) for cell in way[[0, -1]]] == [(0, 0), goal]
    assert len(way) == 1 + max(goal)


def test_a_place_that_is_shut_or_outside_has_no_way() -> None:
    passable = np.ones((5, 5), bool)
    passable[2, 2] = False
    for bad in ((2, 2), (-1, 0), (0, 5)):
        assert shortest_cells(passable, (0, 0), bad) is None
        assert shortest_cells(passable, bad, (0, 0)) is None


def test_from_a_place_to_itself_there_is_a_way() -> None:
    grid = OccupancyGrid(np.zeros((20, 20), np.int8), 0.1, Pose(0.0, 0.0, 0.0))
    assert way_over_cells(grid, grid.passable(0.2), (1.0, 1.0), (1.02, 1.03)) is not None
