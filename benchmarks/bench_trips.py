"""The order of a trip's stops: beside a plain dynamic programming in numpy, the limit, and OR-Tools, the peer.

Random places on a floor with aisles at right angles. 7a: an open route through so many stops. 7b: as many pick-ups as
deliveries, four slots. CPU time, the least of three tries; of the peer the time by the clock, for it always uses the
whole of what it is given. Where it is not installed its rows are left out.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.report import Row
from benchmarks.stop_order_peers import Pairs, limit_pairs, limit_stops, or_tools, or_tools_is_there
from edge.domain.stop_order import Errand, Times, best_order, cost, exact_order

SLOTS = 4
TRIES = 3
LIMIT_RATIO = 1.3
GAP = 3.0
Way = Callable[[Times], Sequence[int]]


def run(place: Path, *, quick: bool) -> list[Row]:
    rounds = 2 if quick else 8
    stops, pairs = ((5, 8), (3, 5)) if quick else ((5, 8, 12, 15), (3, 5, 8, 10))
    rows: list[Row] = []
    for size in stops:
        rows += _Case(f"7a {size} stops", size, ()).exact_rows(limit_stops, rounds, 0.2, 10.0)
    for size in () if quick else (16, 18):
        rows += _Case(f"7a {size} stops", size, ()).beyond_rows(rounds, 0.2)
    for size in pairs:
        case = _Case(f"7b {size} pairs", 2 * size, _paired(size))
        rows += case.exact_rows(
            lambda times, n=size: limit_pairs(times, _paired(n), SLOTS),  # type: ignore[misc]
            rounds,
            1.0,
            20.0,
        )
    for size in () if quick else (11, 12):
        rows += _Case(f"7b {size} pairs", 2 * size, _paired(size)).beyond_rows(rounds, 1.0)
    return rows


def _paired(count: int) -> Pairs:
    return tuple((at, at + count) for at in range(1, count + 1))


@dataclass(frozen=True)
class _Case:
    """Without `pairs` all is on board and only to be delivered."""

    name: str
    stops: int
    pairs: Pairs

    @property
    def errands(self) -> list[Errand]:
        return [Errand(nodes) for nodes in self.pairs or [(at,) for at in range(1, self.stops + 1)]]

    @property
    def slots(self) -> int:
        return SLOTS if self.pairs else self.stops

    def floors(self, count: int) -> Iterator[Times]:
        for seed in range(count):
            places = np.random.default_rng((self.stops, seed)).uniform(
                (0, 0), (60, 40), (self.stops + 1, 2)
            )
            yield np.abs(places[:, None] - places[None, :]).sum(axis=2)

    def exact_rows(self, limit: Way, rounds: int, peer_s: float, faster: float) -> list[Row]:
        """Ours is the best there is, as fast as the limit; what the peer finds in `peer_s`."""
        ways: dict[str, Way] = {"limit": limit, "ours": self._ours}
        peer = f"OR-Tools {peer_s:g} s (peer)"
        if or_tools_is_there():
            ways[peer] = self._peer(peer_s)
        ways["first come, first served"] = self._in_turn
        found = self._compared(ways, rounds)
        rows = [
            self._row(f"{way}", statistics.median(found[way].seconds) * 1e3, "ms")
            for way in list(ways)[:-1]
        ]
        rows += [
            self._row("ours / limit", _ratio(found["ours"], found["limit"]), "x", LIMIT_RATIO),
            self._row("ours, gap to the best, worst", max(found["ours"].gaps), "%", 1e-6),
        ]
        if peer in found:
            ratio = _ratio(found[peer], found["ours"])
            rows += [
                self._row(f"{peer} / ours", ratio, "x", faster, least=True),
                self._row(f"{peer}, mean gap", statistics.mean(found[peer].gaps), "%"),
            ]
        more = statistics.mean(found["first come, first served"].gaps)
        return [*rows, self._row("first come, first served, mean gap", more, "%")]

    def beyond_rows(self, rounds: int, peer_s: float) -> list[Row]:
        """Ours is no longer exact. The best is known all the same, for who has the time to wait for it."""
        ways: dict[str, Way] = {"best": self._exact, "ours": self._ours}
        peer = f"OR-Tools {peer_s:g} s (peer)"
        if or_tools_is_there():
            ways[peer] = self._peer(peer_s)
        found = self._compared(ways, rounds)
        ours_ms = statistics.median(found["ours"].seconds) * 1e3
        rows = [
            self._row("ours", ours_ms, "ms", None if self.pairs else 0.05 * peer_s * 1e3),
            self._row("ours, mean gap", statistics.mean(found["ours"].gaps), "%", GAP),
        ]
        if peer in found:
            rows.append(self._row(f"{peer}, mean gap", statistics.mean(found[peer].gaps), "%"))
        return rows

    def _compared(self, ways: dict[str, Way], rounds: int) -> dict[str, "_Found"]:
        """All ways on each floor in turn; gaps in % to the first."""
        found = {name: _Found([], []) for name in ways}
        for times in self.floors(rounds):
            best = 0.0
            for name, way in ways.items():
                seconds, order = _by_the_clock(way, times) if "peer" in name else _timed(way, times)
                found[name].seconds.append(seconds)
                took = cost(times, self.errands, order)
                best = best or took
                found[name].gaps.append((took / best - 1) * 100)
        return found

    def _ours(self, times: Times) -> Sequence[int]:
        return best_order(times, self.errands, self.slots)

    def _exact(self, times: Times) -> Sequence[int]:
        return exact_order(times, self.errands, self.slots)

    def _in_turn(self, times: Times) -> Sequence[int]:
        return [node for errand in self.errands for node in errand.stops]

    def _peer(self, seconds: float) -> Way:
        return lambda times: or_tools(times, self.pairs, self.slots, seconds)

    def _row(
        self, what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
    ) -> Row:
        return Row("trips", f"{self.name}: {what}", value, unit, aim, at_least=least)


@dataclass(frozen=True)
class _Found:
    """On each floor."""

    seconds: list[float]
    gaps: list[float]


def _by_the_clock(way: Way, times: Times) -> tuple[float, Sequence[int]]:
    began = time.perf_counter()
    order = way(times)
    return time.perf_counter() - began, order


def _timed(way: Way, times: Times) -> tuple[float, Sequence[int]]:
    """CPU time of the quickest try in s, and what it found."""
    took: list[float] = []
    order: Sequence[int] = ()
    for _ in range(TRIES):
        began = time.process_time()
        order = way(times)
        took.append(time.process_time() - began)
    return min(took), order


def _ratio(one: _Found, other: _Found) -> float:
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=True))
