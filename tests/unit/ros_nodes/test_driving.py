"""One drive as the navigator sees it: what is commanded, what is told, and how it ends."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ros_nodes.driving import Drive, Moment, Site
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.demo_library import demo_site, draw_library

LIMITS = Limits()
TICK_S = 0.05
NOTHING: Points = np.zeros((0, 2))
SOMEBODY: Points = np.array([[0.25, 0.0], [0.25, 0.05], [0.25, -0.05]])
"""A person right before the robot."""


@pytest.fixture(scope="module")
def grid() -> OccupancyGrid:
    return draw_library()


@pytest.fixture
def site(grid: OccupancyGrid) -> Site:
    drawn = demo_site()
    return Site(grid, drawn.waypoints, drawn.lanes)


class Ride:
    """A robot that does exactly what it is told, without inertia."""

    def __init__(self, site: Site, start: str, goal: str, speed_limit: float = 0.0) -> None:
        place = site.find(start)
        assert place is not None
        self.at = Moment(0.0, Pose(place.x, place.y, place.theta), 0.0, 0.0, NOTHING, True, False)
        self.drive = Drive(site, LIMITS, goal, self.at.pose, speed_limit_m_s=speed_limit)
        self.states: list[str] = []
        self.fastest = 0.0

    def go(self, seconds: float, **changes: Any) -> Reason | None:
        """Drive on for so long or until it ends."""
        self.at = replace(self.at, **changes)
        for _ in range(round(seconds / TICK_S)):
            step = self.drive.step(self.at)
            self.states.append(step.state)
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
    ride = Ride(site, "DOCK-1", "DESK-2", speed_limit=0.2)
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
