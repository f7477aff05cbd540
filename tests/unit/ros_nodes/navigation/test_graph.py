"""The quickest way over the lanes."""

import itertools
import math
import random
from dataclasses import replace

import networkx as nx
import pytest

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.graph import TURN_S_PER_RAD, Arc, LaneGraph, turn_cost
from ros_nodes.navigation.site_file import link

SPEED = 0.5


def place(name: str, x: float, y: float) -> Waypoint:
    return Waypoint(name, name, name.upper(), x, y)


def square() -> tuple[list[Waypoint], list[Lane]]:
    """a - b over d and over c: the way over d is shorter, and slow."""
    a, b = place("a", 0, 0), place("b", 10, 0)
    c, d = place("c", 5, 3), place("d", 5, -1)
    lanes = [
        link(one, other, width_m=1.0, speed_limit_m_s=speed)
        for one, other, speed in ((a, c, 0.5), (c, b, 0.5), (a, d, 0.2), (d, b, 0.2))
    ]
    return [a, b, c, d], lanes


def quickest(graph: LaneGraph, start: str, goal: str, avoid: tuple[str, ...] = ()) -> list[str]:
    """Ids of the waypoints passed; setting out costs nothing."""
    origin = graph.index[start]
    starts = [(arc, arc.time_s) for arc in graph.arcs if arc.tail == origin]
    found = graph.quickest(starts, graph.index[goal], avoid)
    return [] if found is None else [start, *(graph.waypoints[arc.head].id for arc in found[0])]


def test_the_way_is_the_quickest_and_not_the_shortest() -> None:
    places, lanes = square()
    assert quickest(LaneGraph(places, lanes, SPEED), "a", "b") == ["a", "c", "b"]
    slow_robot = LaneGraph(places, lanes, 0.2)
    assert quickest(slow_robot, "a", "b") == ["a", "d", "b"]


def test_a_closed_lane_is_not_driven_and_an_opened_one_is_again() -> None:
    places, lanes = square()
    graph = LaneGraph(places, lanes, SPEED)
    graph.set_closed("a--c", True)
    assert quickest(graph, "a", "b") == ["a", "d", "b"]
    graph.set_closed("a--d", True)
    assert quickest(graph, "a", "b") == []
    graph.set_closed("a--c", False)
    assert quickest(graph, "a", "b") == ["a", "c", "b"]


def test_a_lane_that_is_closed_from_the_start_is_not_driven() -> None:
    places, lanes = square()
    graph = LaneGraph(places, [replace(lanes[0], closed=True), *lanes[1:]], SPEED)
    assert quickest(graph, "a", "b") == ["a", "d", "b"]


def test_a_lane_to_avoid_is_left_out_of_one_search_only() -> None:
    places, lanes = square()
    graph = LaneGraph(places, lanes, SPEED)
    assert quickest(graph, "a", "b", avoid=("c--b",)) == ["a", "d", "b"]
    assert quickest(graph, "a", "b") == ["a", "c", "b"]


def test_a_one_way_lane_is_driven_one_way() -> None:
    places, lanes = square()
    graph = LaneGraph(places, [replace(lanes[0], one_way=True), *lanes[1:]], SPEED)
    assert quickest(graph, "a", "b") == ["a", "c", "b"]
    assert quickest(graph, "b", "a") == ["b", "d", "a"]


def test_an_inactive_waypoint_is_not_passed() -> None:
    places, lanes = square()
    places[2] = replace(places[2], is_active=False)
    assert quickest(LaneGraph(places, lanes, SPEED), "a", "b") == ["a", "d", "b"]


def test_few_turns_beat_a_slightly_shorter_zigzag() -> None:
    stairs = [place(f"s{at}", (at + 1) // 2, at // 2) for at in range(9)]
    corner = place("corner", 4, 0)
    pairs = [*itertools.pairwise(stairs), (stairs[0], corner), (corner, stairs[-1])]
    lanes = [link(a, b, width_m=1, speed_limit_m_s=SPEED) for a, b in pairs]
    graph = LaneGraph([*stairs, corner], lanes, SPEED)
    assert quickest(graph, "s0", "s8") == ["s0", "corner", "s8"]


def test_a_right_angle_costs_about_a_second() -> None:
    assert turn_cost(0.0, math.pi / 2) == pytest.approx(1.0, abs=0.1)
    assert turn_cost(-3.0, 3.0) == pytest.approx(TURN_S_PER_RAD * (math.tau - 6.0))


def lattice(side: int, seed: int) -> tuple[list[Waypoint], list[Lane]]:
    """A jittered grid with a tenth of its lanes missing and different speeds."""
    rng = random.Random(seed)
    places = [
        place(f"{at}", at % side + rng.uniform(-0.3, 0.3), at // side + rng.uniform(-0.3, 0.3))
        for at in range(side * side)
    ]
    lanes = [
        link(places[at], places[at + step], width_m=1, speed_limit_m_s=rng.choice((0.2, 0.35, 0.5)))
        for at in range(side * side)
        for step in (1, side)
        if at + step < side * side and (step > 1 or (at + 1) % side) and rng.random() > 0.1
    ]
    return places, lanes


@pytest.mark.parametrize("seed", range(5))
def test_the_way_costs_what_networkx_says_it_must(seed: int) -> None:
    places, lanes = lattice(8, seed)
    graph = LaneGraph(places, lanes, SPEED)
    oracle: nx.DiGraph[int] = nx.DiGraph()
    for arc in graph.arcs:
        oracle.add_node(arc.number)
        for onward in graph.arcs:
            if onward.tail == arc.head:
                cost = turn_cost(arc.heading, onward.heading) + onward.time_s
                oracle.add_edge(arc.number, onward.number, cost=cost)
    rng = random.Random(seed)
    for _ in range(10):
        start, goal = rng.sample(range(len(places)), 2)
        starts = [(arc, arc.time_s) for arc in graph.arcs if arc.tail == start]
        found = graph.quickest(starts, goal)
        best = _oracle_cost(oracle, graph, starts, goal)
        assert (math.inf if found is None else found[1]) == pytest.approx(best)


def _oracle_cost(
    oracle: "nx.DiGraph[int]", graph: LaneGraph, starts: list[tuple[Arc, float]], goal: int
) -> float:
    best = math.inf
    for arc, seconds in starts:
        lengths = nx.single_source_dijkstra_path_length(oracle, arc.number, weight="cost")
        for number, length in lengths.items():
            if graph.arcs[number].head == goal:
                best = min(best, seconds + length)
    return best
