"""Where the robot is: odometry, corrected by a source of poses, begun where it was last, written down as it goes, and
what is wrong with the sensors it goes by. No ROS."""

import math
from collections import deque
from typing import Protocol

import numpy as np

from edge.domain.robots import LastPose
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.sensing import Reading, Scan, SensorCheck, has_jumped, has_stepped
from ros_nodes.navigation.sensor_faults import SensorFault
from ros_nodes.pose_sources import PoseSource

STANDING_S = 1.0
"""While the robot stands and is sure of its place, one scan in so many seconds is looked at."""
REMEMBER_S = 1.0
"""So often the pose is written down while it changes by more than REMEMBER_M."""
REMEMBER_M = 0.2
READINGS_KEPT = 100
"""Readings to look a scan's time up in: two seconds at 50 Hz."""
ODOMETRY_GAP_S = 0.25
"""After such a silence, of real time, the board may have started anew."""
ROLLS_ON_S = 0.25
"""So long after the newest reading the wheels are taken to turn as they did."""
STALE_S = 0.5
"""Older odometry or scans are none, in s of the clock of control."""
FIRST_S = 5.0
"""So long after the start nobody is called silent."""
FAULT_S = 1.0
"""A fault is said for at least so long."""


class Memory(Protocol):
    """What lasts beyond this process."""

    def site(self) -> Site:
        """The map with today's waypoints and lanes; asked at the start of each drive."""
        ...

    def last_pose(self) -> LastPose:
        """Where the robot was last, or is put at first."""
        ...

    def remember_pose(self, pose: LastPose) -> None:
        """Does not wait until it is written."""
        ...


class Whereabouts:
    """`points`: the newest scan that was looked at, in the frame of the robot; `scan_at`: when, by the clock of
    control. What is not fit to be used changes nothing but `fault`."""

    def __init__(
        self, grid: OccupancyGrid, source: PoseSource, memory: Memory, check: SensorCheck
    ) -> None:
        self.points: Points = np.zeros((0, 2))
        self.scan_at = -np.inf
        self._grid = grid
        self._source, self._memory, self._check = source, memory, check
        self._readings: deque[Reading] = deque(maxlen=READINGS_KEPT)
        self._begin_at: LastPose | None = memory.last_pose()
        self._remembered: Pose | None = None
        self._remembered_at = -np.inf
        self._fault: SensorFault | None = None
        self._fault_at = -np.inf
        self._asked_first: float | None = None

    @property
    def pose(self) -> Pose:
        """In the map; only to be believed while the place is `known`."""
        newest = self.newest
        return self._source.correction.compose(Pose(0.0, 0.0) if newest is None else newest.pose)

    @property
    def map_to_odom(self) -> Pose:
        """The transform from `odom` into `map`; only to be believed while the place is `known`."""
        return self._source.correction

    @property
    def newest(self) -> Reading | None:
        return self._readings[-1] if self._readings else None

    @property
    def known(self) -> bool:
        """Something has spoken for the place since the robot was put somewhere, and not too much against it."""
        return self._begin_at is None and self._source.known

    @property
    def idle(self) -> bool:
        """Nothing rolls and the place is sure: scans have little to tell."""
        newest = self.newest
        if newest is None or not self.known or not self._source.settled:
            return False
        return abs(newest.v) <= 0.005 and abs(newest.w) <= 0.01

    def is_fresh(self, now: float) -> bool:
        """Whether there are odometry and scans to drive by."""
        newest = self.newest
        return (
            newest is not None and _is_recent(newest.heard, now) and _is_recent(self.scan_at, now)
        )

    def fault(self, now: float) -> SensorFault | None:
        """What is wrong with the sensors, or was a moment ago; `now` of the clock of control."""
        if self._fault is not None and abs(now - self._fault_at) <= FAULT_S:
            return self._fault
        if self._asked_first is None or now < self._asked_first:
            self._asked_first = now
        if now - self._asked_first < FIRST_S:
            return None
        newest = self.newest
        if newest is None or not _is_recent(newest.heard, now):
            return SensorFault.ODOMETRY_SILENT
        if abs(now - self.scan_at) > STANDING_S + STALE_S:
            return SensorFault.SCAN_SILENT
        return self._source.fault

    def odometry_at(self, stamp: float) -> Pose | None:
        """The odometry at a time of the clock of messages, between and a little after readings; None before any."""
        newest = self.newest
        if newest is None:
            return None
        if stamp >= newest.stamp:
            return newest.pose.rolled(newest.v, newest.w, min(stamp - newest.stamp, ROLLS_ON_S))
        later = newest
        for earlier in reversed(self._readings):
            if earlier.stamp <= stamp:
                share = (stamp - earlier.stamp) / (later.stamp - earlier.stamp)
                return earlier.pose.towards(later.pose, share)
            later = earlier
        return later.pose

    def on_odometry(self, reading: Reading) -> None:
        last = self.newest
        if fault := self._check.reading_fault(reading, last):
            self._note(fault, reading.heard)
            return
        if last is None:
            if self._begin_at is not None:
                self._source.begin(self._begin_at, reading.pose)
                self._begin_at = None
        elif has_jumped(last, reading) or reading.wall - last.wall > ODOMETRY_GAP_S:
            self._begin_again(last, reading)
        if last is not None and has_stepped(last, reading):
            self._note(SensorFault.CLOCK_STEP, reading.heard)
            self._readings.clear()  # no scan can be looked up among two times
            self.scan_at = -np.inf
        self._readings.append(reading)
        self._source.predict(reading.pose, reading.clock)

    def on_scan(self, scan: Scan, clock: float, now: float) -> None:
        """A scan that is heard when the clock of messages shows `clock` and that of control `now`."""
        if fault := self._check.scan_fault(scan, clock):
            self._note(fault, now)
            return
        odometry = self.odometry_at(scan.stamp)
        if odometry is None:
            return
        self.points, self.scan_at = scan.points(), now
        self._source.on_scan(self.points, odometry)
        self._remember(now, odometry)

    def wants_scan(self, now: float, *, driving: bool) -> bool:
        """Whether the next scan is worth its work."""
        return driving or not self.idle or abs(now - self.scan_at) >= STANDING_S

    def put_at(self, pose: Pose) -> bool:
        """Somebody says where the robot is; a scan has to agree. False: what is no free place of the map is not
        listened to."""
        if not all(map(math.isfinite, pose)) or self._grid.clearance_at(pose.x, pose.y) <= 0:
            return False
        newest = self.newest
        if newest is None:
            self._begin_at = LastPose(pose, Pose(0.0, 0.0))
        else:
            self._source.begin(LastPose(pose, newest.pose), newest.pose)
        return True

    def doubt(self) -> None:
        """The robot may have been carried: a scan has to speak for the place anew."""
        self._source.doubt()

    def write_down(self) -> None:
        """The last word on where it is."""
        if self._readings and self.known:
            self._write_pose(self._readings[-1].pose)

    def _begin_again(self, last: Reading, reading: Reading) -> None:
        """Perhaps the board started anew and counts from zero; the next scan will tell."""
        if has_jumped(last, reading):
            self._note(SensorFault.ODOMETRY_JUMP, reading.heard)
        self._source.begin(LastPose(self.pose, last.pose), reading.pose)
        self._readings.clear()
        # What is written down counts from where the wheels counted before: after a restart it would mislead.
        self._remembered, self._remembered_at = None, -np.inf

    def _note(self, fault: SensorFault, now: float) -> None:
        self._fault, self._fault_at = fault, now

    def _remember(self, now: float, odometry: Pose) -> None:
        pose, last = self.pose, self._remembered
        near = last is not None and pose.distance(last.x, last.y) < REMEMBER_M
        if not self.known or near or abs(now - self._remembered_at) < REMEMBER_S:
            return
        self._remembered, self._remembered_at = pose, now
        self._write_pose(odometry)

    def _write_pose(self, odometry: Pose) -> None:
        self._memory.remember_pose(LastPose(self._source.correction.compose(odometry), odometry))


def _is_recent(heard: float, now: float) -> bool:
    """Not stale, and not from a time that the clock has been set back from."""
    return -STALE_S < now - heard < STALE_S
