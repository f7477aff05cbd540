"""Measure several ways of doing the same, each in its turn."""

import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

Query = Callable[[Any], object]


def installed(name: str) -> Any:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def medians(
    ways: dict[str, Query], queries: Sequence[Any], rounds: int, *, warm: bool = True
) -> dict[str, list[float]]:
    """CPU time of the median query in ms, for each way and round. With `warm`, one round before does not
    count."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + warm):
        for name, way in ways.items():
            took = []
            for query in queries:
                began = time.process_time()
                way(query)
                took.append((time.process_time() - began) * 1e3)
            if number >= warm:
                found[name].append(statistics.median(took))
    return found


def ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))
