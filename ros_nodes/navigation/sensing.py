"""What the sensors say, and whether it may be used. Pure: times are given."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import MIDDLE, Points, Pose
from ros_nodes.navigation.sensor_faults import SensorFault

LATE_S = 0.5
"""A scan that is older is of no use to who drives."""
ODOMETRY_LATE_S = 1.0
"""Longer, as the older readings of a queue are heard, too."""
AHEAD_S = 0.25
"""Two clocks of one machine do not differ by more."""
UNREADABLE = 0.1
"""Largest share of beams without a number: more could hide a leg right ahead."""
LARGEST = 1e6
"""No metres, speeds or angles of a robot are larger."""
MIN_STEP_RAD = 1e-5
JUMP_M, JUMP_RAD = 0.5, 1.5
"""No wheels do this between two readings."""
STEP_S = 0.25
"""By how much the clock of messages may move against the one of control between two readings."""


@dataclass(frozen=True, slots=True)
class Scan:
    """As a laser gives it. Angles in rad, from the x axis of the laser towards y; ranges and their limits in m.
    inf is a beam that met nothing, NaN one that could not be measured (REP 117). `mount`: the laser on the robot."""

    frame: str
    stamp: float
    angle_min: float
    angle_max: float
    angle_step: float
    range_min: float
    range_max: float
    ranges: NDArray[np.float64]
    mount: Pose = MIDDLE

    def points(self) -> Points:
        """Where the beams ended, in the frame of the robot; those that met nothing are left out."""
        angles = self.angle_min + self.angle_step * np.arange(len(self.ranges))
        met = (self.ranges >= self.range_min) & (self.ranges <= self.range_max)
        met &= np.isfinite(self.ranges)
        near, at = self.ranges[met], angles[met]
        return self.mount.points_out(np.stack([near * np.cos(at), near * np.sin(at)], axis=1))


@dataclass(frozen=True, slots=True)
class Reading:
    """Odometry. `stamp`: when it was measured, as messages say it; `clock`: what that clock showed when it was
    heard; `heard`: the same by the clock of control; `wall`: by the monotonic one."""

    stamp: float
    clock: float
    heard: float
    wall: float
    pose: Pose
    v: float
    w: float


@dataclass(frozen=True, slots=True)
class SensorCheck:
    """`speed`: simulated seconds a second, by which everything on that clock takes longer."""

    laser_frame: str
    speed: float = 1.0

    def scan_fault(self, scan: Scan, clock: float) -> SensorFault | None:
        """What forbids to use a scan that is heard at `clock` of the clock of messages; None if nothing does."""
        if scan.frame.lstrip("/") != self.laser_frame:
            return SensorFault.SCAN_FRAME
        if not self._is_late(scan.stamp, clock, LATE_S) and not self._is_ahead(scan.stamp, clock):
            return None if _is_whole(scan) else SensorFault.SCAN_NOT_FIT
        return SensorFault.SCAN_OLD if scan.stamp < clock else SensorFault.SCAN_AHEAD

    def reading_fault(self, reading: Reading, last: Reading | None) -> SensorFault | None:
        """What forbids to use a reading that comes after `last`."""
        values = (reading.stamp, *reading.pose, reading.v, reading.w)
        if not all(abs(value) < LARGEST for value in values[1:]) or not math.isfinite(values[0]):
            return SensorFault.ODOMETRY_NOT_FIT
        stamp, clock = reading.stamp, reading.clock
        if self._is_late(stamp, clock, ODOMETRY_LATE_S) or self._is_ahead(stamp, clock):
            return SensorFault.ODOMETRY_OLD
        if last is not None and reading.stamp < last.stamp and not has_stepped(last, reading):
            return SensorFault.ODOMETRY_BACKWARDS
        return None

    def _is_late(self, stamp: float, clock: float, most_s: float) -> bool:
        return clock - stamp > most_s * max(1.0, self.speed)

    def _is_ahead(self, stamp: float, clock: float) -> bool:
        return stamp - clock > AHEAD_S * max(1.0, self.speed)


def has_stepped(last: Reading, reading: Reading) -> bool:
    """Whether a clock was moved between two readings: that of messages against that of control, or that one back."""
    moved = (reading.clock - reading.heard) - (last.clock - last.heard)
    return abs(moved) > STEP_S or reading.heard < last.heard


def has_jumped(last: Reading, reading: Reading) -> bool:
    turned = abs(math.remainder(reading.pose.theta - last.pose.theta, math.tau))
    return reading.pose.distance(last.pose.x, last.pose.y) > JUMP_M or turned > JUMP_RAD


def _is_whole(scan: Scan) -> bool:
    """Whether the numbers make sense together, and nearly all of the beams could be measured."""
    count = len(scan.ranges)
    if count == 0 or not 0 <= scan.range_min < scan.range_max:
        return False
    step = scan.angle_step
    swept, slack = step * (count - 1), 1.5 * abs(step)  # some drivers count one beam too many
    is_even = abs(scan.angle_min + swept - scan.angle_max) <= slack
    if not (is_even and abs(step) > MIN_STEP_RAD and abs(swept) <= math.tau + slack):
        return False
    unreadable = np.isnan(scan.ranges) | (scan.ranges < 0)
    return bool(unreadable.mean() <= UNREADABLE)
