"""How far rays get on a map: traced through its distance field, each step as long as nothing can be nearer."""

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points
from ros_nodes.navigation.maps import OccupancyGrid

_STEPS = 60
_HIT_M = 0.005
_RIM = 2
"""Cells of wall around the map. No step is longer than the way to the map's edge, so no ray gets past them."""


class Rays:
    """Rays over one map, whose outside is a wall."""

    def __init__(self, grid: OccupancyGrid) -> None:
        self._grid = grid
        height, width = grid.cells.shape
        row, column = np.arange(height)[:, None], np.arange(width)[None, :]
        edge = np.minimum(np.minimum(row, height - 1 - row), np.minimum(column, width - 1 - column))
        edge_m = (edge + 0.5) * np.float32(grid.resolution_m)
        inside = np.minimum(grid.obstacle_distance_m, edge_m.astype(np.float32))
        self._width = width + 2 * _RIM
        self._distance = np.pad(inside, _RIM, constant_values=0.0).astype(np.float64).ravel()

    def lengths(
        self, start: tuple[float, float], direction: Points, far_m: float
    ) -> NDArray[np.float64]:
        """Metres from `start` to the first surface along each unit vector of `direction` (n, 2);
        inf where there is none within `far_m`. 0 from outside of the map."""
        height, width = self._grid.cells.shape
        column, row = self._grid.cells_of(np.array([start]))[0].tolist()
        reach = np.zeros(len(direction))
        if not (0 <= column < width and 0 <= row < height):
            return reach
        column, row = column + _RIM - 0.5, row + _RIM - 0.5
        step = self._grid.cells_of(direction) - self._grid.cells_of(np.zeros((1, 2)))
        along, up = np.ascontiguousarray(step.T)
        active, gone = np.arange(len(direction)), np.zeros(len(direction))
        shortest = self._grid.resolution_m / 4
        for _ in range(_STEPS):
            here = self._sample(column + along * gone, row + up * gone)
            gone = gone + np.where(here > _HIT_M, np.maximum(here, shortest), 0.0)
            going = (here > _HIT_M) & (gone < far_m)
            if not going.all():
                reach[active] = gone
                active, gone, along, up = active[going], gone[going], along[going], up[going]
                if not len(active):
                    break
        reach[active] = gone
        reach[reach >= far_m] = np.inf
        return reach

    def _sample(self, column: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
        """The distance field between the centres of cells."""
        left, low = column.astype(np.int64), row.astype(np.int64)
        share, rise = column - left, row - low
        at = low * self._width + left
        distance = self._distance
        a, c = distance.take(at), distance.take(at + self._width)
        lower = a + (distance.take(at + 1) - a) * share
        upper = c + (distance.take(at + self._width + 1) - c) * share
        between: NDArray[np.float64] = lower + (upper - lower) * rise
        return between
