"""A robot that stands or rolls in a simulated place, is carried about, and is asked where it believes to be."""

import math
from dataclasses import dataclass, field

from edge.domain.robots import LastPose
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.sensing import Reading, Scan, SensorCheck
from ros_nodes.pose_sources import PoseSource, ScanMatching
from ros_nodes.simulation.people import Crowd
from ros_nodes.simulation.scan import Scanner
from ros_nodes.simulation.world import World
from ros_nodes.whereabouts import Whereabouts

STEP_S, SCAN_S = 0.02, 0.2
"""Odometry at 50 Hz; scans at 5 Hz, the slowest laser."""
EPOCH = 1_700_000_000.0
"""The clock of messages is a wall clock, that of control is not."""


@dataclass
class Remembered:
    """The store: `at` is where the robot was last."""

    grid: OccupancyGrid
    at: LastPose
    written: list[LastPose] = field(default_factory=list)

    def site(self) -> Site:
        return Site(self.grid, (), ())

    def last_pose(self) -> LastPose:
        return self.at

    def remember_pose(self, pose: LastPose) -> None:
        self.written.append(pose)


class Carried:
    """`moved_s`: by how much the wall clock was moved. The robot's laser and wheels may be spoiled."""

    def __init__(
        self,
        grid: OccupancyGrid,
        pose: Pose,
        *,
        told: Pose | None = None,
        people: int = 0,
        source: PoseSource | None = None,
        seed: int = 1,
    ) -> None:
        self.world = World(grid, pose, seed=seed)
        self.memory = Remembered(grid, LastPose(told or pose, Pose(0.0, 0.0)))
        source = source or ScanMatching(grid)
        self.where = Whereabouts(grid, source, self.memory, SensorCheck("laser"))
        self.moved_s = 0.0
        self.laser_speaks = self.wheels_speak = True
        self.drift_m_s = 0.0
        self._crowd = Crowd(grid, people, seed=seed, robot=pose)
        self._scanner = Scanner(grid, seed=seed)
        self._jumped = Pose(0.0, 0.0)
        self._scan_due = 0.0

    @property
    def now(self) -> float:
        return self.world.time_s

    @property
    def clock(self) -> float:
        return EPOCH + self.now + self.moved_s

    def is_found(self) -> bool:
        """It knows its place, and rightly so."""
        return self.where.known and self.is_right

    @property
    def off_m(self) -> float:
        guess = self.where.pose
        return self.world.pose.distance(guess.x, guess.y)

    @property
    def is_right(self) -> bool:
        turned = abs(wrap_angle(self.where.pose.theta - self.world.pose.theta))
        return self.off_m < 0.1 and turned < math.radians(5)

    def jump(self, metres: float) -> None:
        """The odometry does, and not the robot."""
        self._jumped = Pose(metres, 0.0).compose(self._jumped)

    def reading(self) -> Reading:
        odometry = self.world.odometry
        pose = self._jumped.compose(odometry.pose)
        return Reading(self.clock, self.clock, self.now, self.now, pose, odometry.v, odometry.w)

    def scan(self) -> Scan:
        ranges = self._scanner.scan(self.world.pose, self.world.people)
        return self._scanner.laser.measured(ranges, self.clock)

    def hear(self, scan: Scan) -> None:
        self.where.on_scan(scan, self.clock, self.now)

    def go(self, seconds: float, v: float = 0.0, w: float = 0.0) -> None:
        """As the navigator does without a drive: of a standing robot's scans it takes one a second."""
        until = self.now + seconds
        while self.now < until - STEP_S / 2:
            self.step(v, w)

    def step(self, v: float = 0.0, w: float = 0.0) -> None:
        self.world.people = self._crowd.step(STEP_S, self.world.pose)
        self.world.step(STEP_S, v, w)
        if self.drift_m_s:
            self.world.pose = self.world.pose.compose(Pose(0.0, self.drift_m_s * STEP_S))
        if self.wheels_speak:
            self.where.on_odometry(self.reading())
        if self.laser_speaks and self.now >= self._scan_due:
            self._scan_due = self.now + SCAN_S
            if self.where.wants_scan(self.now, driving=bool(v or w)):
                self.hear(self.scan())

    def seconds_until_noticed(self, most_s: float = 4.0) -> float:
        """How long a wrong place is believed: until it is doubted, or put right. inf: for longer than `most_s`."""
        began = self.now
        while self.now - began <= most_s:
            if not self.where.known or self.is_right:
                return self.now - began
            self.step()
        return math.inf
