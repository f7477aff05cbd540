"""A picture of a map with its waypoints and lanes, for people."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation import images
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.lettering import HEIGHT, lettering
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import Site, by_id

Colour = tuple[int, int, int]

_COLOURS = {
    WaypointKind.DESK: (204, 32, 34),
    WaypointKind.ROOM: (30, 125, 50),
    WaypointKind.SHELF: (24, 100, 165),
    WaypointKind.DOCK: (130, 45, 175),
    WaypointKind.LIFT: (200, 110, 10),
    WaypointKind.JUNCTION: (110, 110, 120),
}
_LANE, _ONE_WAY = (120, 170, 220), (30, 80, 150)
_CLOSED, _FOR_A_TIME = (215, 40, 40), (235, 130, 20)
_PATH, _INK, _PAPER = (250, 150, 20), (40, 40, 45), (255, 255, 255)
_LANE_M, _DASH_M = 0.05, 0.3
_ARROW_M, _ARROWS_EVERY_M = 0.32, 2.5
_DOT_M, _SMALL_DOT_M = 0.19, 0.08
_GAP = 6
"""Pixels around letters of the legend."""


class Picture:
    """RGB pixels, some to a cell of the map, with the far end on top."""

    def __init__(self, grid: OccupancyGrid, scale: int = 3) -> None:
        self._grid = grid
        self._scale = scale
        self._letters = max(1, round(scale * 2 / 3))
        gray = np.kron(grid.to_gray(), np.ones((scale, scale), np.uint8))
        self.pixels: NDArray[np.uint8] = np.repeat(gray[:, :, None], 3, axis=2)

    @property
    def _step_m(self) -> float:
        """So close that no pixel is left out."""
        return self._grid.resolution_m / self._scale / 2

    def line(
        self, points: Iterable[tuple[float, float]], colour: Colour, width_m: float = 0.0
    ) -> None:
        """A line through points of the map, in metres."""
        corners = np.array(list(points), float).reshape(-1, 2)
        for start, end in itertools.pairwise(corners):
            count = max(1, math.ceil(float(np.hypot(*(end - start))) / self._step_m))
            share = np.linspace(0.0, 1.0, count + 1)[:, None]
            self._paint(start * (1 - share) + end * share, colour, width_m)

    def dashes(self, start: tuple[float, float], end: tuple[float, float], colour: Colour) -> None:
        count = max(1, round(math.dist(start, end) / _DASH_M) // 2 * 2 + 1)
        at = np.linspace(0.0, 1.0, count + 1)[:, None]
        places = [(float(x), float(y)) for x, y in np.array(start) * (1 - at) + np.array(end) * at]
        for one, other in list(itertools.pairwise(places))[::2]:
            self.line([one, other], colour, 1.6 * _LANE_M)

    def dot(self, x: float, y: float, radius_m: float, colour: Colour) -> None:
        side = np.arange(-radius_m, radius_m + self._step_m, self._step_m)
        around = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        around = around[np.hypot(around[:, 0], around[:, 1]) <= radius_m]
        self._paint(around + np.array([x, y]), colour)

    def arrow(self, at: Pose, colour: Colour) -> None:
        """A triangle that points to where `at` looks."""
        back = np.arange(0.0, _ARROW_M, self._step_m)
        for away in back:
            half = 0.5 * away
            side = at.points_out(
                np.array([[_ARROW_M / 2 - away, -half], [_ARROW_M / 2 - away, half]])
            )
            self.line([(float(x), float(y)) for x, y in side], colour)

    def words(self, x: float, y: float, text: str, colour: Colour, *, small: bool = False) -> None:
        """A line of letters, its middle `y` and `x` in metres, on a ground of its own."""
        mask = lettering(text, 1 if small else self._letters)
        column, row = np.floor(self._pixels_of(np.array([[x, y]])))[0].astype(int).tolist()
        room = np.array(self.pixels.shape[:2]) - mask.shape - 1
        corner = np.array([row, column]) - np.array(mask.shape) // 2
        top, left = np.maximum(1, np.minimum(corner, room)).tolist()  # never cut off at the edge
        self._write(mask, top, left, colour)

    def site(self, site: Site) -> None:
        """Lanes as lines, waypoints as dots in the colour of their kind with a line to where they
        look, their names, and what the colours mean."""
        places = by_id(site.waypoints)
        for lane in site.lanes:
            self._lane(lane, places[lane.start], places[lane.end])
        for place in site.waypoints:
            self._place(place)
        for place in site.waypoints:
            self._name(place)
        self._legend({place.kind for place in site.waypoints}, site.lanes)

    def path(self, points: Points) -> None:
        self.line([(float(x), float(y)) for x, y in points], _PATH, _LANE_M)

    def to_png(self) -> bytes:
        return images.encode_png(self.pixels)

    def _lane(self, lane: Lane, start: Waypoint, end: Waypoint) -> None:
        a, b = (start.x, start.y), (end.x, end.y)
        if lane.closed or lane.closed_from or lane.closed_until:
            self.dashes(a, b, _CLOSED if lane.closed else _FOR_A_TIME)
        else:
            self.line([a, b], _LANE, _LANE_M)
        if lane.one_way:
            count = max(1, round(math.dist(a, b) / _ARROWS_EVERY_M))
            heading = math.atan2(b[1] - a[1], b[0] - a[0])
            for at in (np.arange(count) + 0.5) / count:
                place = Pose(a[0] + at * (b[0] - a[0]), a[1] + at * (b[1] - a[1]), heading)
                self.arrow(place, _ONE_WAY)

    def _place(self, place: Waypoint) -> None:
        plain = place.kind is WaypointKind.JUNCTION
        colour = _COLOURS[place.kind]
        self.dot(place.x, place.y, _SMALL_DOT_M if plain else _DOT_M, colour)
        if not plain:
            ahead = Pose(place.x, place.y, place.theta).compose(Pose(0.45, 0.0))
            self.line([(place.x, place.y), (ahead.x, ahead.y)], colour, _LANE_M)

    def _name(self, place: Waypoint) -> None:
        """Below the dot, or above where the robot looks down: the code on the sign, else the id that messages name."""
        plain = place.kind is WaypointKind.JUNCTION
        if plain and self._letters == 1:
            return  # no room for small letters
        rows = HEIGHT * (1 if plain else self._letters) / 2 + 3
        away = (_SMALL_DOT_M if plain else _DOT_M) + rows * self._grid.resolution_m / self._scale
        up = not plain and math.sin(place.theta) < -0.3
        text = place.id if plain else place.location_code or place.id
        self.words(
            place.x, place.y + (away if up else -away), text, _COLOURS[place.kind], small=plain
        )

    def _legend(self, kinds: set[WaypointKind], lanes: Iterable[Lane]) -> None:
        """A strip below the map."""
        entries = [(kind.value, _COLOURS[kind]) for kind in _COLOURS if kind in kinds]
        entries.append(("lane", _LANE))
        entries += [("one way", _ONE_WAY)] if any(lane.one_way for lane in lanes) else []
        entries += [("closed", _CLOSED)] if any(lane.closed for lane in lanes) else []
        timed = any(not lane.closed and (lane.closed_from or lane.closed_until) for lane in lanes)
        entries += [("closed for a time", _FOR_A_TIME)] if timed else []
        height, width = HEIGHT * self._letters + 2 * _GAP, self.pixels.shape[1]
        top = self.pixels.shape[0]
        strip = np.full((height, width, 3), _PAPER, np.uint8)
        self.pixels = np.concatenate([self.pixels, strip])
        column = _GAP
        for text, colour in entries:
            mask = lettering(text, self._letters)
            side = mask.shape[0]
            self.pixels[top + _GAP : top + _GAP + side, column : column + side] = colour
            self._write(mask, top + _GAP, column + side + _GAP, _INK)
            column += side + mask.shape[1] + 4 * _GAP

    def _write(self, mask: NDArray[np.bool_], top: int, left: int, colour: Colour) -> None:
        """Letters on the ground of a pixel around them; what lies outside of the picture is cut off."""
        height, width = self.pixels.shape[:2]
        framed = np.pad(mask, 1)
        rows, columns = np.mgrid[
            top - 1 : top - 1 + framed.shape[0], left - 1 : left - 1 + framed.shape[1]
        ]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        ground = self.pixels[rows[inside], columns[inside]]
        lightened = (ground.astype(np.uint16) + 3 * 255) // 4
        self.pixels[rows[inside], columns[inside]] = lightened.astype(np.uint8)
        ink = inside & framed
        self.pixels[rows[ink], columns[ink]] = colour

    def _pixels_of(self, points: Points) -> NDArray[np.float64]:
        """Points of the map as (column, row) of the picture, not rounded."""
        cells = self._grid.cells_of(points) * self._scale
        top = self._grid.cells.shape[0] * self._scale
        return np.stack([cells[:, 0], top - cells[:, 1]], axis=1)

    def _paint(self, points: Points, colour: Colour, width_m: float = 0.0) -> None:
        column, row = np.floor(self._pixels_of(points) + 1e-6).astype(np.int64).T
        brush = max(1, round(width_m / self._grid.resolution_m * self._scale))
        off = np.arange(brush) - brush // 2
        column = (column[:, None, None] + off[None, :, None] + 0 * off[None, None, :]).ravel()
        row = (row[:, None, None] + 0 * off[None, :, None] + off[None, None, :]).ravel()
        height, width = self._grid.cells.shape[0] * self._scale, self.pixels.shape[1]
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        self.pixels[row[inside], column[inside]] = colour
