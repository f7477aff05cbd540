"""Who says where the robot is: its own matching of scans, or another node that tells it. No ROS.

All of them say it as the transform from `map` to `odom`, so that the odometry fills the time between.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from edge.domain.robots import LastPose
from ros_nodes.navigation.geometry import MIDDLE, Points, Pose
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.sensor_faults import SensorFault

SIGMA_M, SIGMA_RAD = 0.3, math.radians(15)
"""A pose that is told with larger standard deviations is not believed."""
TOLD_M = 1.0
"""After so long a way without a word, what was told is too old."""
TOLD_S = 2.0
"""A transform that is told again and again is too old after so long, by the clock of messages."""


class PoseSource(Protocol):
    @property
    def correction(self) -> Pose:
        """The transform `map` -> `odom`; only to be believed while `known`."""
        ...

    @property
    def known(self) -> bool: ...

    @property
    def settled(self) -> bool:
        """While the robot stands, the next scans have nothing to tell."""
        ...

    @property
    def fault(self) -> SensorFault | None: ...

    def begin(self, last: LastPose, odometry: Pose) -> None:
        """The robot was at `last`, and may have rolled on meanwhile; now the wheels count `odometry`."""
        ...

    def doubt(self) -> None:
        """Believe the place no more until there is something new that speaks for it."""
        ...

    def predict(self, odometry: Pose, clock: float) -> None:
        """`clock`: of messages."""
        ...

    def on_scan(self, points: Points, odometry: Pose) -> None:
        """`points` (n, 2) in the frame of the robot, with the odometry of their time."""
        ...


class ScanMatching:
    """The robot finds out by itself."""

    def __init__(self, grid: OccupancyGrid, mount: Pose = MIDDLE) -> None:
        """`mount`: of the laser on the robot."""
        self._localiser = Localiser(grid, mount=mount)
        self._begin_at: LastPose | None = None

    @property
    def correction(self) -> Pose:
        return self._localiser.correction

    @property
    def known(self) -> bool:
        """A scan has fitted the map since the robot was put somewhere, and not too many have failed to."""
        return self._begin_at is None and self._localiser.sure

    @property
    def settled(self) -> bool:
        return self.known and self._localiser.content

    @property
    def fault(self) -> SensorFault | None:
        return None

    def begin(self, last: LastPose, odometry: Pose) -> None:
        self._begin_at = last
        self._localiser.start(Pose(*last.pose), odometry)

    def doubt(self) -> None:
        self._localiser.doubt()

    def predict(self, odometry: Pose, clock: float) -> None:
        self._localiser.predict(odometry)

    def on_scan(self, points: Points, odometry: Pose) -> None:
        if self._begin_at is not None:
            self._find_again(self._begin_at, points, odometry)
        self._localiser.correct(points, odometry)

    def _find_again(self, last: LastPose, points: Points, odometry: Pose) -> None:
        """After a start: the wheels may have counted on meanwhile, or their board started anew
        where the robot stood. Whatever fits the first scan better is believed."""
        stood = Pose(*last.pose)
        rolled = stood.compose(Pose(*last.odometry).inverse()).compose(odometry)
        self._localiser.find(points, (stood, rolled), odometry)
        self._begin_at = None


class ToldPose:
    """Another node finds out, and tells it from time to time."""

    def __init__(self, stale_after_s: float = math.inf) -> None:
        """`stale_after_s`: by the clock of messages; inf where it is told only after a way."""
        self.correction = Pose(0.0, 0.0)
        self._stale_after_s = stale_after_s
        self._fault: SensorFault | None = SensorFault.POSE_SILENT
        self._told_at = -math.inf
        self._told_with: Pose | None = None
        self._odometry = Pose(0.0, 0.0)

    def tell(
        self,
        correction: Pose,
        stamp: float,
        *,
        sigma_m: float = 0.0,
        sigma_rad: float = 0.0,
        lasting: bool = False,
    ) -> None:
        """`lasting`: it is told once and never gets old. Standard deviations that are no numbers are no good ones."""
        if not all(math.isfinite(value) for value in correction):
            self._fault = SensorFault.POSE_NOT_FIT
        elif not (sigma_m <= SIGMA_M and sigma_rad <= SIGMA_RAD):
            self._fault = SensorFault.POSE_UNSURE
        else:
            self.correction, self._fault = correction, None
            self._told_at = stamp
            self._told_with = None if lasting else self._odometry

    def refuse(self) -> None:
        """What was told was no pose in the map."""
        self._fault = SensorFault.POSE_NOT_FIT

    @property
    def known(self) -> bool:
        return self._fault is None

    settled = known

    @property
    def fault(self) -> SensorFault | None:
        return self._fault

    def begin(self, last: LastPose, odometry: Pose) -> None:
        self.correction = Pose(*last.pose).compose(odometry.inverse())
        self._odometry = odometry
        self.doubt()

    def doubt(self) -> None:
        self._fault = SensorFault.POSE_SILENT

    def predict(self, odometry: Pose, clock: float) -> None:
        self._odometry, told = odometry, self._told_with
        if self._fault is not None or told is None:
            return
        far = odometry.distance(told.x, told.y) > TOLD_M
        if far or abs(clock - self._told_at) > self._stale_after_s:
            self._fault = SensorFault.POSE_SILENT

    def on_scan(self, points: Points, odometry: Pose) -> None:
        pass


class Frames:
    """Transforms by the name of the child, as TF tells them."""

    def __init__(self) -> None:
        self._parents: dict[str, tuple[str, Pose]] = {}

    def set(self, parent: str, child: str, transform: Pose) -> None:
        self._parents[child.lstrip("/")] = (parent.lstrip("/"), transform)

    def between(self, outer: str, inner: str) -> Pose | None:
        """The transform from `inner` into `outer`; None where no chain leads there."""
        found, frame = Pose(0.0, 0.0), inner
        for _ in range(len(self._parents) + 1):
            if frame == outer:
                return found
            if frame not in self._parents:
                return None
            frame, transform = self._parents[frame]
            found = transform.compose(found)
        return None


def sigmas(covariance: Sequence[float]) -> tuple[float, float]:
    """Standard deviations of position (m) and heading (rad) of a row-major 6 by 6 covariance; NaN where it is none."""
    x, y, turn = (float(covariance[at]) for at in (0, 7, 35))
    if min(x, y, turn) < 0:
        return math.nan, math.nan
    return math.sqrt(max(x, y)), math.sqrt(turn)
