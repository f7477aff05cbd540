"""What a laser scanner on the robot sees in the map: rays traced through the map's distance
field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.world import Circle

_STEPS = 60
_HIT_M = 0.005


@dataclass(frozen=True, slots=True)
class Laser:
    """A scanner that looks all around from the robot's middle, the first beam straight behind."""

    beams: int = 180
    range_min_m: float = 0.1
    range_max_m: float = 8.0
    noise_m: float = 0.01

    @property
    def angle_min(self) -> float:
        return -math.pi

    @property
    def angle_step(self) -> float:
        return math.tau / self.beams

    @property
    def angles(self) -> NDArray[np.float64]:
        """Of the beams, in the frame of the robot."""
        numbers = np.arange(self.beams, dtype=np.float64)
        return self.angle_min + self.angle_step * numbers


class Scanner:
    """Scans of one map. A beam that meets nothing in its range is `inf`."""

    def __init__(self, grid: OccupancyGrid, laser: Laser | None = None, *, seed: int = 1) -> None:
        self.laser = laser or Laser()
        self._angles = self.laser.angles
        self._grid = grid
        self._distance = np.pad(grid.obstacle_distance_m, 1, constant_values=0.0)
        self._random = np.random.default_rng(seed)

    def scan(self, pose: Pose, circles: Sequence[Circle] = ()) -> NDArray[np.float32]:
        """Ranges in metres, one a beam, of walls and of round things."""
        direction = np.stack(
            [np.cos(self._angles + pose.theta), np.sin(self._angles + pose.theta)], 1
        )
        ranges = self._walls(np.array([pose.x, pose.y]), direction)
        for circle in circles:
            np.minimum(ranges, _to_circle(pose, direction, circle), out=ranges)
        noisy = ranges + self._random.normal(0.0, self.laser.noise_m, len(ranges))
        seen = (noisy >= self.laser.range_min_m) & (noisy <= self.laser.range_max_m)
        return np.where(seen, noisy, np.inf).astype(np.float32)

    def _walls(self, start: NDArray[np.float64], direction: Points) -> NDArray[np.float64]:
        """Step each ray by the distance to the nearest wall until it meets one (sphere tracing)."""
        far = self.laser.range_max_m
        origin = self._grid.cells_of(start[None, :])[0] + 1
        step = self._grid.cells_of(direction) - self._grid.cells_of(np.zeros((1, 2)))
        reach = np.zeros(len(direction))
        active = np.arange(len(direction))
        shortest = self._grid.resolution_m / 4
        for _ in range(_STEPS):
            here = self._sample(origin + step[active] * reach[active, None])
            going = here > _HIT_M
            active = active[going]
            reach[active] += np.maximum(here[going], shortest)
            active = active[reach[active] < far]
            if not len(active):
                break
        reach[reach >= far] = np.inf
        return reach

    def _sample(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distance field between the centres of cells; the map's outside is a wall."""
        height, width = self._distance.shape
        column = np.clip(cells[:, 0] - 0.5, 0, width - 1.001)
        row = np.clip(cells[:, 1] - 0.5, 0, height - 1.001)
        left, low = column.astype(np.int64), row.astype(np.int64)
        share, rise = column - left, row - low
        at = low * width + left
        flat = self._distance.ravel()
        lower = flat[at] * (1 - share) + flat[at + 1] * share
        upper = flat[at + width] * (1 - share) + flat[at + width + 1] * share
        between: NDArray[np.float64] = lower * (1 - rise) + upper * rise
        return between


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
