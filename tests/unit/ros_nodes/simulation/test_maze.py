"""Mazes from seeds."""

import math

import pytest

from edge.domain.waypoints import Waypoint
from ros_nodes.navigation.check import check
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.site_file import by_id
from ros_nodes.simulation.maze import NARROWEST_M, WIDEST_M, Maze, make_maze

SEEDS = range(1, 6)


def reached(maze: Maze) -> set[str]:
    """All waypoints that lanes join to the first."""
    seen: set[str] = set()
    trail = [maze.site.waypoints[0].id]
    while trail:
        here = trail.pop()
        seen.add(here)
        for lane in maze.site.lanes:
            if here in (lane.start, lane.end):
                trail += {lane.start, lane.end} - seen
    return seen


@pytest.mark.parametrize("seed", SEEDS)
def test_every_place_of_a_maze_is_free_and_can_be_reached(seed: int) -> None:
    maze = make_maze(seed)
    assert reached(maze) == set(by_id(maze.site.waypoints))
    assert check(maze.grid, maze.site.waypoints, maze.site.lanes, Limits().radius_m) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_maze_has_dead_ends_and_ways_round_and_places_to_go_to(seed: int) -> None:
    maze = make_maze(seed)
    rooms = [room for door in maze.doors for room in door]
    assert sum(rooms.count(room) == 1 for room in set(rooms)) >= 2
    assert len(maze.doors) > len(set(rooms)) - 1
    assert len([place for place in maze.site.waypoints if place.location_code]) >= 10


def test_corridors_are_as_wide_as_lanes_say() -> None:
    maze = make_maze(3)
    places = by_id(maze.site.waypoints)
    for lane in maze.site.lanes:
        assert NARROWEST_M - 1e-9 <= lane.width_m <= WIDEST_M + 1e-9
        a, b = places[lane.start], places[lane.end]
        middle = ((a.x + b.x) / 2, (a.y + b.y) / 2)  # at the ends the other corridor counts
        assert maze.grid.clearance_at(*middle) >= lane.width_m / 2 - 0.06
        assert lane.length_m == pytest.approx(math.dist(_at(a), _at(b)))


def _at(place: Waypoint) -> tuple[float, float]:
    return place.x, place.y


def test_the_same_seed_gives_the_same_maze_and_another_a_different_one() -> None:
    one, again, other = make_maze(7), make_maze(7), make_maze(8)
    assert (one.grid.cells == again.grid.cells).all()
    assert one.site == again.site
    assert one.doors != other.doors
