"""Scans and odometry that may not be used are refused, each for its own reason."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.sensing import (
    AHEAD_S,
    LATE_S,
    UNREADABLE,
    Reading,
    Scan,
    SensorCheck,
    has_stepped,
)
from ros_nodes.navigation.sensor_faults import SensorFault

NOW = 1_000.0
CHECK = SensorCheck("laser")
BEAMS = 180
STEP = math.tau / BEAMS
FIT = Scan("laser", NOW, -math.pi, math.pi - STEP, STEP, 0.1, 8.0, np.full(BEAMS, 2.0))
READING = Reading(NOW, NOW, 50.0, 70.0, Pose(1.0, 2.0, 0.5), 0.3, 0.1)


def spoiled(value: float, share: float) -> Scan:
    """FIT with `share` of its beams saying `value`."""
    ranges = FIT.ranges.copy()
    ranges[: math.floor(share * BEAMS)] = value
    return replace(FIT, ranges=ranges)


def test_points_are_in_the_frame_of_the_robot_wherever_its_laser_is() -> None:
    ahead = Scan("laser", NOW, 0.0, 0.0, STEP, 0.1, 8.0, np.array([2.0]))
    assert ahead.points().tolist() == [[2.0, 0.0]]
    mounted = replace(ahead, mount=Pose(-0.04, 0.1, math.pi / 2))
    assert mounted.points()[0].tolist() == pytest.approx([-0.04, 2.1])


def test_what_is_fit_is_not_refused() -> None:
    assert CHECK.scan_fault(FIT, NOW + 0.2) is None
    assert CHECK.reading_fault(READING, None) is None
    assert CHECK.scan_fault(replace(FIT, frame="/laser"), NOW) is None


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        (SensorFault.SCAN_FRAME, {"frame": "camera"}),
        (SensorFault.SCAN_FRAME, {"frame": ""}),
        (SensorFault.SCAN_OLD, {"stamp": NOW - 2.0}),
        (SensorFault.SCAN_OLD, {"stamp": NOW - LATE_S - 0.01}),
        (SensorFault.SCAN_OLD, {"stamp": NOW - 7200.0}),
        (SensorFault.SCAN_AHEAD, {"stamp": NOW + AHEAD_S + 0.01}),
        (SensorFault.SCAN_AHEAD, {"stamp": NOW + 7200.0}),
        (SensorFault.SCAN_NOT_FIT, {"ranges": np.zeros(0)}),
        (SensorFault.SCAN_NOT_FIT, {"ranges": np.full(BEAMS, math.nan)}),
        (SensorFault.SCAN_NOT_FIT, {"ranges": np.full(BEAMS, -1.0)}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": 0.0, "angle_max": -math.pi}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": 2 * STEP}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": -STEP}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": math.nan}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": 1.0, "angle_max": BEAMS - 1 - math.pi}),
        (SensorFault.SCAN_NOT_FIT, {"angle_min": math.inf}),
        (SensorFault.SCAN_NOT_FIT, {"range_max": math.nan}),
        (SensorFault.SCAN_NOT_FIT, {"range_min": 9.0}),
    ],
)
def test_a_scan_is_refused_by_the_name_of_what_is_wrong(
    fault: SensorFault, changes: dict[str, Any]
) -> None:
    assert CHECK.scan_fault(replace(FIT, **changes), NOW) is fault


def test_a_few_beams_without_a_number_are_left_out_and_many_are_too_many() -> None:
    for value in (math.nan, -1.0, -math.inf):
        few = spoiled(value, UNREADABLE)
        assert CHECK.scan_fault(few, NOW) is None
        points = few.points()
        assert len(points) == BEAMS - math.floor(UNREADABLE * BEAMS)
        assert np.isfinite(points).all()
        assert CHECK.scan_fault(spoiled(value, 0.15), NOW) is SensorFault.SCAN_NOT_FIT


def test_a_hall_wider_than_the_laser_sees_is_no_fault() -> None:
    empty = replace(FIT, ranges=np.full(BEAMS, math.inf), range_max=math.inf)
    assert CHECK.scan_fault(empty, NOW) is None
    assert len(empty.points()) == 0


def test_a_laser_that_is_mounted_upside_down_is_read_as_well() -> None:
    turned = replace(FIT, angle_min=1.0, angle_max=-1.0, angle_step=-2.0 / (BEAMS - 1))
    assert CHECK.scan_fault(turned, NOW) is None


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        (SensorFault.ODOMETRY_NOT_FIT, {"pose": Pose(math.nan, 0.0, 0.0)}),
        (SensorFault.ODOMETRY_NOT_FIT, {"pose": Pose(0.0, 0.0, math.inf)}),
        (SensorFault.ODOMETRY_NOT_FIT, {"pose": Pose(1e30, 0.0, 0.0)}),
        (SensorFault.ODOMETRY_NOT_FIT, {"v": math.nan}),
        (SensorFault.ODOMETRY_NOT_FIT, {"w": -math.inf}),
        (SensorFault.ODOMETRY_OLD, {"stamp": NOW - 2.0}),
        (SensorFault.ODOMETRY_OLD, {"stamp": NOW + 3600.0}),
    ],
)
def test_odometry_is_refused_by_the_name_of_what_is_wrong(
    fault: SensorFault, changes: dict[str, Any]
) -> None:
    assert CHECK.reading_fault(replace(READING, **changes), READING) is fault


def test_odometry_that_runs_backwards_in_time_is_refused() -> None:
    before = replace(READING, stamp=NOW - 0.1, heard=50.02, clock=NOW + 0.02)
    assert CHECK.reading_fault(before, READING) is SensorFault.ODOMETRY_BACKWARDS
    assert CHECK.reading_fault(before, None) is None


@pytest.mark.parametrize("hours", [-3.0, 3.0])
def test_a_clock_that_was_moved_is_told_from_odometry_of_another_time(hours: float) -> None:
    moved = NOW + 3600 * hours
    after = replace(READING, stamp=moved, clock=moved, heard=50.02, wall=70.02)
    assert CHECK.reading_fault(after, READING) is None
    assert has_stepped(READING, after)
    usual = replace(READING, stamp=NOW + 0.02, clock=NOW + 0.02, heard=50.02, wall=70.02)
    assert not has_stepped(READING, usual)


def test_a_simulated_clock_that_begins_anew_is_a_clock_that_was_moved() -> None:
    late = replace(READING, heard=NOW)
    again = replace(READING, stamp=0.02, clock=0.02, heard=0.02)
    assert has_stepped(late, again)
    assert SensorCheck("laser", 10.0).reading_fault(again, late) is None


def test_on_a_clock_that_runs_faster_a_message_may_be_older() -> None:
    late = replace(FIT, stamp=NOW - 3.0)
    assert SensorCheck("laser", 10.0).scan_fault(late, NOW) is None
    assert SensorCheck("laser", 0.5).scan_fault(late, NOW) is SensorFault.SCAN_OLD
