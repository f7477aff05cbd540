"""The demo library: a reading room of 30 m x 20 m, drawn in cells of 5 cm, with its waypoints and
lanes.

Six study rooms stand along the north wall, sixteen double shelves in two blocks in the middle, a
reading corner in the east, the issue desk and the entrance in the west, and the dock in the
workroom behind the north-west corner. The origin of the map is the inner corner in the south-west;
y goes north.
"""

import itertools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.domain.waypoints import CALL_NUMBER_FROM, CALL_NUMBER_TO, Lane, Waypoint, WaypointKind
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import FREE, OCCUPIED, UNKNOWN, OccupancyGrid, save_map
from ros_nodes.navigation.site_file import Site, by_id, link, write_site

RESOLUTION_M = 0.05
WIDTH_M, DEPTH_M = 30.0, 20.0
_MARGIN_M = 0.5
_WALL_M = 0.15

_SHELF_X = (11.0, 13.0, 15.0, 17.0, 19.0, 21.0, 23.0, 25.0)
_SHELF_Y = ((1.9, 6.3), (8.3, 12.7))
_AISLE_X = (10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0)
_CROSS_Y = (1.0, 7.3, 14.1)
_ROOM_X = (8.0, 12.0, 16.0, 20.0, 24.0, 28.0)
_ROOM_WALL_Y = 15.7
_DOOR_M = 1.1

_HALL_SPEED, _AISLE_SPEED = 0.5, 0.5


class _Drawing:
    """Rectangles and discs in metres on a grid."""

    def __init__(self) -> None:
        size = (DEPTH_M + 2 * _MARGIN_M, WIDTH_M + 2 * _MARGIN_M)
        self.cells: NDArray[np.int8] = np.full(
            tuple(round(side / RESOLUTION_M) for side in size), UNKNOWN, np.int8
        )

    def fill(self, x: float, y: float, to_x: float, to_y: float, value: int) -> None:
        low, high = (
            tuple(round((side + _MARGIN_M) / RESOLUTION_M) for side in corner)
            for corner in ((y, x), (to_y, to_x))
        )
        self.cells[low[0] : high[0], low[1] : high[1]] = value

    def wall(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """A wall between two points on a line parallel to an axis, centred on it."""
        half = _WALL_M / 2
        self.fill(x - half, y - half, to_x + half, to_y + half, OCCUPIED)

    def block(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Furniture as a laser maps it: an outline of two cells with an inside that was never
        seen."""
        edge = 2 * RESOLUTION_M
        self.fill(x, y, to_x, to_y, OCCUPIED)
        self.fill(x + edge, y + edge, to_x - edge, to_y - edge, UNKNOWN)

    def disc(self, x: float, y: float, radius: float) -> None:
        """A pillar or a chair."""
        low, left, high, right = (
            round((side + _MARGIN_M) / RESOLUTION_M)
            for side in (y - radius, x - radius, y + radius, x + radius)
        )
        rows, columns = np.ogrid[low:high, left:right]
        down, across = (
            (index + 0.5) * RESOLUTION_M - _MARGIN_M - middle
            for index, middle in ((rows, y), (columns, x))
        )
        self.cells[low:high, left:right][np.hypot(down, across) <= radius] = OCCUPIED


def draw_library() -> OccupancyGrid:
    """The map."""
    drawing = _Drawing()
    drawing.fill(-_WALL_M, -_WALL_M, WIDTH_M + _WALL_M, DEPTH_M + _WALL_M, OCCUPIED)
    drawing.fill(0.0, 0.0, WIDTH_M, DEPTH_M, FREE)
    _draw_rooms(drawing)
    _draw_shelves(drawing)
    _draw_hall(drawing)
    _draw_reading_corner(drawing)
    return OccupancyGrid(drawing.cells, RESOLUTION_M, Pose(-_MARGIN_M, -_MARGIN_M, 0.0))


def _draw_rooms(drawing: _Drawing) -> None:
    """Six study rooms, each with a door in the middle and a table with four chairs, and the
    workroom."""
    drawing.wall(0.0, _ROOM_WALL_Y, WIDTH_M, _ROOM_WALL_Y)
    for x in _ROOM_X:
        drawing.wall(x - 2.0, _ROOM_WALL_Y, x - 2.0, DEPTH_M)
    half = _DOOR_M / 2
    for x in (3.0, *_ROOM_X):
        drawing.fill(x - half, _ROOM_WALL_Y - 0.1, x + half, _ROOM_WALL_Y + 0.1, FREE)
    for x in _ROOM_X:
        drawing.block(x - 0.9, 18.0, x + 0.9, 18.9)
        for chair_x in (x - 0.45, x + 0.45):
            drawing.disc(chair_x, 19.25, 0.2)
        for chair_x in (x - 1.2, x + 1.2):
            drawing.disc(chair_x, 18.45, 0.2)
    drawing.block(4.6, 16.6, 5.6, 19.4)
    drawing.block(0.4, 19.3, 3.6, 19.8)
    drawing.fill(0.0, 17.2, 0.15, 17.6, OCCUPIED)


def _draw_shelves(drawing: _Drawing) -> None:
    for x in _SHELF_X:
        for low, high in _SHELF_Y:
            drawing.block(x - 0.3, low, x + 0.3, high)


def _draw_hall(drawing: _Drawing) -> None:
    """Issue desk, returns desk, catalogue terminals, pillars, and the glass doors of the
    entrance."""
    drawing.block(2.6, 2.4, 6.6, 3.2)
    drawing.block(2.6, 0.9, 3.4, 3.3)
    drawing.disc(4.4, 1.8, 0.25)
    drawing.block(0.2, 11.6, 0.9, 13.6)
    for y in (6.2, 8.4):
        drawing.fill(-0.4, y, 0.3, y + 0.15, OCCUPIED)
    drawing.fill(-_WALL_M, 6.35, -RESOLUTION_M, 8.4, UNKNOWN)
    drawing.fill(-RESOLUTION_M, 6.35, 0.0, 8.4, OCCUPIED)
    for x, y in ((5.0, 5.7), (3.8, 9.3), (3.8, 12.4), (8.6, 9.3), (8.6, 12.4)):
        drawing.block(x - 0.2, y - 0.2, x + 0.2, y + 0.2)
    drawing.block(5.3, 8.7, 7.1, 9.5)
    for x in (5.75, 6.65):
        for y in (8.4, 9.8):
            drawing.disc(x, y, 0.18)


def _draw_reading_corner(drawing: _Drawing) -> None:
    """Tables along the windows in the east, and two round ones."""
    for y in (2.2, 5.0, 8.6, 11.4):
        drawing.block(28.2, y, 29.2, y + 1.4)
        for chair_y in (y + 0.35, y + 1.05):
            drawing.disc(27.95, chair_y, 0.18)
            drawing.disc(29.5, chair_y, 0.18)
    for x in (7.9, 8.9):
        drawing.disc(x, 0.5, 0.25)


def demo_site() -> Site:
    """Waypoints and lanes, laid by hand."""
    waypoints = [*_stations(), *_shelf_stations(), *_junctions()]
    return Site(tuple(waypoints), tuple(_lanes(by_id(waypoints))))


def _place(
    identity: str, name: str, code: str, kind: WaypointKind, x: float, y: float, theta_deg: float
) -> Waypoint:
    return Waypoint(identity, name, code, x, y, 0.0, math.radians(theta_deg), kind)


def _stations() -> list[Waypoint]:
    """Desks side-on, so that the robot drives on without turning; rooms with the front to the
    table."""
    desk, room, dock = WaypointKind.DESK, WaypointKind.ROOM, WaypointKind.DOCK
    return [
        _place("desk-1", "Issue desk", "DESK-1", desk, 4.8, 3.8, 0),
        _place("desk-2", "Returns desk", "DESK-2", desk, 1.5, 12.6, 90),
        *(
            _place(
                f"room-{101 + at}", f"Study room {101 + at}", f"ROOM-{101 + at}", room, x, 17.2, 90
            )
            for at, x in enumerate(_ROOM_X)
        ),
        _place("dock-1", "Charging dock", "DOCK-1", dock, 0.5, 17.4, 180),
    ]


def _shelf_stations() -> list[Waypoint]:
    """One in the middle of each inner aisle: the shelves left and right of it, by the hundreds of
    Dewey."""
    stations = []
    aisles = [(x, y) for y in _SHELF_Y for x in _AISLE_X[1:-1]]
    bounds = [round(at * 1000 / len(aisles)) for at in range(len(aisles) + 1)]
    for at, (x, (low, high)) in enumerate(aisles):
        letter = chr(ord("A") + at)
        numbers = {
            CALL_NUMBER_FROM: f"{bounds[at]:03d}",
            CALL_NUMBER_TO: f"{bounds[at + 1] - 1:03d}.999",
        }
        stations.append(
            Waypoint(
                f"shelf-{letter.lower()}",
                f"Shelf {letter}",
                f"SHELF-{letter}",
                x,
                (low + high) / 2,
                theta=math.pi / 2,
                kind=WaypointKind.SHELF,
                metadata=numbers,
            )
        )
    return stations


_HALL = {
    "hall-1": (2.2, 4.4),
    "hall-2": (7.4, 3.8),
    "hall-3": (8.8, 5.2),
    "hall-4": (2.2, 7.3),
    "hall-5": (6.2, 7.3),
    "hall-6": (2.2, 10.4),
    "hall-7": (6.2, 11.2),
    "hall-8": (3.0, 14.1),
    "hall-9": (8.0, 14.1),
    "workroom": (3.0, 17.4),
    "window-1": (27.2, 7.3),
    "window-2": (28.0, 14.1),
}


def _junctions() -> list[Waypoint]:
    aisles = [
        _place(f"aisle-{at}{row}", f"Aisle {at}, {side}", "", WaypointKind.JUNCTION, x, y, 0)
        for at, x in enumerate(_AISLE_X, 1)
        for row, side, y in zip("smn", ("south", "middle", "north"), _CROSS_Y, strict=True)
    ]
    hall = [
        _place(name, name.replace("-", " ").capitalize(), "", WaypointKind.JUNCTION, x, y, 0)
        for name, (x, y) in _HALL.items()
    ]
    return [*hall, *aisles]


def _lanes(places: dict[str, Waypoint]) -> list[Lane]:
    def chain(width: float, speed: float, *names: str) -> list[Lane]:
        return [
            link(places[a], places[b], width_m=width, speed_limit_m_s=speed)
            for a, b in itertools.pairwise(names)
        ]

    count = len(_AISLE_X)
    numbers = range(1, count + 1)
    lanes = [
        *chain(1.8, _HALL_SPEED, "hall-9", *(f"aisle-{at}n" for at in numbers), "window-2"),
        *chain(1.6, _HALL_SPEED, "hall-5", *(f"aisle-{at}m" for at in numbers), "window-1"),
        *chain(1.4, _HALL_SPEED, *(f"aisle-{at}s" for at in numbers)),
        *chain(1.2, _HALL_SPEED, "hall-1", "desk-1", "hall-2", "hall-3", "aisle-1m"),
        *chain(1.4, _HALL_SPEED, "hall-2", "aisle-1s"),
        *chain(1.4, _HALL_SPEED, "hall-1", "hall-4", "hall-6", "hall-8", "hall-9"),
        *chain(1.4, _HALL_SPEED, "hall-4", "hall-5"),
        *chain(1.4, _HALL_SPEED, "hall-6", "hall-7", "hall-9"),
        *chain(1.0, _HALL_SPEED, "hall-6", "desk-2", "hall-8"),
        *chain(1.0, _HALL_SPEED, "hall-8", "workroom"),
        *chain(0.7, _HALL_SPEED, "workroom", "dock-1"),
    ]
    for at in (1, count):
        lanes += chain(1.2, _AISLE_SPEED, f"aisle-{at}s", f"aisle-{at}m", f"aisle-{at}n")
    for at in range(2, count):
        south, north = (f"shelf-{chr(ord('a') + at - 2 + block * (count - 2))}" for block in (0, 1))
        names = (f"aisle-{at}s", south, f"aisle-{at}m", north, f"aisle-{at}n")
        lanes += chain(1.2, _AISLE_SPEED, *names)
    doors = ("hall-9", "aisle-2n", "aisle-4n", "aisle-6n", "aisle-8n", "window-2")
    for number, door in enumerate(doors, 101):
        lanes += chain(_DOOR_M, _AISLE_SPEED, door, f"room-{number}")
    return lanes


def write_demo_library(directory: Path) -> tuple[Path, Path]:
    """Write map.yaml (with its images) and site.yaml; gives the paths of the two."""
    site_path = directory / "site.yaml"
    map_path = save_map(draw_library(), directory)
    write_site(demo_site(), site_path)
    return map_path, site_path
