"""Propose waypoints and lanes from nothing but a map, for a person to edit.

Lanes follow the middle lines of the free space. Where the space is widest a desk stands at the
wall; rooms are the places farthest from it and from each other; the dock is out of the way; shelves
are in the aisles. All of it is guessed from the shape alone, and the same map always gives the same
proposal.
"""

import math

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.errors import MapError
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import Site
from ros_nodes.navigation.skeleton import Cell
from ros_nodes.navigation.survey import Spot, Stations, Survey

_MARGINS_M = (0.15, 0.10, 0.06)
_NODE_SPACING_M = 0.8
_MOST_NODES = 400
_WIDEST_LANE_M = 2.0
_SPEED_M_S, _NARROW_SPEED_M_S, _NARROW_M = 0.5, 0.35, 0.8


def propose(grid: OccupancyGrid, robot_radius_m: float) -> Site:
    """Waypoints and lanes for a map: a desk, at least two rooms, a dock away from the desk,
    shelves.

    Raises MapError where there is no room for them.
    """
    for margin in _MARGINS_M:
        survey = Survey(grid, robot_radius_m + margin)
        stations = survey.stations()
        if stations is not None:
            return _Drawing(survey, stations).site()
    raise MapError(
        "The map has no room for a desk, two rooms and a dock that the robot could reach.",
        hint="Is its resolution right, and its free space connected?",
    )


class _Drawing:
    """Nodes and lanes for the stations of a survey."""

    def __init__(self, survey: Survey, stations: Stations) -> None:
        self._survey = survey
        self._spacing = _NODE_SPACING_M / survey.grid.resolution_m
        self._reached_from: dict[Spot, Cell] = {}
        self._stations = stations
        self._fixed = self._choose_anchors()
        self._nodes = self._choose_nodes()
        self._edges = self._choose_edges()
        self._prune()

    def _choose_anchors(self) -> set[Cell]:
        """Nodes from where the stations are reached; stations near each other share one."""
        anchors = [spot.cell for spot in self._spots() if spot.cell == spot.anchor]
        for spot in self._spots():
            shared = [
                anchor
                for anchor in anchors
                if math.dist(anchor, spot.anchor) < self._spacing
                and self._survey.sees(spot.cell, anchor)
            ]
            if spot.cell != spot.anchor and not shared:
                anchors.append(spot.anchor)
                shared = [spot.anchor]
            self._reached_from[spot] = spot.cell if spot.cell == spot.anchor else shared[0]
        return set(anchors)

    def _spots(self) -> list[Spot]:
        return [spot for spots in self._stations.values() for spot in spots]

    def _choose_nodes(self) -> list[Cell]:
        """Anchors, and junctions that are not close to a wider one."""
        survey = self._survey
        nodes = sorted(self._fixed)
        junctions = survey.skeleton.junctions()
        for cell in sorted(junctions, key=lambda cell: (-survey.clearance(cell), cell)):
            if all(math.dist(cell, node) >= self._spacing for node in nodes):
                nodes.append(cell)
        return nodes

    def _choose_edges(self) -> set[tuple[Cell, Cell]]:
        """Links along the middle lines that are straight and free; more nodes where a line bends."""
        survey = self._survey
        while True:
            links = survey.skeleton.links(self._nodes)
            known = set(self._nodes)
            bends = {cell for pair, cell in links.items() if not survey.sees(*pair)} - known
            if not bends or len(self._nodes) > _MOST_NODES:
                return {pair for pair in links if survey.sees(*pair)}
            self._nodes += sorted(bends)

    def _prune(self) -> None:
        """Take out junctions that lead nowhere, and those that a straight way can leave out."""
        left = 0
        while left != len(self._nodes):
            left = len(self._nodes)
            for node in [node for node in self._nodes if node not in self._fixed]:
                near = sorted(self._near(node))
                if len(near) < 2 or (len(near) == 2 and self._can_skip(node, near[0], near[1])):
                    self._nodes.remove(node)
                    self._edges -= {pair for pair in self._edges if node in pair}
                    if len(near) == 2:
                        self._edges.add((near[0], near[1]))

    def _near(self, node: Cell) -> set[Cell]:
        return {b if a == node else a for a, b in self._edges if node in (a, b)}

    def _can_skip(self, node: Cell, a: Cell, b: Cell) -> bool:
        """Whether the straight way past a node is about as wide as the two over it, or wide enough."""
        through = min(self._clearance(a, node), self._clearance(node, b))
        straight = self._clearance(a, b)
        return (a, b) not in self._edges and straight >= min(0.8 * through, _NARROW_M)

    def _clearance(self, a: Cell, b: Cell) -> float:
        grid = self._survey.grid
        return grid.clearance_along(grid.centre(*a), grid.centre(*b))

    def site(self) -> Site:
        """The stations with their names, the junctions, and the lanes."""
        waypoints: dict[Cell, Waypoint] = {}
        for kind, spots in self._stations.items():
            for number, spot in enumerate(spots, 1):
                waypoints[spot.cell] = self._station(kind, number, spot)
        junctions = [node for node in sorted(self._nodes) if node not in waypoints]
        for number, node in enumerate(junctions, 1):
            x, y = self._place(node)
            waypoints[node] = Waypoint(f"j-{number}", f"Junction {number}", "", x, y)
        pairs = sorted(self._edges)
        pairs += [
            (self._reached_from[spot], spot.cell)
            for spot in self._spots()
            if spot.cell != self._reached_from[spot]
        ]
        lanes = [self._lane(waypoints[a], waypoints[b]) for a, b in pairs]
        return Site(tuple(waypoints.values()), tuple(lanes))

    def _station(self, kind: WaypointKind, number: int, spot: Spot) -> Waypoint:
        sign = chr(ord("A") + number - 1) if kind is WaypointKind.SHELF else str(number)
        x, y = self._place(spot.cell)
        return Waypoint(
            f"{kind.value}-{sign.lower()}",
            f"{kind.value.capitalize()} {sign}",
            f"{kind.value.upper()}-{sign}",
            x,
            y,
            theta=round(spot.theta, 4),
            kind=kind,
        )

    def _place(self, cell: Cell) -> tuple[float, float]:
        x, y = self._survey.grid.centre(*cell)
        return round(x, 3), round(y, 3)

    def _lane(self, a: Waypoint, b: Waypoint) -> Lane:
        clearance = self._survey.grid.clearance_along((a.x, a.y), (b.x, b.y))
        width = min(2 * clearance, _WIDEST_LANE_M)
        speed = _SPEED_M_S if width >= _NARROW_M else _NARROW_SPEED_M_S
        length = math.dist((a.x, a.y), (b.x, b.y))
        return Lane(f"{a.id}--{b.id}", a.id, b.id, round(length, 3), round(width, 2), speed)
