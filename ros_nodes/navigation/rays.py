"""How far rays get on a map: traced through its distance field, each step as long as nothing can be nearer."""

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points
from ros_nodes.navigation.maps import OccupancyGrid

_STEPS = 60
_HIT_M = 0.005


class Rays:
    """Rays over one map, whose outside is a wall."""

    def __init__(self, grid: OccupancyGrid) -> None:
        self._grid = grid
        self._distance = np.pad(grid.obstacle_distance_m, 1, constant_values=0.0)

    def lengths(
        self, start: tuple[float, float], direction: Points, far_m: float
    ) -> NDArray[np.float64]:
        """Metres from `start` to the first surface along each unit vector of `direction` (n, 2);
        inf where there is none within `far_m`."""
        origin = self._grid.cells_of(np.array([start]))[0] + 1
        step = self._grid.cells_of(direction) - self._grid.cells_of(np.zeros((1, 2)))
        reach = np.zeros(len(direction))
        active = np.arange(len(direction))
        shortest = self._grid.resolution_m / 4
        for _ in range(_STEPS):
            here = self._sample(origin + step[active] * reach[active, None])
            going = here > _HIT_M
            active = active[going]
            reach[active] += np.maximum(here[going], shortest)
            active = active[reach[active] < far_m]
            if not len(active):
                break
        reach[reach >= far_m] = np.inf
        return reach

    def _sample(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distance field between the centres of cells."""
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
