"""The way onto a dock: in front of it, then straight in."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.docking import (
    APPROACH_SPEED_M_S,
    approach_id,
    approach_of,
    with_approaches,
)
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.route import RoutePlanner
from ros_nodes.navigation.site_file import link

RADIUS_M = 0.19
DOCK = Waypoint("dock", "Dock", "DOCK-1", 0.5, 2.0, theta=math.pi, kind=WaypointKind.DOCK)
HALL = Waypoint("hall", "Hall", "", 3.0, 4.0)
LANE = link(HALL, DOCK, width_m=1.0, speed_limit_m_s=0.5)


def room() -> OccupancyGrid:
    """5 m by 5 m of floor with walls around."""
    cells = np.full((100, 100), 100, np.int8)
    cells[2:-2, 2:-2] = 0
    return OccupancyGrid(cells, 0.05, Pose(0.0, 0.0, 0.0))


def site(
    dock: Waypoint = DOCK, lane: Lane = LANE, grid: OccupancyGrid | None = None
) -> tuple[dict[str, Waypoint], dict[str, Lane]]:
    places, lanes = with_approaches(grid or room(), [dock, HALL], [lane], RADIUS_M)
    return {place.id: place for place in places}, {one.id: one for one in lanes}


def test_a_dock_is_driven_onto_from_the_front_straight_and_slowly() -> None:
    places, lanes = site()
    front = places[approach_id("dock")]
    assert (front.x, front.y) == pytest.approx((1.1, 2.0))
    led = lanes[LANE.id]
    assert (led.start, led.end) == ("hall", front.id)
    assert led.length_m == pytest.approx(math.hypot(1.9, 2.0))
    way_in = lanes[front.id]
    assert (way_in.start, way_in.end, way_in.one_way) == (front.id, "dock", False)
    assert way_in.speed_limit_m_s == APPROACH_SPEED_M_S


def test_the_last_stretch_of_the_path_is_straight_into_the_dock() -> None:
    planner = RoutePlanner(room(), *with_approaches(room(), [DOCK, HALL], [LANE], RADIUS_M))
    route = planner.plan(Pose(3.0, 4.0, 0.0), "dock")
    into = np.hypot(*(route.points - np.array([DOCK.x, DOCK.y])).T)
    last = route.points[into <= 0.25]
    assert np.abs(last[:, 1] - DOCK.y).max() < 0.005
    assert route.path.speed_m_s[into <= 0.25].max() <= APPROACH_SPEED_M_S


def test_a_lane_the_other_way_round_is_led_to_the_front_too() -> None:
    _, lanes = site(lane=replace(LANE, start="dock", end="hall", one_way=True))
    led = lanes[LANE.id]
    assert (led.start, led.end, led.one_way) == (approach_id("dock"), "hall", True)


@pytest.mark.parametrize(
    ("given", "away_m"), [(1.0, 1.0), (None, 0.6), ("far", 0.6), (0.0, 0.6), (50, 0.6)]
)
def test_how_far_in_front_can_be_said(given: object, away_m: float) -> None:
    metadata = {} if given is None else {"approach_m": given}
    front = approach_of(replace(DOCK, metadata=metadata))
    assert front.x - DOCK.x == pytest.approx(away_m)


def test_a_dock_whose_approach_is_not_free_stays_as_it_is_drawn() -> None:
    turned = replace(DOCK, theta=0.0)  # its front would be in the wall
    places, lanes = site(dock=turned)
    assert set(places) == {"dock", "hall"} and lanes == {LANE.id: LANE}


def test_a_lane_that_cannot_be_led_to_the_front_stays_as_it_is_drawn() -> None:
    cells = room().cells.copy()
    cells[48:52, 26:40] = 100  # a desk between the hall and the front
    hall = replace(HALL, x=1.75, y=3.5)
    lane = link(hall, DOCK, width_m=0.5, speed_limit_m_s=0.5)
    grid = OccupancyGrid(cells, 0.05, Pose(0.0, 0.0, 0.0))
    assert grid.clearance_along((1.75, 3.5), (1.1, 2.0)) < RADIUS_M
    _, lanes = with_approaches(grid, [DOCK, hall], [lane], RADIUS_M)
    assert lanes[0] == lane


def test_a_lane_that_begins_in_front_stays_as_it_is_drawn() -> None:
    near = replace(HALL, x=1.0, y=2.0)
    lane = link(near, DOCK, width_m=0.5, speed_limit_m_s=0.2)
    _, lanes = with_approaches(room(), [DOCK, near], [lane], RADIUS_M)
    assert lanes[0] == lane
