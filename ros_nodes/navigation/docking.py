"""The way onto a dock: from a point in front of it straight in, slowly.

The waypoint of a dock is the pose in which the robot stands when docked, with its nose at the contacts. The robot's
laser and its way of driving look ahead, and its body is round: in the dock it turns on the spot, which takes no more
room than standing there, and drives out forwards with its eyes open. A reverse would be driven blind. So a dock needs
the robot's radius free around its pose, which `luna map check` looks at.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.geometry import wrap_angle
from ros_nodes.navigation.maps import OccupancyGrid

APPROACH_M = 0.6
APPROACH_KEY = "approach_m"
"""Key of a dock's metadata: how far in front of it the straight way in begins."""
APPROACH_SPEED_M_S = 0.15
_SHORTEST_M, _LONGEST_M = 0.2, 3.0
_STRAIGHT_RAD = math.radians(3)
_WIDTH_M = 0.5


def approach_id(dock_id: str) -> str:
    """The id of the point in front of a dock; the robot can be sent there like to any waypoint."""
    return f"{dock_id}/approach"


def approach_of(dock: Waypoint) -> Waypoint:
    """The point in front of a dock, from where it is ahead. An unfit `approach_m` counts as left out."""
    wanted = dock.metadata.get(APPROACH_KEY, APPROACH_M)
    fit = isinstance(wanted, int | float) and _SHORTEST_M <= wanted <= _LONGEST_M
    away = float(wanted) if fit else APPROACH_M
    return replace(
        dock,
        id=approach_id(dock.id),
        name=f"{dock.name}, in front",
        location_code=f"{dock.location_code or dock.name}, in front",
        x=dock.x - away * math.cos(dock.theta),
        y=dock.y - away * math.sin(dock.theta),
        kind=WaypointKind.JUNCTION,
        metadata={},
    )


def approach_is_free(grid: OccupancyGrid, dock: Waypoint, radius_m: float) -> bool:
    front = approach_of(dock)
    return grid.clearance_along((front.x, front.y), (dock.x, dock.y)) >= radius_m


def with_approaches(
    grid: OccupancyGrid, waypoints: Sequence[Waypoint], lanes: Sequence[Lane], radius_m: float
) -> tuple[list[Waypoint], list[Lane]]:
    """The site with the point in front of each dock: lanes to the dock end there, and a slow one goes on.

    A dock whose approach is not free stays as it is drawn, and so does a lane that cannot be led to that point.
    """
    found, led = list(waypoints), list(lanes)
    places = {place.id: place for place in waypoints}
    for dock in waypoints:
        if dock.kind is WaypointKind.DOCK and dock.is_active:
            front = approach_of(dock)
            if approach_is_free(grid, dock, radius_m):
                found.append(front)
                led = [_led(grid, lane, dock, front, places, radius_m) for lane in led]
                led.append(_way_in(front, dock))
    return found, led


def _way_in(front: Waypoint, dock: Waypoint) -> Lane:
    length = math.dist((front.x, front.y), (dock.x, dock.y))
    return Lane(front.id, front.id, dock.id, length, _WIDTH_M, APPROACH_SPEED_M_S)


def _led(
    grid: OccupancyGrid,
    lane: Lane,
    dock: Waypoint,
    front: Waypoint,
    places: dict[str, Waypoint],
    radius_m: float,
) -> Lane:
    """A lane that ends at the dock, so that it ends in front of it; others as they are."""
    if dock.id not in (lane.start, lane.end):
        return lane
    other = places[lane.end if lane.start == dock.id else lane.start]
    if _ends_before(other, front, dock):
        return lane
    if grid.clearance_along((other.x, other.y), (front.x, front.y)) < radius_m:
        return lane
    length = math.dist((other.x, other.y), (front.x, front.y))
    start, end = (front.id if at == dock.id else at for at in (lane.start, lane.end))
    return replace(lane, start=start, end=end, length_m=length)


def _ends_before(other: Waypoint, front: Waypoint, dock: Waypoint) -> bool:
    """Whether a lane from `other` is straight in and no longer than the approach itself."""
    away = math.dist((other.x, other.y), (dock.x, dock.y))
    if away > math.dist((front.x, front.y), (dock.x, dock.y)) + 0.05:
        return False
    heading = math.atan2(dock.y - other.y, dock.x - other.x)
    return abs(wrap_angle(heading - dock.theta)) <= _STRAIGHT_RAD
