"""What is wrong with waypoints and lanes on a map, with the id of what it is about and what to do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.domain.lane_rules import lane_faults
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.docking import approach_is_free, approach_of
from ros_nodes.navigation.fit import misfits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import by_id

_TURNING_ROOM_M = 0.02


class Fault(StrEnum):
    """Worst first."""

    WRONG_MAP = "wrong map"
    OFF_MAP = "off the map"
    IN_WALL = "in a wall"
    WRONG_LANE = "wrong lane"
    THROUGH_WALL = "through a wall"
    ISLAND = "island"
    NO_APPROACH = "no approach"
    TOO_NARROW = "too narrow"


@dataclass(frozen=True, slots=True)
class Problem:
    """`subject` is the id of a waypoint or lane, or `map`."""

    subject: str
    fault: Fault
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}. {self.remedy}"


def check(
    grid: OccupancyGrid,
    waypoints: Sequence[Waypoint],
    lanes: Sequence[Lane],
    robot_radius_m: float = 0.19,
) -> list[Problem]:
    """All problems of a site, the worst first; an empty list is a site that can be driven. Inactive waypoints are
    left out."""
    places = by_id([waypoint for waypoint in waypoints if waypoint.is_active])
    usable = [lane for lane in lanes if {lane.start, lane.end} <= set(places)]
    problems = [
        Problem("map", Fault.WRONG_MAP, misfit.message, misfit.remedy)
        for misfit in misfits(grid, list(places.values()), usable, robot_radius_m)
    ]
    problems += _wrong_lanes(lanes, by_id(waypoints))
    for place in places.values():
        problems += _of_place(grid, place, robot_radius_m)
    for lane in usable:
        problems += _of_lane(grid, lane, places, robot_radius_m)
    rank = list(Fault)
    return sorted(problems + _islands(places, usable), key=lambda one: rank.index(one.fault))


def _wrong_lanes(lanes: Sequence[Lane], known: Mapping[str, Waypoint]) -> list[Problem]:
    """What is wrong without looking at the map: ends, numbers, contradictions."""
    return [
        Problem(
            lanes[fault.index].id, Fault.WRONG_LANE, fault.message.rstrip("."), "Mend its entry"
        )
        for fault in lane_faults(lanes, known)
    ]


def _of_place(grid: OccupancyGrid, place: Waypoint, radius_m: float) -> Iterable[Problem]:
    clearance, at = grid.clearance_at(place.x, place.y), f"({place.x:g}, {place.y:g})"
    row, column = grid.cell_of(place.x, place.y)
    if not (0 <= row < grid.cells.shape[0] and 0 <= column < grid.cells.shape[1]):
        width, height = grid.size_m
        remedy = f"The map is {width:.1f} m by {height:.1f} m: move the waypoint onto it"
        yield Problem(place.id, Fault.OFF_MAP, f"{at} is off the map", remedy)
    elif clearance <= 0:
        remedy = "Move the waypoint onto free floor"
        yield Problem(place.id, Fault.IN_WALL, f"{at} is in a wall", remedy)
    elif clearance < radius_m + _TURNING_ROOM_M:
        said = f"only {clearance:.2f} m to the nearest wall; the robot needs {radius_m:g} m to turn"
        yield Problem(place.id, Fault.TOO_NARROW, said, "Move the waypoint away from the wall")
    elif place.kind is WaypointKind.DOCK and not approach_is_free(grid, place, radius_m):
        front = approach_of(place)
        said = f"the way onto the dock, straight from ({front.x:.2f}, {front.y:.2f}), is not free"
        remedy = (
            "Turn theta to where the robot looks when docked, or set approach_m in its metadata"
        )
        yield Problem(place.id, Fault.NO_APPROACH, said, remedy)


def _of_lane(
    grid: OccupancyGrid, lane: Lane, places: Mapping[str, Waypoint], radius_m: float
) -> Iterable[Problem]:
    start, end = places[lane.start], places[lane.end]
    clearance = grid.clearance_along((start.x, start.y), (end.x, end.y))
    if clearance <= 0:
        said = f"it leads through a wall between {start.id} and {end.id}"
        remedy = "Lead it around over another waypoint, or take it out"
        yield Problem(lane.id, Fault.THROUGH_WALL, said, remedy)
    elif clearance < radius_m or lane.width_m < 2 * radius_m:
        free = min(2 * clearance, lane.width_m)
        said = f"it is {free:.2f} m wide; the robot is {2 * radius_m:.2f} m"
        remedy = "Move its ends to where there is more room, or take it out"
        yield Problem(lane.id, Fault.TOO_NARROW, said, remedy)


def _islands(places: Mapping[str, Waypoint], lanes: Sequence[Lane]) -> list[Problem]:
    """Waypoints that lie apart from where most of them are: no open way there, or none back."""
    there: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {}
    for lane in lanes:
        if lane.closed:
            continue
        for a, b in ((lane.start, lane.end), (lane.end, lane.start))[: 1 if lane.one_way else 2]:
            there.setdefault(a, []).append(b)
            back.setdefault(b, []).append(a)
    main = _mainland(list(places), there, back)
    home = next(
        (one for one in main if places[one].kind is WaypointKind.DOCK), next(iter(main), "")
    )
    remedy = f"Draw or open a lane there from the part of the site with {home}"
    return [
        Problem(identity, Fault.ISLAND, _of_island(place), remedy)
        for identity, place in places.items()
        if identity not in main
    ]


def _of_island(place: Waypoint) -> str:
    if place.kind is WaypointKind.DOCK:
        return "no open way leads to this dock and back, so the robot cannot charge there"
    return "no open way leads to it and back"


def _mainland(
    ids: Sequence[str], there: Mapping[str, Sequence[str]], back: Mapping[str, Sequence[str]]
) -> list[str]:
    """The largest group of waypoints with ways between all of them, in the order of `ids`."""
    left, largest = list(ids), set[str]()
    while len(left) > len(largest):
        group = _reached(left[0], there) & _reached(left[0], back)
        largest = max(largest, group, key=len)
        left = [identity for identity in left if identity not in group]
    return [identity for identity in ids if identity in largest]


def _reached(start: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    seen, left = {start}, [start]
    while left:
        for onward in ways.get(left.pop(), ()):
            if onward not in seen:
                seen.add(onward)
                left.append(onward)
    return seen
