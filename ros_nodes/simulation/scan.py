"""What a laser scanner on the robot sees in the map."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import MIDDLE, Points, Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.rays import Rays
from ros_nodes.navigation.sensing import Scan
from ros_nodes.simulation.world import Circle


@dataclass(frozen=True, slots=True)
class Laser:
    """A scanner that looks all around from `mount` on the robot, the first beam straight behind."""

    beams: int = 180
    range_min_m: float = 0.1
    range_max_m: float = 8.0
    noise_m: float = 0.01
    mount: Pose = MIDDLE

    @property
    def angle_min(self) -> float:
        return -math.pi

    @property
    def angle_step(self) -> float:
        return math.tau / self.beams

    @property
    def angles(self) -> NDArray[np.float64]:
        """Of the beams, in the frame of the laser."""
        numbers = np.arange(self.beams, dtype=np.float64)
        return self.angle_min + self.angle_step * numbers

    def measured(self, ranges: NDArray[np.float32], stamp: float) -> Scan:
        """What the nodes make of such ranges."""
        first, step, most = self.angle_min, self.angle_step, self.range_max_m
        last = first + step * (self.beams - 1)
        beams = ranges.astype(np.float64)
        return Scan("laser", stamp, first, last, step, self.range_min_m, most, beams, self.mount)


class Scanner:
    """Scans of one map. A beam that meets nothing in its range is `inf`."""

    def __init__(self, grid: OccupancyGrid, laser: Laser | None = None, *, seed: int = 1) -> None:
        self.laser = laser or Laser()
        self._angles = self.laser.angles
        self._rays = Rays(grid)
        self._random = np.random.default_rng(seed)

    def scan(self, pose: Pose, circles: Sequence[Circle] = ()) -> NDArray[np.float32]:
        """Ranges in metres, one a beam, of walls and of round things; `pose` of the robot."""
        eye = pose.compose(self.laser.mount)
        direction = np.stack(
            [np.cos(self._angles + eye.theta), np.sin(self._angles + eye.theta)], 1
        )
        ranges = self._rays.lengths((eye.x, eye.y), direction, self.laser.range_max_m)
        for circle in circles:
            np.minimum(ranges, _to_circle(eye, direction, circle), out=ranges)
        noisy = ranges + self._random.normal(0.0, self.laser.noise_m, len(ranges))
        seen = (noisy >= self.laser.range_min_m) & (noisy <= self.laser.range_max_m)
        return np.where(seen, noisy, np.inf).astype(np.float32)


def _to_circle(pose: Pose, direction: Points, circle: Circle) -> NDArray[np.float64]:
    """Distance along each ray to a circle; inf where it is missed, 0 from inside of it."""
    x, y, radius = circle
    off = np.array([x - pose.x, y - pose.y])
    along = direction @ off
    aside = float(off @ off) - along**2
    inside = radius**2 - aside
    hit = along - np.sqrt(np.maximum(inside, 0.0))
    return np.where((inside > 0) & (along > 0), np.maximum(hit, 0.0), np.inf)


def to_points(ranges: NDArray[np.float32], angles: NDArray[np.float64]) -> Points:
    """Points in the frame of the robot of all beams that met something. NaN and inf are left
    out."""
    seen = np.isfinite(ranges)
    near, at = ranges[seen].astype(np.float64), angles[seen]
    return np.stack([near * np.cos(at), near * np.sin(at)], axis=1)
