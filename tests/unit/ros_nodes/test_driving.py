"""One drive as the navigator sees it: what is commanded, what is told, and how it ends."""

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.driving import ASK, SAID, Drive, Moment, Site
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.progress import ProgressSettings
from ros_nodes.simulation.demo_library import demo_site, draw_library

LIMITS = Limits()
TICK_S = 0.05
NOTHING: Points = np.zeros((0, 2))
SOMEBODY: Points = np.stack([np.full(41, 0.25), np.linspace(-1.0, 1.0, 41)], axis=1)
"""People side by side right before the robot, who go where it goes."""


@pytest.fixture(scope="module")
def grid() -> OccupancyGrid:
    return draw_library()


@pytest.fixture
def site(grid: OccupancyGrid) -> Site:
    drawn = demo_site()
    return Site(grid, drawn.waypoints, drawn.lanes)


class Ride:
    """A robot that does exactly what it is told, without inertia."""

    def __init__(self, site: Site, start: str, goal: str, **options: Any) -> None:
        place = site.find(start)
        assert place is not None
        self.at = Moment(0.0, Pose(place.x, place.y, place.theta), 0.0, 0.0, NOTHING, True, False)
        self.drive = Drive(site, LIMITS, goal, self.at.pose, **options)
        self.states: list[str] = []
        self.said: set[str] = set()
        self.fastest = 0.0

    def go(self, seconds: float, **changes: Any) -> Reason | None:
        """Drive on for so long or until it ends."""
        self.at = replace(self.at, **changes)
        for _ in range(round(seconds / TICK_S)):
            step = self.drive.step(self.at)
            self.states.append(step.state)
            self.said.add(step.message)
            if step.ended is not None:
                return step.ended
            self.fastest = max(self.fastest, step.v)
            x, y, theta = self.at.pose
            theta += step.w * TICK_S
            x, y = x + step.v * math.cos(theta) * TICK_S, y + step.v * math.sin(theta) * TICK_S
            now = self.at.now + TICK_S
            self.at = replace(self.at, now=now, pose=Pose(x, y, theta), v=step.v, w=step.w)
        return None


def test_a_drive_arrives_at_its_waypoint(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    assert ride.go(60) is Reason.NONE
    goal = site.find("DESK-2")
    assert goal is not None
    assert ride.at.pose.distance(goal.x, goal.y) < 0.1
    assert ride.at.v == 0.0


def test_a_goal_is_found_by_its_sign_whatever_its_case_and_by_its_id(site: Site) -> None:
    assert site.find("desk-2") is site.find("DESK-2") is not None
    assert site.find("nowhere") is None
    assert site.find("") is None


def test_an_unknown_place_is_no_drive(site: Site) -> None:
    with pytest.raises(NoRouteError) as caught:
        Ride(site, "DOCK-1", "NOWHERE")
    assert caught.value.reason is Reason.UNKNOWN_WAYPOINT


def test_the_callers_speed_limit_is_kept(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2", speed_limit_m_s=0.2)
    ride.go(30)
    assert 0.1 < ride.fastest <= 0.2


def test_while_held_it_commands_nothing_and_does_not_count_the_time(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    ride.go(5)
    ride.fastest = 0.0
    assert ride.go(3600, held=True) is None
    assert ride.fastest == 0.0
    assert ride.go(60, held=False) is Reason.NONE


def test_a_person_in_the_way_stops_it_and_it_goes_on_when_they_step_aside(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    ride.go(5)
    ride.go(2, points=SOMEBODY)
    assert (ride.at.v, ride.at.w) == (0.0, 0.0)
    assert ride.states[-1] == "WAITING"
    assert ride.go(60, points=NOTHING) is Reason.NONE


def test_a_person_who_stays_is_asked_then_gone_round_and_at_last_it_gives_up(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    ride.go(5)
    assert ride.go(300, points=SOMEBODY) is Reason.BLOCKED
    assert {"WAITING", "ASKING", "REPLANNING"} <= set(ride.states)
    assert {ASK, SAID[Reason.BLOCKED]} <= ride.said


def test_a_robot_that_is_lost_for_too_long_gives_up(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    ride.go(5)
    ride.fastest = 0.0
    assert ride.go(60, localised=False) is Reason.LOST
    assert ride.fastest == 0.0


def test_going_round_leaves_the_blocked_lane_out(site: Site) -> None:
    ride = Ride(site, "DESK-1", "ROOM-106")
    ride.go(12)
    before = ride.drive.route.lanes
    ride.go(13, points=SOMEBODY)
    assert "REPLANNING" in ride.states
    assert ride.drive.route.lanes != before


def test_a_robot_whose_wheels_do_not_move_it_is_stuck(site: Site) -> None:
    ride = Ride(site, "DOCK-1", "DESK-2")
    ride.go(5)
    here = ride.at.pose
    for _ in range(round(30 / TICK_S)):
        if (ended := ride.go(TICK_S, pose=here, v=0.0, w=0.0)) is not None:
            break
    assert ended is Reason.STUCK


def test_a_drive_that_takes_far_too_long_is_over(site: Site) -> None:
    hurried = ProgressSettings(time_factor=0.3, time_extra_s=0.0)
    assert Ride(site, "DOCK-1", "DESK-2", settings=hurried).go(60) is Reason.TIMEOUT


def closed(site: Site, *ids: str) -> Site:
    lanes = [replace(lane, closed=True) if lane.id in ids else lane for lane in site.lanes]
    return Site(site.grid, site.waypoints, lanes)


def test_a_lane_that_closes_ahead_is_driven_round(site: Site) -> None:
    ride = Ride(site, "DESK-1", "ROOM-106")
    ride.go(12)
    shut = ride.drive.route.lanes[-3]
    assert ride.drive.take_site(closed(site, shut), ride.at.pose)
    assert shut not in ride.drive.route.lanes
    assert ride.at.v > 0.3
    ride.go(TICK_S)
    assert ride.at.v > 0.2, "it plans again without stopping"
    assert ride.go(200) is Reason.NONE


def test_what_is_edited_elsewhere_changes_nothing(site: Site) -> None:
    ride = Ride(site, "DESK-1", "ROOM-106")
    ride.go(12)
    route = ride.drive.route
    elsewhere = next(lane.id for lane in site.lanes if lane.id not in route.lanes)
    assert not ride.drive.take_site(closed(site, elsewhere), ride.at.pose)
    assert ride.drive.route is route


def test_the_last_way_closing_is_said_as_no_route(site: Site) -> None:
    ride = Ride(site, "DESK-1", "ROOM-106")
    ride.go(12)
    with pytest.raises(NoRouteError) as caught:
        ride.drive.take_site(closed(site, ride.drive.route.lanes[-1]), ride.at.pose)
    assert caught.value.reason is Reason.NO_ROUTE


def test_a_goal_that_is_moved_or_taken_away_while_it_is_driven_to(site: Site) -> None:
    ride = Ride(site, "DESK-1", "ROOM-106")
    ride.go(12)
    goal = ride.drive.goal
    places = [replace(one, x=one.x + 0.3) if one == goal else one for one in site.waypoints]
    assert ride.drive.take_site(Site(site.grid, places, site.lanes), ride.at.pose)
    assert ride.go(200) is Reason.NONE
    assert ride.at.pose.distance(goal.x + 0.3, goal.y) < 0.1
    gone = [replace(one, is_active=False) if one == goal else one for one in site.waypoints]
    with pytest.raises(NoRouteError) as caught:
        ride.drive.take_site(Site(site.grid, gone, site.lanes), ride.at.pose)
    assert caught.value.reason is Reason.UNKNOWN_WAYPOINT


def test_a_tick_costs_the_same_on_a_path_a_hundred_times_as_long() -> None:
    def cost(length: float) -> float:
        cells = np.zeros((60, round(length / 0.05) + 40), np.int8)
        places = [Waypoint(f"w{x}", "", f"W{x}", x, 1.5) for x in (1.0, 1.0 + length)]
        lane = Lane("lane", places[0].id, places[1].id, length, 1.0, 0.5)
        site = Site(OccupancyGrid(cells, 0.05, Pose(0.0, 0.0)), places, [lane])
        drive = Drive(site, LIMITS, places[1].id, Pose(1.0, 1.5))
        points, best = np.array([[0.5, 1.4], [-0.5, 1.4]]), math.inf
        for at in range(100):
            moment = Moment(at * TICK_S, Pose(1.0 + 0.02 * at, 1.5), 0.4, 0.0, points, True, False)
            began = time.perf_counter()
            drive.step(moment)
            best = min(best, time.perf_counter() - began)
        assert len(drive.route.points) > length / 0.05
        return best

    assert cost(500.0) < 3 * cost(5.0)
