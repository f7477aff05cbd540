"""The whole of navigation in the simulated world: it gets there, in time, and touches nothing."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ros_nodes.driving import Site
from ros_nodes.navigation.ahead import Ahead
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.localise import Localiser, Match
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.propose import propose
from ros_nodes.navigation.zones import CLEAR, CollisionZones
from ros_nodes.simulation.demo_library import demo_site, draw_library
from ros_nodes.simulation.rehearsal import Outcome, Rehearsal
from ros_nodes.simulation.world import Body
from tests.support.shared import shared_data


@pytest.fixture(scope="module")
def demo() -> Site:
    site = demo_site()
    return Site(draw_library(), site.waypoints, site.lanes)


def at(site: Site, code: str, seed: int = 1, body: Body | None = None) -> Rehearsal:
    """A robot that stands at a waypoint, with nobody about."""
    place = site.find(code)
    assert place is not None
    return Rehearsal(site, Pose(place.x, place.y, place.theta), seed=seed, body=body)


def assert_good(done: Sequence[Outcome]) -> None:
    for drive in done:
        assert drive.route is not None
        assert drive.arrived, drive.message
        assert drive.collisions == 0
        assert drive.least_gap_m > 0.05
        assert drive.goal_error_m < 0.10
        assert math.degrees(drive.goal_error_rad) < 5
        assert drive.estimate_error_m < 0.05
        assert math.degrees(drive.estimate_error_rad) < 3  # half of it is the age of the odometry
        assert drive.seconds < 1.1 * drive.route.time_s + 2.5


def test_a_delivery_in_the_demo_library_has_no_dead_seconds(demo: Site) -> None:
    rehearsal = at(demo, "dock-1")
    goals = ["desk-1", "room-101", "dock-1"]
    done = [rehearsal.run(goal) for goal in goals]
    assert_good(done)
    assert all(drive.fast_s > 0.8 * drive.seconds for drive in done)
    dock = demo.find("dock-1")
    assert dock is not None
    assert rehearsal.world.pose.distance(dock.x, dock.y) < rehearsal.world.body.dock_reach_m


def test_a_delivery_in_the_real_library_gets_there_too() -> None:
    grid = load_map(shared_data() / "library_map.yaml")
    site = propose(grid, 0.19)
    rehearsal = at(Site(grid, site.waypoints, site.lanes), "dock-1", seed=3)
    done = [rehearsal.run(goal) for goal in ["desk-1", "shelf-a", "dock-1"]]
    assert_good(done)
    assert sum(drive.fast_s for drive in done) > 0.8 * sum(drive.seconds for drive in done)


def people_across(x: float) -> list[tuple[float, float, float]]:
    """A group that fills the middle cross aisle of the demo library."""
    return [(x, y, 0.25) for y in np.arange(6.2, 8.5, 0.5).tolist()]


def test_people_in_the_way_stop_it_and_it_goes_on_when_they_are_gone(demo: Site) -> None:
    rehearsal = at(demo, "desk-1")

    def stand_in_the_way(run: Rehearsal) -> None:
        run.world.people = people_across(15.0) if run.now < 32 else []

    drive = rehearsal.run("window-1", each_tick=stand_in_the_way)
    assert drive.arrived
    assert drive.waits >= 1
    assert drive.seconds > 32
    assert drive.collisions == 0
    assert drive.least_gap_m > 0.04
    assert drive.goal_error_m < 0.10


def test_a_robot_that_does_not_see_people_drives_into_them(
    demo: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = at(demo, "desk-1")
    rehearsal.world.people = people_across(12.0)
    scan = rehearsal.scanner.scan
    monkeypatch.setattr(rehearsal.scanner, "scan", lambda pose, circles: scan(pose))
    drive = rehearsal.run("window-1", limit_s=60)
    assert drive.collisions == 1
    assert not drive.arrived
    assert drive.least_gap_m < 0.02


def test_without_zones_and_looking_ahead_it_drives_into_people(
    demo: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CollisionZones, "check", lambda *_: CLEAR)
    monkeypatch.setattr(Ahead, "allowed_m_s", lambda *_: math.inf)
    rehearsal = at(demo, "desk-1")
    rehearsal.world.people = people_across(12.0)
    assert rehearsal.run("window-1", limit_s=60).collisions == 1


def test_without_the_scans_the_odometry_alone_would_drift_away(
    demo: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct = Localiser.correct

    def at_first_only(self: Localiser, points: Points, odometry: Pose) -> Match:
        if self.sure:
            return Match(self.pose, 1.0, 0.0, len(points))
        return correct(self, points, odometry)

    body = Body(wheel_drift=0.05, heading_drift=0.03)
    with_scans = at(demo, "shelf-a", seed=2, body=body).run("shelf-g")
    monkeypatch.setattr(Localiser, "correct", at_first_only)
    without = at(demo, "shelf-a", seed=2, body=body).run("shelf-g", stop_at_bump=False)
    assert with_scans.goal_error_m < 0.05
    assert without.goal_error_m > 0.2
