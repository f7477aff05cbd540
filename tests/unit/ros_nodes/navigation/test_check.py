"""What is wrong with a site, each fault named."""

from dataclasses import replace

import numpy as np
import pytest

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.check import Fault, check
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import link


def hall() -> OccupancyGrid:
    """6 m x 3 m, with a wall at x = 3 m that has a gap of 0.3 m at y = 1.5 m."""
    cells = np.zeros((60, 120), np.int8)
    cells[[0, -1], :] = cells[:, [0, -1]] = 100
    cells[:, 60] = 100
    cells[27:33, 60] = 0
    return OccupancyGrid(cells, 0.05, Pose(0.0, 0.0, 0.0))


A = Waypoint("a", "A", "A", 1.0, 0.8, kind=WaypointKind.DOCK)
B = Waypoint("b", "B", "B", 2.0, 0.8)
C = Waypoint("c", "C", "C", 5.0, 0.8)


def lane(start: Waypoint, end: Waypoint) -> Lane:
    return link(start, end, width_m=1.0, speed_limit_m_s=0.5)


def faults(places: list[Waypoint], lanes: list[Lane]) -> list[tuple[str, Fault]]:
    return [(problem.subject, problem.fault) for problem in check(hall(), places, lanes)]


def test_a_good_site_has_no_problems() -> None:
    assert faults([A, B], [lane(A, B)]) == []


@pytest.mark.parametrize(
    ("x", "y", "fault"),
    [
        (3.02, 0.8, Fault.IN_WALL),
        (9.0, 0.8, Fault.OFF_MAP),
        (-1.0, 0.8, Fault.OFF_MAP),
        (1.0, 0.15, Fault.TOO_NARROW),
    ],
)
def test_a_waypoint_where_no_robot_can_stand_is_named(x: float, y: float, fault: Fault) -> None:
    assert ("b", fault) in faults([A, replace(B, x=x, y=y)], [lane(A, B)])


def test_a_lane_through_a_wall_is_named() -> None:
    assert faults([A, C], [lane(A, C)]) == [("a--c", Fault.THROUGH_WALL)]


def test_a_lane_through_a_gap_narrower_than_the_robot_is_named() -> None:
    start, end = replace(A, y=1.5), replace(C, y=1.5)
    assert faults([start, end], [lane(start, end)]) == [("a--c", Fault.TOO_NARROW)]


def test_a_lane_that_says_it_is_narrower_than_the_robot_is_named() -> None:
    narrow = replace(lane(A, B), width_m=0.3)
    assert faults([A, B], [narrow]) == [("a--b", Fault.TOO_NARROW)]


def test_an_island_is_named_and_so_is_a_way_in_without_a_way_back() -> None:
    assert ("c", Fault.ISLAND) in faults([A, B, C], [lane(A, B)])
    assert faults([A, B], [replace(lane(A, B), one_way=True)]) == [("b", Fault.ISLAND)]
    assert faults([A, B], [replace(lane(A, B), closed=True)]) == [("b", Fault.ISLAND)]


def test_two_lanes_that_contradict_are_named() -> None:
    again = replace(lane(B, A), speed_limit_m_s=0.1)
    assert faults([A, B], [lane(A, B), again]) == [("b--a", Fault.CONTRADICTION)]
    there, back = (replace(one, one_way=True) for one in (lane(A, B), lane(B, A)))
    assert faults([A, B], [there, back]) == []


def test_a_lane_to_a_waypoint_that_is_not_there_is_named() -> None:
    assert ("a--c", Fault.UNKNOWN_END) in faults([A, B], [lane(A, B), lane(A, C)])


def test_what_is_not_in_use_is_not_looked_at() -> None:
    unused = replace(C, x=3.02, is_active=False)
    assert faults([A, B, unused], [lane(A, B), lane(B, unused)]) == []


def test_every_problem_says_in_words_what_it_is() -> None:
    problems = check(hall(), [A, replace(B, x=3.02)], [lane(A, C)])
    assert next(str(problem) for problem in problems) == "b: (3.02, 0.8) is in a wall"
