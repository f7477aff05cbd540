"""What is wrong with a site, each fault named."""

from dataclasses import replace

import numpy as np
import pytest

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.check import Fault, check
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import link
from ros_nodes.simulation.demo_library import demo_site, draw_library


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
    assert faults([A, B], [lane(A, B), again]) == [("b--a", Fault.WRONG_LANE)]
    there, back = (replace(one, one_way=True) for one in (lane(A, B), lane(B, A)))
    assert faults([A, B], [there, back]) == []


def test_a_lane_to_a_waypoint_that_is_not_there_is_named() -> None:
    assert ("a--c", Fault.WRONG_LANE) in faults([A, B], [lane(A, B), lane(A, C)])


def test_what_is_not_in_use_is_not_looked_at() -> None:
    unused = replace(C, x=3.02, is_active=False)
    assert faults([A, B, unused], [lane(A, B), lane(B, unused)]) == []


def test_a_lane_that_is_not_as_long_as_it_says_is_named() -> None:
    assert faults([A, B], [replace(lane(A, B), length_m=0.5)]) == [("a--b", Fault.WRONG_LANE)]


def test_where_the_dock_lies_apart_it_is_the_dock_that_is_named_not_all_the_rest() -> None:
    d = replace(B, id="d", x=2.0, y=2.2)
    (problem,) = check(hall(), [A, B, d], [lane(B, d)])
    assert (problem.subject, problem.fault) == ("a", Fault.ISLAND)
    assert "this dock" in problem.message and "the part of the site with b" in problem.remedy


def test_a_dock_without_a_free_way_straight_in_is_named() -> None:
    """The robot would look at the room when docked, and so come out of the wall."""
    assert faults([replace(A, x=0.3), B], [lane(replace(A, x=0.3), B)]) == [
        ("a", Fault.NO_APPROACH)
    ]
    turned = replace(A, x=0.3, theta=np.pi)
    assert faults([turned, B], [lane(turned, B)]) == []


def scaled(factor: float) -> OccupancyGrid:
    return replace(draw_library(), resolution_m=0.05 * factor)


def test_the_demo_library_fits_its_map() -> None:
    site = demo_site()
    assert check(scaled(1.0), site.waypoints, site.lanes) == []


@pytest.mark.parametrize("factor", [0.1, 0.5, 2.0, 10.0])
def test_a_map_of_the_wrong_resolution_is_named_before_all_that_follows_from_it(
    factor: float,
) -> None:
    site = demo_site()
    problems = check(scaled(factor), site.waypoints, site.lanes)
    wrong = [problem for problem in problems if problem.fault is Fault.WRONG_MAP]
    assert problems[: len(wrong)] == wrong
    assert f"at {0.05 * factor:g} m a cell" in wrong[-1].message
    assert "At 0.05 m a cell it is on free floor" in wrong[-1].remedy


def test_a_resolution_that_no_robot_drives_by_is_named() -> None:
    for resolution_m in (0.005, 0.3):
        grid = replace(hall(), resolution_m=resolution_m)
        (first, *_) = check(grid, [A, B], [lane(A, B)])
        assert (first.subject, first.fault) == ("map", Fault.WRONG_MAP)
        assert f"{resolution_m:g} m a cell" in first.message


def test_a_map_without_room_for_the_robot_is_named() -> None:
    problems = check(hall(), [A, B], [lane(A, B)], robot_radius_m=2.0)
    assert "no place that is wide enough" in problems[0].message


def test_every_problem_says_in_words_what_it_is_and_what_to_do() -> None:
    problems = check(hall(), [A, replace(B, x=3.02)], [lane(A, C)])
    texts = [str(problem) for problem in problems]
    assert "b: (3.02, 0.8) is in a wall. Move the waypoint onto free floor" in texts
    assert all("\n" not in text and not text.endswith(".") for text in texts)
