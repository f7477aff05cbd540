"""Whether a map and a site belong together: a wrong resolution is a wrong number in a file that looks right."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.geometry import Points
from ros_nodes.navigation.maps import OccupancyGrid

SENSIBLE_M = (0.01, 0.25)
"""Below, a map of a library does not fit into memory; above, a door is narrower than a cell."""
_FACTORS = (0.1, 0.2, 0.25, 0.4, 0.5, 2.0, 2.5, 4.0, 5.0, 10.0)
"""How people mistake a resolution: a digit, a half, a metre for a foot."""
_FITS, _MISFITS = 0.95, 0.5
_LOOK = "Look at resolution in the map's YAML file"
_FEWEST = 3


class Misfit(NamedTuple):
    message: str
    remedy: str


def misfits(
    grid: OccupancyGrid, waypoints: Sequence[Waypoint], lanes: Sequence[Lane], radius_m: float
) -> Iterator[Misfit]:
    """What speaks against the map being one of this site, for this robot. The lanes are between `waypoints`."""
    cell = f"{grid.resolution_m:g} m a cell"
    if not SENSIBLE_M[0] <= grid.resolution_m <= SENSIBLE_M[1]:
        said = (
            f"its resolution is {cell}; maps to drive by have {SENSIBLE_M[0]} to {SENSIBLE_M[1]} m"
        )
        yield Misfit(said, _LOOK)
    if not grid.passable(radius_m).any():
        said = f"at {cell} it has no place that is wide enough for a robot of radius {radius_m:g} m"
        yield Misfit(said, _LOOK)
    points = _points(waypoints, lanes)
    share = _share_on_floor(grid, points) if len(waypoints) >= _FEWEST else 1.0
    if share >= _FITS:
        return
    better = _resolution_that_fits(grid, points)
    said = f"{1 - share:.0%} of the site is in walls or off the map at {cell}"
    if better is not None:
        yield Misfit(said, f"At {better:g} m a cell it is on free floor: is that its resolution?")
    elif share <= _MISFITS:
        yield Misfit(said, f"{_LOOK}, and at its origin")


def _points(waypoints: Sequence[Waypoint], lanes: Sequence[Lane]) -> Points:
    """The waypoints, and three places on each lane."""
    places = {place.id: (place.x, place.y) for place in waypoints}
    ends = np.array([(places[lane.start], places[lane.end]) for lane in lanes]).reshape(-1, 2, 2)
    between = [ends[:, 0] * (1 - share) + ends[:, 1] * share for share in (0.25, 0.5, 0.75)]
    return np.concatenate([np.array(list(places.values())).reshape(-1, 2), *between])


def _share_on_floor(grid: OccupancyGrid, points: Points) -> float:
    return float(grid.lookup(grid.drivable, points, False).mean())


def _resolution_that_fits(grid: OccupancyGrid, points: Points) -> float | None:
    """The first resolution with which the waypoints would be on free floor, the nearest mistakes first."""
    for factor in sorted(_FACTORS, key=lambda factor: abs(np.log(factor))):
        other = OccupancyGrid(grid.cells, grid.resolution_m * factor, grid.origin)
        if float(other.lookup(grid.drivable, points, False).mean()) >= _FITS:
            return round(other.resolution_m, 4)
    return None
