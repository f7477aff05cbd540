"""The robot's body in the library: motors with inertia, wheels that slip, odometry that drifts,
bumper, battery.

Everything follows from the seed and the calls; there is no clock in here.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.maps import OccupancyGrid

Circle = tuple[float, float, float]
"""A person or a thing that stands about: x, y, radius in metres."""


@dataclass(frozen=True, slots=True)
class Body:
    """What the robot is like. Drifts are the most that a seed may choose."""

    radius_m: float = 0.19
    track_m: float = 0.28
    motor_lag_s: float = 0.08
    max_wheel_acceleration_m_s2: float = 2.0
    slip: float = 0.01
    wheel_drift: float = 0.02
    heading_drift: float = 0.01
    battery_wh: float = 60.0
    idle_w: float = 9.0
    drive_w_per_m_s: float = 24.0
    charge_w: float = 45.0
    dock_reach_m: float = 0.12
    dock_angle_rad: float = math.radians(15)


@dataclass(frozen=True, slots=True)
class Odometry:
    """What the wheels say: the pose since the start in the `odom` frame, and the speeds now."""

    x: float
    y: float
    theta: float
    v: float
    w: float

    @property
    def pose(self) -> Pose:
        return Pose(self.x, self.y, self.theta)


@dataclass(frozen=True, slots=True)
class Battery:
    fraction: float
    charging: bool
    voltage: float


class World:
    """One robot on one map. `pose` is the truth, which only the simulator knows."""

    def __init__(
        self,
        grid: OccupancyGrid,
        start: Pose,
        *,
        seed: int = 1,
        body: Body | None = None,
        docks: Sequence[Pose] = (),
        battery: float = 1.0,
    ) -> None:
        self.grid = grid
        self.body = body or Body()
        self.pose = start
        self.people: list[Circle] = []
        self.things: list[Circle] = []
        self.wheels_stuck = False
        self.bumper = False
        self.time_s = 0.0
        self._docks = tuple(docks)
        self._random = random.Random(seed)
        drift, heading = self.body.wheel_drift, self.body.heading_drift
        self._distance_gain = 1 + self._random.uniform(-drift, drift)
        self._turn_gain = 1 + self._random.uniform(-heading, heading)
        self._left = self._right = 0.0
        self._odometry = Pose(0.0, 0.0, 0.0)
        self._charge = battery
        self._charging = False
        self._walls = grid.obstacle_distance_m
        self._in_grid = grid.origin.inverse()

    @property
    def odometry(self) -> Odometry:
        v, w = self._wheel_speeds()
        return Odometry(*self._odometry, v * self._distance_gain, w * self._turn_gain)

    @property
    def battery(self) -> Battery:
        sag = 0.4 * (abs(self._left) + abs(self._right)) / 2
        volts = 21.0 + 4.2 * self._charge - sag + (0.5 if self._charging else 0.0)
        return Battery(self._charge, self._charging, round(volts, 2))

    def set_charge(self, fraction: float) -> None:
        """Set the battery to a share of full, as a test or a fault would."""
        self._charge = min(max(fraction, 0.0), 1.0)

    def place(self, pose: Pose) -> None:
        """Carry the robot to another place; its wheels notice nothing."""
        self.pose = pose
        self._left = self._right = 0.0

    def step(self, dt_s: float, v: float, w: float) -> None:
        """Go on by `dt_s` seconds under the commanded speeds (m/s, rad/s)."""
        self.time_s += dt_s
        if self.wheels_stuck:
            v = w = self._left = self._right = 0.0
        half = w * self.body.track_m / 2
        self._left = self._spin(self._left, v - half, dt_s)
        self._right = self._spin(self._right, v + half, dt_s)
        wheel_v, wheel_w = self._wheel_speeds()
        self._odometry = _moved(
            self._odometry, wheel_v * self._distance_gain * dt_s, wheel_w * self._turn_gain * dt_s
        )
        slip = self.body.slip
        true_v = wheel_v * (1 - abs(self._random.gauss(0.0, slip)))
        true_w = wheel_w * (1 - self._random.gauss(0.0, slip))
        self._move(true_v * dt_s, true_w * dt_s)
        self._use_battery(dt_s)

    def _wheel_speeds(self) -> tuple[float, float]:
        return (self._left + self._right) / 2, (self._right - self._left) / self.body.track_m

    def _spin(self, speed: float, wanted: float, dt_s: float) -> float:
        """A motor follows its command with a lag, and no faster than it can."""
        change = (wanted - speed) * (1 - math.exp(-dt_s / self.body.motor_lag_s))
        most = self.body.max_wheel_acceleration_m_s2 * dt_s
        return speed + min(max(change, -most), most)

    def _move(self, distance: float, turn: float) -> None:
        """Move unless something is in the way: then the wheels turn and the bumper closes."""
        onward = _moved(self.pose, distance, turn)
        gap = self._gap(onward)
        touches = gap <= 0 and gap < self._gap(self.pose)
        self.bumper = touches
        self.pose = Pose(self.pose.x, self.pose.y, onward.theta) if touches else onward

    def _gap(self, pose: Pose) -> float:
        """Metres between the robot's skin and the nearest thing or person."""
        inside = self._in_grid.compose(pose)
        row = math.floor(inside.y / self.grid.resolution_m)
        column = math.floor(inside.x / self.grid.resolution_m)
        height, width = self._walls.shape
        known = 0 <= row < height and 0 <= column < width
        gap = float(self._walls[row, column]) if known else -1.0
        for x, y, radius in self.round_things:
            gap = min(gap, pose.distance(x, y) - radius)
        return gap - self.body.radius_m

    @property
    def round_things(self) -> list[Circle]:
        """Whoever and whatever stands about, beside what the map has."""
        return self.people + self.things

    @property
    def gap_m(self) -> float:
        """Metres between the robot's skin and the nearest thing or person; below 0 is a
        collision."""
        return self._gap(self.pose)

    def _use_battery(self, dt_s: float) -> None:
        self._charging = any(self._docked(dock) for dock in self._docks)
        speed = (abs(self._left) + abs(self._right)) / 2
        power = -self.body.idle_w - self.body.drive_w_per_m_s * speed
        if self._charging:
            power += self.body.charge_w
        self.set_charge(self._charge + power * dt_s / 3600 / self.body.battery_wh)

    def _docked(self, dock: Pose) -> bool:
        near = self.pose.distance(dock.x, dock.y) <= self.body.dock_reach_m
        return near and abs(wrap_angle(dock.theta - self.pose.theta)) <= self.body.dock_angle_rad


def _moved(pose: Pose, distance: float, turn: float) -> Pose:
    """Along an arc, by its chord."""
    middle = pose.theta + turn / 2
    return Pose(
        pose.x + distance * math.cos(middle),
        pose.y + distance * math.sin(middle),
        wrap_angle(pose.theta + turn),
    )
