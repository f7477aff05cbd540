"""A picture of a map with its waypoints and lanes, for people."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.domain.waypoints import WaypointKind
from ros_nodes.navigation import images
from ros_nodes.navigation.geometry import Points
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import Site, by_id

_COLOURS = {
    WaypointKind.DESK: (214, 39, 40),
    WaypointKind.ROOM: (44, 140, 60),
    WaypointKind.SHELF: (31, 119, 180),
    WaypointKind.DOCK: (148, 60, 190),
    WaypointKind.LIFT: (230, 140, 20),
    WaypointKind.JUNCTION: (120, 120, 130),
}
_LANE, _CLOSED, _PATH = (120, 170, 220), (220, 120, 120), (250, 150, 20)


class Picture:
    """RGB pixels, some to a cell of the map, with the far end on top."""

    def __init__(self, grid: OccupancyGrid, scale: int = 2) -> None:
        self._grid = grid
        self._scale = scale
        gray = np.kron(grid.to_gray(), np.ones((scale, scale), np.uint8))
        self.pixels: NDArray[np.uint8] = np.repeat(gray[:, :, None], 3, axis=2)

    def line(self, points: Iterable[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        """A line through points of the map, in metres."""
        corners = np.array(list(points), float).reshape(-1, 2)
        step = self._grid.resolution_m / self._scale / 2
        for start, end in itertools.pairwise(corners):
            count = max(1, math.ceil(float(np.hypot(*(end - start))) / step))
            share = np.linspace(0.0, 1.0, count + 1)[:, None]
            self._paint(start * (1 - share) + end * share, colour)

    def dot(self, x: float, y: float, radius_m: float, colour: tuple[int, int, int]) -> None:
        step = self._grid.resolution_m / self._scale / 2
        side = np.arange(-radius_m, radius_m + step, step)
        around = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        around = around[np.hypot(around[:, 0], around[:, 1]) <= radius_m]
        self._paint(around + np.array([x, y]), colour)

    def site(self, site: Site) -> None:
        """Lanes as lines, waypoints as dots in the colour of their kind with a line to where they
        look."""
        places = by_id(site.waypoints)
        for lane in site.lanes:
            a, b = places[lane.start], places[lane.end]
            self.line([(a.x, a.y), (b.x, b.y)], _CLOSED if lane.closed else _LANE)
        for place in site.waypoints:
            plain = place.kind is WaypointKind.JUNCTION
            self.dot(place.x, place.y, 0.08 if plain else 0.19, _COLOURS[place.kind])
            if not plain:
                ahead = (
                    place.x + 0.45 * math.cos(place.theta),
                    place.y + 0.45 * math.sin(place.theta),
                )
                self.line([(place.x, place.y), ahead], _COLOURS[place.kind])

    def path(self, points: Points) -> None:
        self.line([(float(x), float(y)) for x, y in points], _PATH)

    def _paint(self, points: Points, colour: tuple[int, int, int]) -> None:
        column, row = np.floor(self._grid.cells_of(points) * self._scale).astype(np.int64).T
        height, width = self.pixels.shape[:2]
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        self.pixels[height - 1 - row[inside], column[inside]] = colour

    def to_png(self) -> bytes:
        return images.encode_png(self.pixels)
