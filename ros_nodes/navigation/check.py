"""What is wrong with waypoints and lanes on a map."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import by_id

_TURNING_ROOM_M = 0.02


class Fault(StrEnum):
    """Worst first."""

    UNKNOWN_END = "unknown end"
    OFF_MAP = "off the map"
    IN_WALL = "in a wall"
    THROUGH_WALL = "through a wall"
    ISLAND = "island"
    TOO_NARROW = "too narrow"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Problem:
    """`subject` is the id of a waypoint or lane."""

    subject: str
    fault: Fault
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


def check(
    grid: OccupancyGrid,
    waypoints: Sequence[Waypoint],
    lanes: Sequence[Lane],
    robot_radius_m: float = 0.19,
) -> list[Problem]:
    """All problems of a site; an empty list is a site that can be driven. Inactive waypoints are
    left out."""
    places = by_id([waypoint for waypoint in waypoints if waypoint.is_active])
    known = by_id(waypoints)
    problems = [
        problem for place in places.values() for problem in _of_place(grid, place, robot_radius_m)
    ]
    usable = []
    for lane in lanes:
        if lane.start not in known or lane.end not in known:
            said = f"it ends at a waypoint that is not there ({lane.start}, {lane.end})"
            problems.append(Problem(lane.id, Fault.UNKNOWN_END, said))
        elif lane.start in places and lane.end in places:
            problems += _of_lane(grid, lane, places, robot_radius_m)
            usable.append(lane)
    return problems + _contradictions(usable) + _islands(places, usable)


def _of_place(grid: OccupancyGrid, place: Waypoint, radius_m: float) -> Iterable[Problem]:
    clearance = grid.clearance_at(place.x, place.y)
    row, column = grid.cell_of(place.x, place.y)
    if not (0 <= row < grid.cells.shape[0] and 0 <= column < grid.cells.shape[1]):
        yield Problem(place.id, Fault.OFF_MAP, f"({place.x:g}, {place.y:g}) is off the map")
    elif clearance <= 0:
        yield Problem(place.id, Fault.IN_WALL, f"({place.x:g}, {place.y:g}) is in a wall")
    elif clearance < radius_m + _TURNING_ROOM_M:
        said = f"only {clearance:.2f} m to the nearest wall; the robot needs {radius_m:g} m"
        yield Problem(place.id, Fault.TOO_NARROW, said)


def _of_lane(
    grid: OccupancyGrid, lane: Lane, places: Mapping[str, Waypoint], radius_m: float
) -> Iterable[Problem]:
    start, end = places[lane.start], places[lane.end]
    clearance = grid.clearance_along((start.x, start.y), (end.x, end.y))
    if clearance <= 0:
        yield Problem(lane.id, Fault.THROUGH_WALL, "it leads through a wall")
    elif clearance < radius_m or lane.width_m < 2 * radius_m:
        free = min(2 * clearance, lane.width_m)
        said = f"it is {free:.2f} m wide; the robot is {2 * radius_m:.2f} m"
        yield Problem(lane.id, Fault.TOO_NARROW, said)


def _contradictions(lanes: Sequence[Lane]) -> list[Problem]:
    """Two lanes between the same ends in the same direction that differ."""
    problems = []
    first: dict[tuple[str, str], Lane] = {}
    for lane in lanes:
        ways = [(lane.start, lane.end)] + ([] if lane.one_way else [(lane.end, lane.start)])
        for way in ways:
            other = first.setdefault(way, lane)
            if other.id != lane.id:
                said = f"{other.id} goes from {way[0]} to {way[1]} too"
                problems.append(Problem(lane.id, Fault.CONTRADICTION, said))
                break
    return problems


def _islands(places: Mapping[str, Waypoint], lanes: Sequence[Lane]) -> list[Problem]:
    """Waypoints that the dock (else the first waypoint) has no open way to, or none back from."""
    if not places:
        return []
    docks = [place.id for place in places.values() if place.kind is WaypointKind.DOCK]
    home = docks[0] if docks else next(iter(places))
    there: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for lane in lanes:
        if lane.closed:
            continue
        for a, b in ((lane.start, lane.end), (lane.end, lane.start))[: 1 if lane.one_way else 2]:
            there.setdefault(a, []).append(b)
            back.setdefault(b, []).append(a)
    connected = _reached(home, there) & _reached(home, back)
    return [
        Problem(identity, Fault.ISLAND, f"no open way leads from {home} to it and back")
        for identity in places
        if identity not in connected
    ]


def _reached(start: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    seen, left = {start}, [start]
    while left:
        for onward in ways.get(left.pop(), ()):
            if onward not in seen:
                seen.add(onward)
                left.append(onward)
    return seen
