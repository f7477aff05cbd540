"""The shortest way over the cells of a map. Ours is a shortest one; pyastar2d takes a diagonal step to be as
long as a straight one, so that its ways are longer. CPU time; peers that are not installed are left out."""

import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Row
from benchmarks.side_by_side import Query, installed, medians, ratio
from ros_nodes.navigation.grid_search import shortest_cells


def run(place: Path, *, quick: bool) -> list[Row]:
    return _grids((250,) if quick else (250, 500, 1_000, 2_000), 2 if quick else 7)


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("grid", what, value, unit, aim, at_least=least)


def _grids(sizes: Sequence[int], rounds: int) -> list[Row]:
    rows: list[Row] = []
    before = 0.0
    for size in sizes:
        free = _floor(size)
        found, lengths = _grid(free, 2 if size > 1_000 else rounds)
        name = f"{size} x {size} cells"
        rows += [
            _row(f"{name}: {way}", statistics.median(each), "ms") for way, each in found.items()
        ]
        ours = statistics.median(found["ours"])
        if "pyastar2d (C++)" in found:
            aim = 3.5 if size == 1_000 else None
            slower = ratio(found, "ours", "pyastar2d (C++)")
            rows.append(_row(f"{name}: ours / pyastar2d (C++)", slower, "x", aim))
            longer = lengths["pyastar2d (C++)"] / lengths["ours"]
            rows.append(_row(f"{name}: length of its ways / of ours", longer, "x"))
        if before:
            rows.append(_row(f"{name}: ours, half the cell size", ours / before, "x", 4.0))
        before = ours
        if size == min(1_000, sizes[-1]) and installed("pathfinding"):
            rows += _pathfinding(free, name)
    return rows


def _floor(size: int) -> Any:
    """Free cells of a library of 50 m a side: walls, rows of shelves with cross aisles, carts."""
    rng, unit = random.Random(3), size / 1000
    free = np.ones((1000, 1000), bool)
    free[[0, -1]] = free[:, [0, -1]] = False
    for y in range(60, 940, 40):
        for x in range(40, 960, 230):
            free[y : y + 14, x : x + 190] = False
    for _ in range(150):
        y, x = rng.randrange(5, 985), rng.randrange(5, 985)
        free[y : y + 8, x : x + 8] = False
    at = (np.arange(size) / unit).astype(int)
    return free[np.ix_(at, at)]


def _grid(free: Any, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    rng, size = random.Random(5), len(free)
    shares = [((0.02, 0.02), (0.975, 0.975))]
    while len(shares) < 9:
        one, other = ((rng.random(), rng.random()) for _ in range(2))
        if all(_floor_is_free(free, share) for share in (one, other)):
            shares.append((one, other))
    queries = [tuple((int(y * size), int(x * size)) for y, x in pair) for pair in shares]
    ways: dict[str, Query] = {"ours": lambda q: shortest_cells(free, *q)}
    if compiled := installed("pyastar2d"):
        costs = np.where(free, 1, np.inf).astype(np.float32)
        ways["pyastar2d (C++)"] = lambda q: compiled.astar_path(costs, *q, allow_diagonal=True)
    lengths = {
        name: sum(float(np.hypot(*np.diff(np.array(way(q)), axis=0).T).sum()) for q in queries)
        for name, way in ways.items()
    }
    return medians(ways, queries, rounds), lengths


def _floor_is_free(free: Any, share: tuple[float, float]) -> bool:
    """With room around, so that the place is free at each cell size."""
    y, x = (int(one * len(free)) for one in share)
    reach = max(1, len(free) // 200)
    return bool(free[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1].all())


def _pathfinding(free: Any, name: str) -> list[Row]:
    """Pure Python, from corner to corner, once: it takes seconds."""
    grids, finders = installed("pathfinding.core.grid"), installed("pathfinding.finder.a_star")
    diagonal = installed("pathfinding.core.diagonal_movement").DiagonalMovement.always
    grid = grids.Grid(matrix=free.astype(int).tolist())
    near, far = int(0.02 * len(free)), int(0.975 * len(free))
    finder = finders.AStarFinder(diagonal_movement=diagonal, max_runs=10_000_000)
    began = time.process_time()
    finder.find_path(grid.node(near, near), grid.node(far, far), grid)
    theirs = (time.process_time() - began) * 1e3
    ours = medians({"o": lambda _: shortest_cells(free, (near, near), (far, far))}, [0], 3)["o"]
    faster = theirs / statistics.median(ours)
    return [
        _row(f"{name}: pathfinding, corner to corner", theirs, "ms"),
        _row(f"{name}: pathfinding / ours, corner to corner", faster, "x", 20.0, least=True),
    ]
