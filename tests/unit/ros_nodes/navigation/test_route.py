"""Routes on the demo library: onto the lanes, along them, to the goal."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.grid_search import way_over_cells
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import Path, build_path
from ros_nodes.navigation.route import RoutePlanner
from ros_nodes.navigation.site_file import by_id
from ros_nodes.simulation.demo_library import demo_site, draw_library

GRID = draw_library()
SITE = demo_site()
PLACES = by_id(SITE.waypoints)
PLANNER = RoutePlanner(GRID, SITE.waypoints, SITE.lanes)


def at(name: str) -> Pose:
    place = PLACES[name]
    return Pose(place.x, place.y, place.theta)


def least_clearance(path: Path) -> float:
    return float(GRID.lookup(GRID.clearance_m, path.points, 0.0).min())


@pytest.mark.parametrize("goal", [w.id for w in SITE.waypoints if w.location_code])
@pytest.mark.parametrize("start", ["dock-1", "desk-1"])
def test_every_place_can_be_reached_without_touching_anything(start: str, goal: str) -> None:
    route = PLANNER.plan(at(start), goal)
    assert route.points[-1] == pytest.approx((PLACES[goal].x, PLACES[goal].y), abs=0.06)
    assert route.points[0] == pytest.approx(at(start)[:2], abs=1e-9)
    assert least_clearance(route.path) >= 0.3
    assert np.diff(route.path.along).max() < 0.08


def test_a_route_ends_standing_and_never_exceeds_the_lanes_limit() -> None:
    path = PLANNER.plan(at("desk-1"), "room-104").path
    assert path.speed_m_s[-1] == 0.0
    assert path.speed_m_s.max() == Limits().max_speed_m_s
    braking = path.speed_m_s[:-1] ** 2 - path.speed_m_s[1:] ** 2
    assert (braking <= 2 * 0.5 * np.diff(path.along) + 1e-9).all()


def test_the_time_told_is_about_what_the_limits_allow() -> None:
    route = PLANNER.plan(at("desk-1"), "room-104")
    assert 1.0 <= route.time_s / (route.length_m / 0.5) < 1.15


def test_a_closed_lane_is_gone_round() -> None:
    direct = PLANNER.plan(at("desk-1"), "room-104")
    around = PLANNER.plan(at("desk-1"), "room-104", avoid={direct.lanes[-3]})
    assert direct.lanes[-3] not in around.lanes
    assert around.points[-1] == pytest.approx(direct.points[-1])


def test_a_closed_lane_of_the_site_is_not_joined_either() -> None:
    lanes = [replace(lane, closed=lane.id == "desk-1--hall-2") for lane in SITE.lanes]
    route = RoutePlanner(GRID, SITE.waypoints, lanes).plan(Pose(6.0, 3.9), "hall-2")
    assert "desk-1--hall-2" not in route.lanes


def test_a_place_with_no_open_lane_has_no_route() -> None:
    lanes = [replace(lane, closed="room-104" in lane.id) for lane in SITE.lanes]
    with pytest.raises(NoRouteError, match="no open way to Study room 104") as caught:
        RoutePlanner(GRID, SITE.waypoints, lanes).plan(at("desk-1"), "room-104")
    assert caught.value.reason is Reason.NO_ROUTE
    assert "Open aisle-6n--room-104" in caught.value.hint


def test_a_place_on_an_island_is_named_as_one() -> None:
    lanes = [lane for lane in SITE.lanes if "room-104" not in lane.id]
    with pytest.raises(NoRouteError, match="No lane leads to Study room 104") as caught:
        RoutePlanner(GRID, SITE.waypoints, lanes).plan(at("desk-1"), "room-104")
    assert caught.value.reason is Reason.NO_ROUTE
    assert "Draw one" in caught.value.hint


@pytest.mark.parametrize("goal", ["nowhere", "closed"])
def test_a_place_that_is_not_there_or_not_in_use_is_named(goal: str) -> None:
    closed = replace(PLACES["room-101"], id="closed", is_active=False)
    planner = RoutePlanner(GRID, [*SITE.waypoints, closed], SITE.lanes)
    with pytest.raises(NoRouteError) as caught:
        planner.plan(at("desk-1"), goal)
    assert caught.value.reason is Reason.UNKNOWN_WAYPOINT


@pytest.mark.parametrize("pose", [Pose(-5, 3), Pose(11.0, 4.0), Pose(100, 100)])
def test_a_robot_in_a_wall_or_outside_is_off_the_map(pose: Pose) -> None:
    with pytest.raises(NoRouteError) as caught:
        PLANNER.plan(pose, "desk-1")
    assert caught.value.reason is Reason.OFF_MAP


def test_a_robot_beside_its_lane_joins_it_ahead_and_not_at_a_right_angle() -> None:
    route = PLANNER.plan(Pose(15.0, 14.6, 0.0), "window-2")
    first = route.points[1] - route.points[0]
    assert abs(math.atan2(first[1], first[0])) < math.radians(45)
    assert least_clearance(route.path) > 0.5


def test_a_robot_that_sees_no_lane_goes_round_what_hides_it() -> None:
    cut_off = RoutePlanner(GRID, *_only("room-103", "aisle-4n", "aisle-5n"))
    route = cut_off.plan(Pose(13.0, 17.0, 0.0), "aisle-5n")
    assert route.points[-1] == pytest.approx((PLACES["aisle-5n"].x, PLACES["aisle-5n"].y))
    assert least_clearance(route.path) >= 0.19


def _only(*names: str) -> tuple[list[Waypoint], list[Lane]]:
    lanes = [lane for lane in SITE.lanes if lane.start in names and lane.end in names]
    return [PLACES[name] for name in names], lanes


def test_a_robot_at_its_goal_only_turns() -> None:
    route = PLANNER.plan(at("desk-1"), "desk-1")
    assert route.length_m < 0.1
    assert route.lanes == ()


def test_no_lanes_no_route() -> None:
    with pytest.raises(NoRouteError) as caught:
        RoutePlanner(GRID, SITE.waypoints, []).plan(at("desk-1"), "dock-1")
    assert caught.value.reason is Reason.NO_ROUTE


def free(*_: object) -> bool:
    return True


def bends(path: Path) -> np.ndarray:
    steps = np.diff(path.points, axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    return np.abs(np.diff(headings))


def test_corners_are_rounded_where_there_is_room() -> None:
    corners = [(0.0, 0.0), (3.0, 0.0), (3.0, 3.0)]
    assert bends(build_path(corners, [0.5, 0.5], Limits(), free)).max() < 0.1
    tight = build_path(corners, [0.5, 0.5], Limits(), lambda a, b: False)
    assert bends(tight).max() > 1.0
    assert 0 < tight.speed_m_s[55:65].min() < 0.2


def test_where_the_way_turns_back_the_path_has_a_stop() -> None:
    path = build_path([(0.0, 0.0), (2.0, 0.0), (0.5, 0.1)], [0.5, 0.5], Limits(), free)
    assert len(path.stops) == 2
    assert path.points[path.stops[0]] == pytest.approx((2.0, 0.0))
    assert path.speed_m_s[path.stops[0]] == 0.0


def test_pieces_without_length_are_left_out() -> None:
    corners = [(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 0.001)]
    path = build_path(corners, [0.5] * 3, Limits(), free)
    assert path.length_m == pytest.approx(1.0, abs=0.01)


def test_each_piece_keeps_its_own_speed() -> None:
    path = build_path([(0.0, 0.0), (3.0, 0.0), (6.0, 0.0)], [0.5, 0.3], Limits(), free)
    assert path.speed_m_s[20] == 0.5
    assert path.speed_m_s[80] == pytest.approx(0.3)
    assert path.speed_m_s[60] == pytest.approx(0.3)


def test_the_way_over_cells_is_nearly_straight_and_free() -> None:
    cells = np.zeros((60, 60), np.int8)
    cells[30, :50] = 100
    grid = OccupancyGrid(cells, 0.1, Pose(0.0, 0.0, 0.0))
    passable = grid.passable(0.2)
    way = way_over_cells(grid, passable, (1.0, 1.0), (1.0, 5.0))
    assert way is not None
    length = sum(math.dist(a, b) for a, b in itertools.pairwise(way))
    shortest = 2 * math.hypot(4.25, 2.0) + 0.4
    assert length <= 1.06 * shortest
    assert all(grid.clearance_along(a, b) > 0.1 for a, b in itertools.pairwise(way))


def test_there_is_no_way_over_cells_through_a_wall() -> None:
    cells = np.zeros((60, 60), np.int8)
    cells[30, :] = 100
    grid = OccupancyGrid(cells, 0.1, Pose(0.0, 0.0, 0.0))
    assert way_over_cells(grid, grid.passable(0.2), (1.0, 1.0), (1.0, 5.0)) is None
    assert way_over_cells(grid, grid.passable(0.2), (1.0, 1.0), (1.0, 3.05)) is None
    assert way_over_cells(grid, grid.passable(0.2), (1.0, 1.0), (1.0, 50.0)) is None


def test_the_heading_told_is_that_of_the_waypoint() -> None:
    goal = PLANNER.plan(at("desk-1"), "dock-1").goal
    assert abs(wrap_angle(goal.theta - math.pi)) < 1e-9
