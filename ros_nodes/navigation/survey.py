"""What the shape of a map's free space offers: places at walls, places in aisles, ways between
them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.domain.waypoints import WaypointKind
from ros_nodes.navigation.docking import APPROACH_M
from ros_nodes.navigation.field import largest_region
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.skeleton import Cell, Skeleton, nearest, thin

_STAND_OFF_M = 0.10
_ON_LINE_M = 0.35
_SPACING_M, _ROOM_SPACING_M = 1.5, 2.0
_ROOM_DEPTH_M = 1.5
_CANDIDATE_SPACING_M = 0.5
_DOCK_FROM_DESK_M = 3.0
_SHELF_SPACING_M = 2.5
_MOST_SHELVES, _MOST_ROOMS = 16, 8
_AREA_A_ROOM_M2 = 30.0
_AISLE_CLEARANCE_M = 1.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to stand and where to look, and the cell of the middle lines from where it is
    reached."""

    cell: Cell
    theta: float
    anchor: Cell


Stations = dict[WaypointKind, list[Spot]]


class Survey:
    """What the shape of the free space offers. `need_m` is the clearance that waypoints and lanes
    keep."""

    def __init__(self, grid: OccupancyGrid, need_m: float) -> None:
        self.grid = grid
        self.need_m = need_m
        self.reach = largest_region(grid.passable(need_m))
        self.skeleton = Skeleton(thin(self.reach))
        self._depths = self.skeleton.depths()
        self._lines = np.array(self.skeleton.cells, float).reshape(-1, 2)
        self._from: dict[Cell, dict[Cell, float]] = {}

    def clearance(self, cell: Cell) -> float:
        return float(self.grid.clearance_m[cell])

    def sees(self, start: Cell, end: Cell) -> bool:
        way = self.grid.clearance_along(self.grid.centre(*start), self.grid.centre(*end))
        return way >= self.need_m - 0.5 * self.grid.resolution_m

    def metres(self, start: Cell, end: Cell) -> float:
        """Along the middle lines; inf where there is no way."""
        if start not in self._from:
            self._from[start] = self.skeleton.distances(start)
        return self._from[start].get(end, math.inf) * self.grid.resolution_m

    def stations(self) -> Stations | None:
        """Spots of desk, dock, rooms and shelves; None where there are not enough."""
        spots = self._spots()
        if len(spots) < 4:
            return None
        desk = max(spots, key=lambda spot: (self.clearance(spot.anchor), spot.cell))
        far = max(self.metres(desk.anchor, spot.anchor) for spot in spots)
        away = max(_DOCK_FROM_DESK_M, far / 4)
        distant = [spot for spot in spots if self.metres(desk.anchor, spot.anchor) >= away]
        if not distant:
            return None
        dock = min(distant, key=self._unfit_for_a_dock)
        area = float(self.reach.sum()) * self.grid.resolution_m**2
        count = min(max(2, round(area / _AREA_A_ROOM_M2)), _MOST_ROOMS)
        closed_off = [spot for spot in spots if self._is_room(spot)]
        rooms = self._spread(closed_off, [desk, dock], count, _ROOM_SPACING_M)
        rooms += self._spread(spots, [desk, dock, *rooms], count - len(rooms), _SPACING_M)
        if len(rooms) < 2:
            return None
        shelves = self._aisles([desk, dock, *rooms])
        if len(shelves) < 2:
            shelves += self._spread(spots, [desk, dock, *rooms, *shelves], 4, _SPACING_M / 2)
        return {
            WaypointKind.DESK: [desk],
            WaypointKind.ROOM: sorted(rooms, key=_reading_order),
            WaypointKind.SHELF: sorted(shelves, key=_reading_order),
            WaypointKind.DOCK: [dock],
        }

    def _unfit_for_a_dock(self, spot: Spot) -> tuple[bool, bool, float, Cell]:
        """Best is where the robot gets straight in, out of the way but in no room."""
        x, y = self.grid.centre(*spot.cell)
        front = Pose(x, y, spot.theta).compose(Pose(-APPROACH_M, 0.0))
        straight_in = self.grid.clearance_along((front.x, front.y), (x, y)) >= self.need_m
        return not straight_in, self._is_room(spot), self.clearance(spot.anchor), spot.cell

    def _is_room(self, spot: Spot) -> bool:
        """Whether a place is well inside of a dead end, as a room or a bay is."""
        return self._depths.get(spot.anchor, 0.0) * self.grid.resolution_m >= _ROOM_DEPTH_M

    def _spots(self) -> list[Spot]:
        """Places along the walls, half a metre apart, each in sight of a middle line."""
        near, far = self.need_m + _STAND_OFF_M / 2, self.need_m + _STAND_OFF_M * 1.5
        clearance = self.grid.clearance_m
        ring = np.argwhere(self.reach & (clearance >= near) & (clearance <= far))
        slope_row, slope_column = (np.gradient(clearance, axis=axis) for axis in (0, 1))
        spacing = _CANDIDATE_SPACING_M / self.grid.resolution_m
        spots: list[Spot] = []
        taken: set[Cell] = set()
        for row, column in ring.tolist():
            bucket = (int(row / spacing), int(column / spacing))
            up, side = float(slope_row[row, column]), float(slope_column[row, column])
            if bucket in taken or math.hypot(up, side) < 0.7 * self.grid.resolution_m:
                continue
            theta = math.atan2(-up, -side) + self.grid.origin.theta
            anchor = self._anchor((row, column))
            if anchor is not None:
                taken.add(bucket)
                close = math.dist((row, column), anchor) * self.grid.resolution_m < _ON_LINE_M
                spots.append(Spot(anchor if close else (row, column), theta, anchor))
        return spots

    def _anchor(self, cell: Cell) -> Cell | None:
        for at in nearest(self._lines, cell, 3):
            anchor = self.skeleton.cells[at]
            if self.sees(cell, anchor):
                return anchor
        return None

    def _spread(
        self, spots: Sequence[Spot], taken: Iterable[Spot], count: int, spacing_m: float
    ) -> list[Spot]:
        """Spots farthest from all that are taken, one after the other."""
        chosen: list[Spot] = []
        gap = dict.fromkeys(spots, math.inf)
        last = list(taken)
        if not spots:
            return []
        while True:
            for spot in spots:
                gap[spot] = min(gap[spot], *(self._apart(one, spot) for one in last))
            best = max(
                spots, key=lambda spot: (gap[spot] if gap[spot] < math.inf else -1.0, spot.cell)
            )
            if len(chosen) == count or not spacing_m <= gap[best] < math.inf:
                return chosen
            chosen.append(best)
            last = [best]

    def _apart(self, one: Spot, other: Spot) -> float:
        straight = math.dist(one.cell, other.cell) * self.grid.resolution_m
        return max(straight, self.metres(one.anchor, other.anchor))

    def _aisles(self, taken: Sequence[Spot]) -> list[Spot]:
        """Places in the middle of narrow ways between long walls, looking along them."""
        spots = []
        for cell in self.skeleton.cells:
            ways = self.skeleton.neighbours[cell]
            if (
                len(ways) == 2
                and cell not in self._depths
                and self.clearance(cell) <= _AISLE_CLEARANCE_M
            ):
                ahead, behind = self._walk(cell, ways[0]), self._walk(cell, ways[1])
                bent = math.dist(ahead, behind) < 0.9 * (
                    math.dist(ahead, cell) + math.dist(cell, behind)
                )
                if not bent and min(math.dist(ahead, cell), math.dist(cell, behind)) > 10:
                    theta = math.atan2(ahead[0] - behind[0], ahead[1] - behind[1])
                    spots.append(Spot(cell, theta + self.grid.origin.theta, cell))
        return self._spread(spots, taken, _MOST_SHELVES, _SHELF_SPACING_M)

    def _walk(self, start: Cell, onward: Cell) -> Cell:
        """Where a line leads in about 20 cells, or to its next junction."""
        before, here = start, onward
        for _ in range(20):
            ways = [near for near in self.skeleton.neighbours[here] if near != before]
            if len(ways) != 1:
                break
            before, here = here, ways[0]
        return here


def _reading_order(spot: Spot) -> tuple[int, int]:
    """From the far left of the map, row by row."""
    return -spot.cell[0], spot.cell[1]
