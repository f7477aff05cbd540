"""Where the robot is: odometry, corrected by scans, begun where it was last, written down as it goes. No ROS."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge.domain.robots import LastPose
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid

STANDING_S = 1.0
"""While the robot stands, one scan in so many seconds is looked at."""
REMEMBER_S = 1.0
"""So often the pose is written down while it changes by more than REMEMBER_M."""
REMEMBER_M = 0.2
READINGS_KEPT = 100
"""Readings to look a scan's time up in: two seconds at 50 Hz."""
ODOMETRY_GAP_S = 0.25
"""After such a silence, of real time, the board may have started anew."""
ODOMETRY_JUMP_M = 0.5
"""No wheels do this between two readings: the board has started anew, and counts from zero."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Odometry. `stamp`: when it was measured, as messages say it; `heard`: by the clock of control;
    `wall`: by the monotonic one."""

    stamp: float
    heard: float
    wall: float
    pose: Pose
    v: float
    w: float


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
    control."""

    def __init__(self, grid: OccupancyGrid, memory: Memory) -> None:
        self.points: Points = np.zeros((0, 2))
        self.scan_at = -np.inf
        self._memory = memory
        self._localiser = Localiser(grid)
        self._readings: deque[Reading] = deque(maxlen=READINGS_KEPT)
        self._begin_at: LastPose | None = memory.last_pose()
        self._remembered: Pose | None = None
        self._remembered_at = -np.inf

    @property
    def pose(self) -> Pose:
        """In the map; only to be believed while the place is `known`."""
        return self._localiser.pose

    @property
    def newest(self) -> Reading | None:
        return self._readings[-1] if self._readings else None

    @property
    def known(self) -> bool:
        """A scan has fitted the map since the robot was put somewhere, and not too many have failed to."""
        return self._begin_at is None and self._localiser.sure

    @property
    def idle(self) -> bool:
        """Nothing rolls and the place is known: scans have nothing to tell."""
        newest = self.newest
        if newest is None or self._begin_at is not None or self._localiser.quality == 0.0:
            return False
        return abs(newest.v) <= 0.005 and abs(newest.w) <= 0.01

    def on_odometry(self, reading: Reading) -> None:
        pose = reading.pose
        if not self._readings:
            if self._begin_at is not None:
                self._localiser.start(Pose(*self._begin_at.pose), pose)
        elif _is_broken(self._readings[-1], reading):
            # Perhaps the board started anew and counts from zero; the next scan will tell.
            stood = self._localiser.pose
            self._begin_at = LastPose(stood, self._readings[-1].pose)
            self._localiser.start(stood, pose)
            self._readings.clear()
        self._readings.append(reading)
        self._localiser.predict(pose)

    def on_scan(self, points: Points, stamp: float, now: float) -> None:
        """`points` (n, 2) in the frame of the robot, measured at `stamp`, heard at `now` of the clock of control."""
        if not self._readings:
            return
        self.points, self.scan_at = points, now
        reading = min(self._readings, key=lambda one: abs(one.stamp - stamp))
        if self._begin_at is not None:
            self._find_again(self._begin_at, reading.pose)
        self._localiser.correct(points, reading.pose)
        self._remember(now, reading.pose)

    def put_at(self, pose: Pose) -> None:
        """Somebody says where the robot is."""
        odometry = self._readings[-1].pose if self._readings else Pose(0.0, 0.0)
        self._begin_at = LastPose(pose, odometry)
        self._localiser.start(pose, odometry)

    def write_down(self) -> None:
        """The last word on where it is."""
        if self._readings and self.known:
            self._write_pose(self._readings[-1].pose)

    def _find_again(self, last: LastPose, odometry: Pose) -> None:
        """After a start: the wheels may have counted on meanwhile, or their board started anew
        where the robot stood. Whatever fits the first scan better is believed."""
        stood = Pose(*last.pose)
        rolled = stood.compose(Pose(*last.odometry).inverse()).compose(odometry)
        self._localiser.find(self.points, (stood, rolled), odometry)
        self._begin_at = None

    def _remember(self, now: float, odometry: Pose) -> None:
        pose, last = self._localiser.pose, self._remembered
        near = last is not None and pose.distance(last.x, last.y) < REMEMBER_M
        if not self.known or near or now - self._remembered_at < REMEMBER_S:
            return
        self._remembered, self._remembered_at = pose, now
        self._write_pose(odometry)

    def _write_pose(self, odometry: Pose) -> None:
        self._memory.remember_pose(LastPose(self._localiser.correction.compose(odometry), odometry))


def _is_broken(last: Reading, reading: Reading) -> bool:
    """Whether a reading does not simply follow from the one before."""
    silent = reading.wall - last.wall > ODOMETRY_GAP_S
    return silent or reading.pose.distance(last.pose.x, last.pose.y) > ODOMETRY_JUMP_M
