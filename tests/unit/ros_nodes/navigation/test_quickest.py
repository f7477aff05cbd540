"""The quickest way against a plain search without any short cuts, on graphs with everything in them."""

import itertools
import math
import random
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation import graph as module
from ros_nodes.navigation.graph import Arc, LaneGraph, turn_cost
from ros_nodes.navigation.landmarks import Landmarks

Starts = list[tuple[Arc, float]]


def site(seed: int, side: int = 7) -> tuple[list[Waypoint], list[Lane]]:
    """A jittered grid with long lanes across it; some lanes are one-way, slow, closed, or missing,
    so that parts may be cut off, and some waypoints out of use."""
    rng = random.Random(seed)
    places = [
        Waypoint(
            f"{at}",
            f"{at}",
            "",
            at % side + rng.uniform(-0.4, 0.4),
            at // side + rng.uniform(-0.4, 0.4),
            is_active=rng.random() > 0.05,
        )
        for at in range(side * side)
    ]
    pairs = [
        (at, at + step)
        for at in range(side * side)
        for step in (1, side)
        if at + step < side * side and (step > 1 or (at + 1) % side) and rng.random() > 0.2
    ]
    pairs += [(a, b) for a, b in (rng.sample(range(side * side), 2) for _ in range(4))]
    return places, [_lane(number, places, pair, rng) for number, pair in enumerate(pairs)]


def _lane(number: int, places: list[Waypoint], ends: tuple[int, int], rng: random.Random) -> Lane:
    (a, b) = (places[end] for end in ends)
    return Lane(
        f"lane-{number}",
        a.id,
        b.id,
        math.dist((a.x, a.y), (b.x, b.y)) * rng.uniform(0.9, 1.3),
        1.0,
        rng.choice((0.2, 0.35, 0.5)),
        one_way=rng.random() < 0.15,
        closed=rng.random() < 0.1,
    )


def some_starts(graph: LaneGraph, rng: random.Random) -> Starts:
    return [(arc, rng.uniform(0.0, 5.0)) for arc in rng.sample(graph.arcs, 3)]


def plainly(
    graph: LaneGraph, closed: Collection[str], starts: Starts, goal: int
) -> dict[int, float]:
    """Least seconds to the arcs that end at the goal: each arc is followed whenever it gets better."""
    best: dict[int, float] = {}
    todo = [(arc, seconds) for arc, seconds in starts if arc.lane.id not in closed]
    while todo:
        arc, seconds = todo.pop(0)
        if seconds >= best.get(arc.number, math.inf):
            continue
        best[arc.number] = seconds
        if graph.waypoints[arc.head].is_active:
            todo += [
                (onward, seconds + turn_cost(arc.heading, onward.heading) + onward.time_s)
                for onward in graph.arcs
                if onward.tail == arc.head and onward.lane.id not in closed
            ]
    return {number: seconds for number, seconds in best.items() if graph.arcs[number].head == goal}


def check(
    graph: LaneGraph, closed: Collection[str], rng: random.Random, avoid: Collection[str] = ()
) -> None:
    starts, goal = some_starts(graph, rng), rng.randrange(len(graph.waypoints))
    found = graph.quickest(starts, goal, avoid)
    best = min(plainly(graph, {*closed, *avoid}, starts, goal).values(), default=None)
    if found is None or best is None:
        assert found is None and best is None
        return
    arcs, seconds = found
    assert seconds == pytest.approx(best)
    assert arcs[-1].head == goal
    assert not {arc.lane.id for arc in arcs} & {*closed, *avoid}
    driven = min(cost for arc, cost in starts if arc == arcs[0])
    for one, two in itertools.pairwise(arcs):
        assert one.head == two.tail
        driven += turn_cost(one.heading, two.heading) + two.time_s
    assert driven == pytest.approx(seconds)


def with_landmarks(graph: LaneGraph) -> LaneGraph:
    graph.find_landmarks()
    return graph


@pytest.mark.parametrize("landmarks", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_no_way_is_quicker_than_the_one_found(seed: int, landmarks: bool) -> None:
    places, lanes = site(seed)
    graph = LaneGraph(places, lanes, 0.5)
    if landmarks:
        with_landmarks(graph)
    closed = {lane.id for lane in lanes if lane.closed}
    rng = random.Random(seed)
    for _ in range(5):
        check(graph, closed, rng)
        check(graph, closed, rng, avoid=[lane.id for lane in rng.sample(lanes, 10)])


@pytest.mark.parametrize("seed", range(12))
def test_landmarks_stay_true_when_lanes_close_and_open(seed: int) -> None:
    places, lanes = site(seed)
    graph = with_landmarks(LaneGraph(places, lanes, 0.5))
    rng = random.Random(seed)
    closed = {lane.id for lane in lanes if lane.closed}
    for _ in range(8):
        for lane in rng.sample(lanes, 6):
            closed ^= {lane.id}
            graph.set_closed(lane.id, lane.id in closed)
        check(graph, closed, rng)


@pytest.mark.parametrize("seed", range(3))
def test_landmarks_change_no_time_in_a_large_graph(seed: int) -> None:
    places, lanes = site(seed, side=25)
    plain, quick = LaneGraph(places, lanes, 0.5), with_landmarks(LaneGraph(places, lanes, 0.5))
    rng = random.Random(seed)
    for _ in range(60):
        tail, goal = rng.sample(range(len(places)), 2)
        starts = [(arc, arc.time_s) for arc in plain.arcs if arc.tail == tail]
        slow, fast = plain.quickest(starts, goal), quick.quickest(starts, goal)
        assert (slow and slow[1]) == pytest.approx(fast and fast[1])


def test_what_comes_later_but_need_not_turn_is_not_left_out() -> None:
    """To c over b: coming from the west is quicker up to b, but onward it must turn."""
    at = {"w": (-3.0, 0.0), "s": (0.0, -3.1), "b": (0.0, 0.0), "c": (0.0, 5.0)}
    places = [Waypoint(name, name, "", x, y) for name, (x, y) in at.items()]
    lanes = [
        Lane(one + two, one, two, math.dist(at[one], at[two]), 1.0, 0.5)
        for one, two in ("wb", "sb", "bc")
    ]
    graph = LaneGraph(places, lanes, 0.5)
    starts = [(arc, arc.time_s) for arc in graph.arcs if arc.lane.id in ("wb", "sb")]
    found = graph.quickest([one for one in starts if one[0].head == graph.index["b"]], 3)
    assert found is not None
    assert [arc.lane.id for arc in found[0]] == ["sb", "bc"]


def test_a_start_on_a_closed_lane_is_no_start() -> None:
    places, lanes = site(1)
    graph = LaneGraph(places, [replace(lane, closed=False) for lane in lanes], 0.5)
    arc = graph.arcs[0]
    assert graph.quickest([(arc, 1.0)], arc.head) == ([arc], 1.0)
    assert graph.quickest([(arc, 1.0)], arc.head, avoid=[arc.lane.id]) is None
    assert graph.quickest([(arc, 1.0)], arc.head, avoid=["no such lane"]) == ([arc], 1.0)


def found_landmarks(monkeypatch: pytest.MonkeyPatch, searches: int) -> int:
    places, lanes = site(1, side=20)
    graph = LaneGraph(places, lanes, 0.5)
    found: list[int] = []
    real = Landmarks.__init__

    def find(self: Landmarks, *args: Any) -> None:
        found.append(1)
        real(self, *args)

    monkeypatch.setattr(Landmarks, "__init__", find)
    rng = random.Random(1)
    for _ in range(searches):
        graph.quickest(some_starts(graph, rng), rng.randrange(len(places)))
    return len(found)


def test_landmarks_are_found_once_in_a_large_graph_that_is_searched_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found_landmarks(monkeypatch, 40) == 0
    monkeypatch.setattr(module, "_LARGE", 1000)
    assert found_landmarks(monkeypatch, 1) == 0
    assert found_landmarks(monkeypatch, 40) == 1
