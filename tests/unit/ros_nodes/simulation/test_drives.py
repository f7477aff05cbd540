"""The whole of navigation in the simulated world: it gets there, in time, and touches nothing."""

import math
from collections.abc import Sequence

import pytest

from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.propose import propose
from ros_nodes.navigation.site_file import by_id
from ros_nodes.simulation.demo_library import demo_site, draw_library
from tests.support.drive import Drive, Rig
from tests.support.shared import shared_data


def drives(rig: Rig, goals: Sequence[str]) -> list[Drive]:
    return [rig.drive(goal) for goal in goals]


def demo_rig(start: str = "dock-1", seed: int = 1) -> Rig:
    site = demo_site()
    return Rig(draw_library(), site, by_id(site.waypoints)[start], seed=seed)


def assert_good(done: Sequence[Drive]) -> None:
    for drive in done:
        assert drive.arrived, drive.route.goal.id
        assert not drive.bumped
        assert drive.least_gap_m > 0.05
        assert drive.goal_error_m < 0.10
        assert math.degrees(drive.heading_error_rad) < 5
        assert drive.worst_estimate_m < 0.05
        assert math.degrees(drive.worst_estimate_rad) < 2
        assert drive.seconds < 1.1 * drive.route.time_s + 2


@pytest.mark.parametrize("seed", [1, 2])
def test_a_delivery_in_the_demo_library_has_no_dead_seconds(seed: int) -> None:
    done = drives(demo_rig(seed=seed), ["desk-1", "room-104", "desk-1", "room-101", "dock-1"])
    assert_good(done)
    seconds = sum(drive.seconds for drive in done)
    fast = sum(drive.fast_share * drive.seconds for drive in done)
    assert fast / seconds > 0.85
    assert all(drive.fast_share > 0.8 for drive in done)


def test_a_delivery_in_the_real_library_gets_there_too() -> None:
    grid = load_map(shared_data() / "library_map.yaml")
    site = propose(grid, 0.19)
    rig = Rig(grid, site, by_id(site.waypoints)["dock-1"], seed=3)
    done = drives(rig, ["desk-1", "room-1", "desk-1", "room-2", "shelf-a", "dock-1"])
    assert_good(done)
    seconds = sum(drive.seconds for drive in done)
    assert sum(drive.fast_share * drive.seconds for drive in done) / seconds > 0.8


def test_the_robot_is_on_its_dock_when_it_comes_home() -> None:
    site = demo_site()
    rig = demo_rig("desk-1")
    dock = by_id(site.waypoints)["dock-1"]
    rig.drive("dock-1")
    assert rig.world.pose.distance(dock.x, dock.y) < rig.world.body.dock_reach_m


def test_a_person_in_the_way_stops_it_and_it_goes_on_when_they_are_gone() -> None:
    rig = demo_rig("desk-1")

    def stand_in_the_way(rig: Rig, drive: Drive) -> None:
        rig.world.people = [(15.0, 7.3, 0.25)] if drive.seconds < 40 else []

    drive = rig.drive("window-1", each_tick=stand_in_the_way)
    assert drive.arrived
    assert drive.seconds > 45
    assert not drive.bumped
    assert drive.least_gap_m > 0.04
    assert drive.goal_error_m < 0.10


def test_without_the_zones_the_same_person_would_be_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    from ros_nodes.navigation.zones import CLEAR

    rig = demo_rig("desk-1")
    rig.world.people = [(15.0, 7.3, 0.25)]
    monkeypatch.setattr(rig.zones, "check", lambda points, v, w: CLEAR)
    assert rig.drive("window-1", limit_s=60).bumped


def test_without_the_scans_the_odometry_alone_would_drift_away() -> None:
    rig = demo_rig(seed=2)
    drift: list[float] = []

    def forget(rig: Rig, drive: Drive) -> None:
        odometry = rig.world.odometry.pose
        alone = started.compose(odometry)
        drift.append(alone.distance(*rig.world.pose[:2]))

    started = rig.world.pose
    drive = rig.drive("room-104", each_tick=forget)
    assert max(drift) > 0.1
    assert drive.worst_estimate_m < 0.05
