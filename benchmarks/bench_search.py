"""Searches: the quickest way over lanes, the nearest place, and a tracking tick.

Lanes: a jittered lattice with a tenth of its lanes missing. Our search minds what turns cost and looks at
lanes; the peers search the same waypoints without turns, which is less work, unless a row says otherwise.
CPU time; ratios are medians over rounds in which all take their turn. Peers that are not
installed (igraph, scipy) are left out.
"""

import itertools
import math
import random
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from benchmarks.report import Row
from benchmarks.side_by_side import Query, installed, medians, ratio
from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.graph import LaneGraph, turn_cost
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.nearest import Nearest
from ros_nodes.navigation.path import build_path
from ros_nodes.navigation.tracking import Tracker

SPEED = 0.5
FASTER = {1_000: 4.0, 10_000: 8.0, 100_000: 15.0}
"""By number of waypoints: how many times as fast as networkx."""


def run(place: Path, *, quick: bool) -> list[Row]:
    rounds = 2 if quick else 7
    sizes = (1_000,) if quick else tuple(FASTER)
    rows = [row for size in (100, *sizes) for row in _Site(size).rows(rounds)]
    if not quick:
        rows += _growth(rows)
    rows += _closing(1_000 if quick else 10_000, rounds)
    return [
        *rows,
        *_ticks(rounds),
        *_nearest((100, 1_000) if quick else (100, 1_000, 100_000), rounds),
    ]


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("search", what, value, unit, aim, at_least=least)


# Over the lanes


class _Site:
    def __init__(self, size: int) -> None:
        rng = random.Random(1)
        side = math.isqrt(size)
        self.name = f"{size:,} waypoints"
        self.size = size
        self.xy = [
            (at % side + rng.uniform(-0.3, 0.3), at // side + rng.uniform(-0.3, 0.3))
            for at in range(side * side)
        ]
        pairs = [
            (at, at + step)
            for at in range(side * side)
            for step in (1, side)
            if at + step < side * side and (step > 1 or (at + 1) % side)
        ]
        self.edges = [
            (a, b, math.dist(self.xy[a], self.xy[b]) * rng.uniform(1, 1.3))
            for a, b in pairs
            if rng.random() > 0.1
        ]
        self.peer: nx.Graph[int] = nx.Graph()
        self.peer.add_weighted_edges_from(self.edges)
        began = time.process_time()
        self.ours = LaneGraph(
            [Waypoint(str(at), str(at), "", x, y) for at, (x, y) in enumerate(self.xy)],
            [Lane(f"{a}-{b}", str(a), str(b), long, 1.0, SPEED) for a, b, long in self.edges],
            SPEED,
        )
        self.setup_ms = (time.process_time() - began) * 1e3
        self.out: list[list[Any]] = [[] for _ in self.xy]
        for arc in self.ours.arcs:
            self.out[arc.tail].append((arc, arc.time_s))
        parts = [sorted(part) for part in nx.connected_components(self.peer)]
        whole = max(parts, key=len)
        count = {100: 100, 1_000: 60, 10_000: 20}.get(size, 7)
        self.corners = (whole[0], whole[-1])
        self.queries = [(one, other) for one, other in (rng.sample(whole, 2) for _ in range(count))]

    def quickest(self, query: tuple[int, int]) -> object:
        return self.ours.quickest(self.out[query[0]], query[1])

    def rows(self, rounds: int) -> list[Row]:
        ways: dict[str, Query] = {
            "ours": self.quickest,
            "networkx dijkstra": lambda q: nx.dijkstra_path(self.peer, *q),
            "networkx A*": lambda q: nx.astar_path(self.peer, q[0], q[1], self._straight),
        }
        if igraph := installed("igraph"):
            compiled = igraph.Graph(n=len(self.xy), edges=[edge[:2] for edge in self.edges])
            lengths = [edge[2] for edge in self.edges]
            ways["igraph (C)"] = lambda q: compiled.get_shortest_paths(*q, weights=lengths)
        if self.size <= 1_000:
            ways["networkx dijkstra with turns"] = self._with_turns()
        first = medians({"ours": self.quickest}, self.queries[:5], 1, warm=False)["ours"][0]
        landmarks_ms = self._find_landmarks()
        found = medians(ways, self.queries, 2 if self.size > 10_000 else rounds)
        rows = [
            _row(f"{self.name}: setting up", self.setup_ms, "ms"),
            _row(f"{self.name}: ours, the first queries", first, "ms"),
        ]
        if landmarks_ms:
            share = landmarks_ms / statistics.median(found["networkx dijkstra"])
            aim = 10.0 if self.size > 1_000 else None
            rows.append(_row(f"{self.name}: landmarks, in networkx queries", share, "x", aim))
        rows += [_row(f"{self.name}: {way}", statistics.median(found[way]), "ms") for way in found]
        return rows + self._ratios(found)

    def _ratios(self, found: dict[str, list[float]]) -> list[Row]:
        aims = {"networkx dijkstra": FASTER.get(self.size)}
        if self.size == 1_000:
            aims["networkx A*"] = 1.5
        rows = [
            _row(
                f"{self.name}: {way} / ours",
                ratio(found, way, "ours"),
                "x",
                aims.get(way),
                least=True,
            )
            for way in found
            if way.startswith("networkx")
        ]
        if "igraph (C)" in found:
            aim = 1.3 if self.size == 1_000 else None
            slower = ratio(found, "ours", "igraph (C)")
            rows.append(_row(f"{self.name}: ours / igraph (C)", slower, "x", aim))
        return rows

    def _straight(self, one: int, other: int) -> float:
        return math.dist(self.xy[one], self.xy[other])

    def _find_landmarks(self) -> float:
        """The ms that it takes; 0 in a small graph, which has none."""
        if self.size < 1_000:
            return 0.0
        began = time.process_time()
        self.ours.find_landmarks()
        return (time.process_time() - began) * 1e3

    def _with_turns(self) -> Query:
        """The peer on our graph: its nodes are the lanes, with a node before and one after for each waypoint."""
        peer: nx.DiGraph[Any] = nx.DiGraph()
        for arc in self.ours.arcs:
            peer.add_edge(("from", arc.tail), arc.number, weight=arc.time_s)
            peer.add_edge(arc.number, ("to", arc.head), weight=0.0)
            for onward, _ in self.out[arc.head]:
                cost = turn_cost(arc.heading, onward.heading) + onward.time_s
                peer.add_edge(arc.number, onward.number, weight=cost)
        return lambda q: nx.dijkstra_path(peer, ("from", q[0]), ("to", q[1]))


def _growth(rows: Sequence[Row]) -> list[Row]:
    ours = {row.what.partition(" ")[0]: row.value for row in rows if row.what.endswith(": ours")}
    return [
        _row(
            "ten times the waypoints (1,000 to 10,000): ours",
            ours["10,000"] / ours["1,000"],
            "x",
            20.0,
        ),
        _row(
            "ten times the waypoints (10,000 to 100,000): ours",
            ours["100,000"] / ours["10,000"],
            "x",
            20.0,
        ),
    ]


def _closing(size: int, rounds: int) -> list[Row]:
    """A lane in the middle closes, and a way is found anew."""
    site = _Site(size)
    site.ours.find_landmarks()
    a, b, _ = site.edges[len(site.edges) // 2]

    def ours(query: tuple[int, int]) -> None:
        site.ours.set_closed(f"{a}-{b}", True)
        site.quickest(query)

    def peer(query: tuple[int, int]) -> None:
        site.peer[a][b]["weight"] = math.inf
        nx.dijkstra_path(site.peer, *query)

    rows: list[Row] = []
    for where, queries in (("corner to corner", [site.corners] * 5), ("anywhere", site.queries)):
        found = medians({"ours": ours, "networkx": peer}, queries, rounds)
        what = f"{site.name}, a lane closes and a way is planned {where}"
        faster = ratio(found, "networkx", "ours")
        rows += [
            _row(f"{what}: {way}", statistics.median(each), "ms") for way, each in found.items()
        ]
        rows.append(_row(f"{what}: networkx / ours", faster, "x", 8.0, least=True))
    for each in (_Site(100), site):
        us = statistics.median(medians({"close": _closer(each)}, range(5), rounds)["close"])
        rows.append(_row(f"{each.name}: closing and opening a lane alone", us, "us"))
    return rows


def _closer(site: _Site) -> Query:
    a, b, _ = site.edges[0]

    def close(_: object) -> None:
        for _ in range(500):
            site.ours.set_closed(f"{a}-{b}", True)
            site.ours.set_closed(f"{a}-{b}", False)

    return close


# While driving


def _ticks(rounds: int) -> list[Row]:
    """A tick of tracking beside the search that it cannot do without, on a short and a long path."""
    rows: list[Row] = []
    ours: list[float] = []
    for metres in (10, 5_000):
        corners = [(0.25 * at, 3 * math.sin(at / 16)) for at in range(4 * metres + 1)]
        path = build_path(corners, [SPEED] * (len(corners) - 1), Limits(), lambda *_: False)
        points = path.points.tolist()
        ways: dict[str, Query] = {
            "ours": partial(_track, [Tracker(path, None) for _ in range(rounds + 1)]),
            "search from the last point": partial(_follow, points),
        }
        found = medians(ways, [points[:150]], rounds)
        us = {way: statistics.median(each) / 150 * 1e3 for way, each in found.items()}
        ours.append(us["ours"])
        name = f"tracking tick, path of {len(points):,} points"
        rows += [_row(f"{name}: {way}", value, "us") for way, value in us.items()]
        rows.append(
            _row(f"{name}: ours / the search alone", us["ours"] / list(us.values())[1], "x", 2.0)
        )
    return [*rows, _row("tracking tick, long path / short path", ours[1] / ours[0], "x", 1.3)]


def _track(trackers: list[Tracker], points: list[list[float]]) -> None:
    trackers.append(tracker := trackers.pop(0))  # kept: freeing a long one is no part of a tick
    for number, ((x, y), (to_x, to_y)) in enumerate(itertools.pairwise(points)):
        heading = math.atan2(to_y - y, to_x - x)
        tracker.step(Pose(x + 0.02, y - 0.03, heading), 0.4, 0.0, 0.05 * number)


def _follow(points: list[list[float]], poses: list[list[float]]) -> None:
    at = 0
    for x, y in poses:
        best = math.inf
        while at + 1 < len(points) and (away := math.dist(points[at + 1], (x, y))) <= best:
            at, best = at + 1, away
        ahead = at
        while ahead + 1 < len(points) and math.dist(points[ahead], (x, y)) < 0.6:
            ahead += 1
        math.atan2(points[ahead][1] - y, points[ahead][0] - x)


def _nearest(sizes: Sequence[int], rounds: int) -> list[Row]:
    rows: list[Row] = []
    for size in sizes:
        places = np.random.default_rng(1).uniform(0, 100, (size, 2))
        queries = np.random.default_rng(2).uniform(0, 100, (200, 2)).tolist()
        ours = Nearest([(x, y) for x, y in places.tolist()])
        ways: dict[str, Query] = {
            "ours": partial(_ours_nearest, ours),
            "numpy, all": partial(_numpy_nearest, places),
        }
        if scipy := installed("scipy.spatial"):
            ways["scipy cKDTree"] = scipy.cKDTree(places).query
        found = {
            way: [1e3 * ms for ms in each] for way, each in medians(ways, queries, rounds).items()
        }
        name = f"nearest of {size:,} places"
        rows += [
            _row(f"{name}: {way}", statistics.median(each), "us") for way, each in found.items()
        ]
        best = min(list(found)[1:], key=lambda way: statistics.median(found[way]))
        rows.append(_row(f"{name}: ours / {best}", ratio(found, "ours", best), "x", 2.0))
    return rows


def _ours_nearest(nearest: Nearest, query: list[float]) -> None:
    nearest(query[0], query[1])


def _numpy_nearest(places: Points, query: list[float]) -> None:
    ((places - query) ** 2).sum(axis=1).argmin()
