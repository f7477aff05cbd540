"""A maze from a seed: corridors of different widths, dead ends and loops, with its waypoints and lanes.

It is a grid of rooms of one corridor's width. A random tree joins them all, then some more walls are
taken out, so that there are ways round. Dead ends are places to drive to.
"""

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import FREE, OCCUPIED, OccupancyGrid
from ros_nodes.navigation.site_file import Site, link

RESOLUTION_M = 0.05
NARROWEST_M, WIDEST_M = 1.2, 1.6
_WALL_CELLS = 2
_LOOPS = 0.15
"""The share of the walls left by the tree that are taken out."""
_STATIONS = 10
_SPEED_M_S = 0.5

Room = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True)
class Maze:
    """`doors`: pairs of rooms with no wall between."""

    grid: OccupancyGrid
    site: Site
    doors: frozenset[frozenset[Room]]


def make_maze(seed: int, *, rows: int = 6, columns: int = 9) -> Maze:
    """The same seed always gives the same maze."""
    chance = random.Random(seed)
    doors = _choose_doors(chance, rows, columns)
    widths = [_corridor_cells(chance) for _ in range(columns)]
    heights = [_corridor_cells(chance) for _ in range(rows)]
    grid = _draw(doors, heights, widths)
    return Maze(grid, _lay_out(chance, doors, heights, widths), doors)


def _corridor_cells(chance: random.Random) -> int:
    return chance.randint(round(NARROWEST_M / RESOLUTION_M), round(WIDEST_M / RESOLUTION_M))


def _choose_doors(chance: random.Random, rows: int, columns: int) -> frozenset[frozenset[Room]]:
    """A tree over all rooms, depth first, and some more."""
    start = (chance.randrange(rows), chance.randrange(columns))
    seen, trail, doors = {start}, [start], set()
    while trail:
        fresh = [room for room in _around(trail[-1], rows, columns) if room not in seen]
        if not fresh:
            trail.pop()
            continue
        onward = chance.choice(fresh)
        doors.add(frozenset((trail[-1], onward)))
        seen.add(onward)
        trail.append(onward)
    rooms = itertools.product(range(rows), range(columns))
    walls = {frozenset((room, near)) for room in rooms for near in _around(room, rows, columns)}
    shut = sorted(walls - doors, key=sorted)
    return frozenset(doors | {wall for wall in shut if chance.random() < _LOOPS})


def _around(room: Room, rows: int, columns: int) -> list[Room]:
    row, column = room
    near = [(row + 1, column), (row, column + 1), (row - 1, column), (row, column - 1)]
    return [(a, b) for a, b in near if 0 <= a < rows and 0 <= b < columns]


def _starts(sizes: list[int]) -> list[int]:
    """The first cell of each corridor, after the walls before it."""
    return [
        _WALL_CELLS + sum(sizes[:number]) + _WALL_CELLS * number for number in range(len(sizes))
    ]


def _draw(
    doors: frozenset[frozenset[Room]], heights: list[int], widths: list[int]
) -> OccupancyGrid:
    low, left = _starts(heights), _starts(widths)
    shape = (low[-1] + heights[-1] + _WALL_CELLS, left[-1] + widths[-1] + _WALL_CELLS)
    cells = np.full(shape, OCCUPIED, np.int8)
    for row, column in itertools.product(range(len(heights)), range(len(widths))):
        at_y, at_x = (
            slice(low[row], low[row] + heights[row]),
            slice(left[column], left[column] + widths[column]),
        )
        cells[at_y, at_x] = FREE
        if frozenset(((row, column), (row, column + 1))) in doors:
            cells[at_y, at_x.stop : at_x.stop + _WALL_CELLS] = FREE
        if frozenset(((row, column), (row + 1, column))) in doors:
            cells[at_y.stop : at_y.stop + _WALL_CELLS, at_x] = FREE
    return OccupancyGrid(cells, RESOLUTION_M, Pose(0.0, 0.0, 0.0))


def _lay_out(
    chance: random.Random,
    doors: frozenset[frozenset[Room]],
    heights: list[int],
    widths: list[int],
) -> Site:
    """A waypoint in each room, a lane through each door. Dead ends have signs, and some more rooms."""
    open_to: dict[Room, list[Room]] = {}
    for door in sorted(doors, key=sorted):
        a, b = sorted(door)
        open_to.setdefault(a, []).append(b)
        open_to.setdefault(b, []).append(a)
    rooms = sorted(open_to)
    ends = [room for room in rooms if len(open_to[room]) == 1]
    others = [room for room in rooms if room not in ends]
    more = chance.sample(others, min(max(_STATIONS - len(ends), 0), len(others)))
    signs = {room: number for number, room in enumerate([*ends, *sorted(more)], 1)}
    low, left = _starts(heights), _starts(widths)
    places = {}
    for room in rooms:
        x = (left[room[1]] + widths[room[1]] / 2) * RESOLUTION_M
        y = (low[room[0]] + heights[room[0]] / 2) * RESOLUTION_M
        places[room] = _place(room, x, y, signs.get(room), chance.randrange(4))
    lanes = [_lane(places, door, heights, widths) for door in sorted(doors, key=sorted)]
    return Site(tuple(places.values()), tuple(lanes))


def _place(room: Room, x: float, y: float, sign: int | None, quarter: int) -> Waypoint:
    identity = f"room-{room[0] + 1}-{room[1] + 1}"
    if sign is None:
        return Waypoint(identity, identity, "", x, y)
    theta = math.remainder(quarter * math.pi / 2, math.tau)
    return Waypoint(
        identity, f"Place {sign}", f"PLACE-{sign}", x, y, theta=theta, kind=WaypointKind.SHELF
    )


def _lane(
    places: dict[Room, Waypoint], door: frozenset[Room], heights: list[int], widths: list[int]
) -> Lane:
    a, b = sorted(door)
    cells = heights[a[0]] if a[0] == b[0] else widths[a[1]]
    return link(places[a], places[b], width_m=cells * RESOLUTION_M, speed_limit_m_s=_SPEED_M_S)
