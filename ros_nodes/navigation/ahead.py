"""What stands on the path ahead that the map does not have, and whether it stays there."""

import math
from dataclasses import replace

import numpy as np

from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import STEP_M, Path

LOOK_M = 3.0
"""So far ahead a path is looked at: time enough to see whether a thing stays before it is reached."""
KEEP_M = 0.5
"""Left between the robot and what it waits for, before the skin's margin: polite, and room to drive out of."""
STRANGE_M = 0.15
"""Points nearer to a surface of the map are that surface, seen from a pose that is a little off."""
_TOUCHING_M, _TIGHT_M = 0.03, 0.055
"""From the skin: nearer than this the collision zones let nothing pass; and what is passed so closely is better
gone round where there is room."""
_NEARER_M = 0.02
_STAYED_M, _BODY_M = 0.25, 0.6
_CLEAR_SCANS = 3
"""A thing at the edge of the path is seen in some scans only."""
_THING_REACH_M = 0.6
_BRAKING_M_S2 = 0.4
_STRIDE = 2
_FAST_TURN_RAD_S = 0.5


class Ahead:
    """Watches the path that is driven at the time."""

    def __init__(self, grid: OccupancyGrid, radius_m: float) -> None:
        self._grid = grid
        self._radius = radius_m
        self._scan: Points | None = None
        self._path: Path | None = None
        self.points: Points = np.zeros((0, 2))
        """The newest scan in the map's frame."""
        self.strange: Points = self.points
        """Those of `points` that no surface of the map explains."""
        self._mark: Points | None = None
        self._since = math.inf
        self._clear = 0
        self.contact_m = math.inf
        """Length along the path to where something is touched."""

    def look(self, now: float, pose: Pose, w: float, scan: Points, path: Path, at: int) -> None:
        """One tick at point `at` of `path`; does something only where the path or `scan`, in the frame
        of the robot, is a new one.

        In a fast turn a scan and the pose fit too badly to say what stands metres away.
        """
        fresh = scan is not self._scan and abs(w) < _FAST_TURN_RAD_S
        self._scan = scan
        if fresh:
            self._take_scan(pose, scan)
        if path is not self._path:
            self._path, self._mark, self.contact_m = path, None, math.inf
        elif not fresh:
            return
        self._judge(now, path, at)

    def _take_scan(self, pose: Pose, scan: Points) -> None:
        near = scan[np.isfinite(scan).all(axis=1)]
        near = near[np.hypot(near[:, 0], near[:, 1]) < LOOK_M + 1.0]
        self.points = pose.points_out(near)
        away = self._grid.lookup(self._grid.obstacle_distance_m, self.points, 0.0)
        self.strange = self.points[away > STRANGE_M]

    def stayed_s(self, now: float) -> float:
        """For how long the same thing has been in the way; 0 where nothing is."""
        return max(0.0, now - self._since)

    def allowed_m_s(self, along_m: float) -> float:
        """The speed from which the robot still stops KEEP_M before the contact; `along_m` is how far
        it is on the path."""
        free = self.contact_m - along_m - KEEP_M
        return math.sqrt(2 * _BRAKING_M_S2 * free) if free > 0.01 else 0.0

    def _judge(self, now: float, path: Path, at: int) -> None:
        """Only what the path comes nearer to counts: the robot may drive away from anything."""
        ahead = path.points[at : at + round(LOOK_M / STEP_M) : _STRIDE]
        off = self.strange[:, None] - ahead[None]
        away = np.hypot(off[..., 0], off[..., 1]) - self._radius
        tight = (away < _TIGHT_M) & (away < away[:, :1] - _NEARER_M)
        hits = tight.any(axis=0)
        if not hits.any():
            self._clear += 1
            if self._mark is None or self._clear >= _CLEAR_SCANS:
                self._mark, self._since, self.contact_m = None, math.inf, math.inf
            return
        self._clear = 0
        first = int(hits.argmax())
        where = self._whole(self.strange[tight[:, first]].mean(axis=0))
        if self._mark is None or math.dist(where, self._mark) > _STAYED_M:
            self._mark, self._since = where, now
        touched = (tight & (away < _TOUCHING_M)).any(axis=0)
        if touched.any():
            self.contact_m = float(path.along[at + int(touched.argmax()) * _STRIDE])

    def _whole(self, place: Points) -> Points:
        """The middle of the thing at a place, with what of it is beside the path."""
        off = self.strange - place
        middle: Points = self.strange[np.hypot(off[:, 0], off[:, 1]) < _BODY_M].mean(axis=0)
        return middle


def with_things(grid: OccupancyGrid, things: Points) -> OccupancyGrid:
    """The same map, in whose clearance `things` (n, 2) count as well, for planning ways past them."""
    changed = replace(grid)
    clearance = grid.clearance_m.copy()
    if len(things):
        reach = round(_THING_REACH_M / grid.resolution_m)
        column, row = np.floor(grid.cells_of(things)).astype(np.int64).T
        height, width = clearance.shape
        low, high = max(row.min() - reach, 0), min(row.max() + reach + 1, height)
        left, right = max(column.min() - reach, 0), min(column.max() + reach + 1, width)
        rows, columns = np.mgrid[low:high, left:right]
        cells = np.stack([rows.ravel(), columns.ravel()], axis=1)
        off = grid.centres(cells)[:, None] - things
        away = np.hypot(off[..., 0], off[..., 1]).min(axis=1).reshape(rows.shape)
        part = clearance[low:high, left:right]
        np.minimum(part, away.astype(np.float32), out=part)
    vars(changed)["clearance_m"] = clearance
    return changed
