"""A way around something that the map does not have: off the middle of the lane and back onto it.

The path ahead is cut into stations, each with places beside it, and the best row of places from
station to station is found by dynamic programming over place and slope, so that what comes out is
smooth. Everything is arrays, so the cost is that of a few hundred numpy calls wherever things stand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.domain.waypoints import Lane
from ros_nodes.navigation.field import Mask
from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import STEP_M, Path, splice

Floats = NDArray[np.float64]
Row = NDArray[np.int64]

REACH_M = 6.0
_STATION_M, _ASIDE_M = 0.10, 0.03
_PLACES, _SLOPES = 27, 4
"""To each side: 27 x 3 cm, and slopes of up to 4 x 3 cm in 10 cm, which is 50 degrees."""
_SCAN_MARGIN_M, _MAP_MARGIN_M = 0.08, 0.05
_EASY_M = 0.22
"""From here on a thing beside the path costs nothing: the collision zones do not slow the robot either."""
_NEAR_M = 1.5
"""Nearer than this every point of the scan counts; farther off the map is right about walls."""
_DEPTH_M = (0.0, 0.15, 0.30)
"""What is seen is only the front of a thing: this much is taken to be behind it."""
_BEAM_RAD = math.radians(1.0)
"""Half of what may be between two beams: a thing may be wider by so much than it is seen."""
_OFF_LANE_M = 0.5
"""Beside the path where it is on no lane, on its way there."""
_BEND_COST, _ASIDE_COST, _NEAR_COST = 0.6, 1.0, 20.0
_SMOOTHINGS = 3
_START_M = 0.3
_WALK_M_S = 0.3
_LOOSE_M = 0.02


@dataclass(frozen=True, eq=False)
class Detour:
    """`path`: from the robot to the end of the drive; it is back on the route at point `rejoins`."""

    path: Path
    rejoins: int


@dataclass(frozen=True, eq=False)
class _Strip:
    """Stations along a path, and places beside them: xy (stations, places, 2)."""

    along: Floats
    places: Points
    folded: Mask

    @property
    def middle(self) -> Points:
        return self.places[:, _PLACES]


class Detours:
    """Detours from one route on the lanes given with their ends as ((x, y), (x, y))."""

    def __init__(
        self,
        grid: OccupancyGrid,
        limits: Limits,
        lanes: Sequence[Lane],
        ends: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    ) -> None:
        self._grid, self._limits = grid, limits
        segments = np.array(ends, float).reshape(-1, 2, 2)
        self._from, self._span = segments[:, 0], segments[:, 1] - segments[:, 0]
        self._half = np.array([lane.width_m / 2 for lane in lanes])

    def find(
        self, base: Path, at: int, pose: Pose, standing: bool, points: Points, strange: Points
    ) -> Detour | None:
        """A way from `pose`, near point `at` of the route's path `base`, around what the scan shows,
        or None. `points` and `strange` (n, 2), map frame: the scan, and what of it no map explains."""
        strip = _strip(base, at)
        if strip is None:
            return None
        near = points[np.hypot(*(points - pose[:2]).T) < _NEAR_M]
        seen = np.concatenate([near, whole_things(pose, strange)])
        gap = _distances(strip.places, seen) - self._limits.radius_m
        ahead = strip.along - strip.along[0]
        free = self._free(strip, gap, ahead)
        start, slope = _start(strip, pose)
        if abs(start) > _PLACES:
            return None
        price = _ASIDE_COST * (_ASIDE_M * np.arange(-_PLACES, _PLACES + 1)) ** 2
        cost = price + _NEAR_COST * np.maximum(_EASY_M - gap, 0.0) ** 2
        cost[~free] = math.inf
        cost[0] = 0.0
        row = _best_row(cost, start, None if standing else slope)
        return None if row is None else self._path(base, strip, row, pose, seen)

    def _free(self, strip: _Strip, gap: Floats, ahead: Floats) -> Mask:
        """Where the robot's middle may be: on its lane, free on the map, free in the scan. It may
        drive away from where it stands too close."""
        here = float(gap[0].max()) - _LOOSE_M
        need = np.full(len(ahead), _SCAN_MARGIN_M)
        need[ahead < _START_M] = min(_SCAN_MARGIN_M, here)
        clearance = self._grid.lookup(
            self._grid.clearance_m, strip.places.reshape(-1, 2), 0.0
        ).reshape(gap.shape)
        walls = np.minimum(self._limits.radius_m + _MAP_MARGIN_M, clearance[:, _PLACES])
        free: Mask = (gap >= need[:, None]) & (clearance >= walls[:, None])
        return free & self._on_lane(strip) & ~strip.folded

    def _on_lane(self, strip: _Strip) -> Mask:
        """Where the whole body is within the width of one of the route's lanes."""
        beside = np.abs(np.arange(-_PLACES, _PLACES + 1)) * _ASIDE_M
        to_lanes = self._away(strip.middle, slice(None))
        near: Mask = np.any(to_lanes < self._half + _PLACES * _ASIDE_M, axis=0)
        room = np.maximum(self._half[near] - self._limits.radius_m, 0.0)
        flat = self._away(strip.places.reshape(-1, 2), near) <= room
        on: Mask = np.any(flat, axis=1).reshape(strip.places.shape[:2])
        off_lane = ~np.any(to_lanes < self._half, axis=1)
        on |= off_lane[:, None] & (beside <= _OFF_LANE_M)
        on |= beside <= _ASIDE_M
        return on

    def _away(self, points: Points, which: slice | Mask) -> Floats:
        """Distances (points, lanes) to the middle lines of lanes."""
        start, span = self._from[which], self._span[which]
        off = points[:, None] - start
        share = (off * span).sum(axis=-1) / np.maximum((span**2).sum(axis=-1), 1e-9)
        off -= np.clip(share, 0.0, 1.0)[..., None] * span
        away: Floats = np.hypot(off[..., 0], off[..., 1])
        return away

    def _path(self, base: Path, strip: _Strip, row: Row, pose: Pose, seen: Points) -> Detour | None:
        """The row of places as a path that goes on along `base`."""
        if not row.any():
            return None
        back = min(int(np.flatnonzero(row)[-1]) + 1 + _SMOOTHINGS, len(row) - 1)
        end = float(strip.along[back])
        joins = min(int(np.searchsorted(base.along, end + STEP_M / 4)), len(base.points) - 1)
        steps: Floats = row.astype(np.float64) * _ASIDE_M
        for aside in (_smooth(steps), steps):
            line = _line(strip, aside[: back + 1], pose)
            gap = _distances(line, seen) - self._limits.radius_m
            if gap[round(_START_M / STEP_M) :].min(initial=math.inf) >= _SCAN_MARGIN_M - _LOOSE_M:
                break
        along = np.linspace(strip.along[0], end, len(line))
        caps = np.where(gap < _EASY_M, _WALK_M_S, np.interp(along, base.along, base.speed_m_s))
        return Detour(splice(line, caps, base, joins, self._limits), len(line) - 1)


def _strip(base: Path, at: int) -> _Strip | None:
    """None where the next stop of the path is too near for going round anything."""
    stop = next(stop for stop in base.stops if stop >= at)
    begin = float(base.along[at])
    end = min(begin + REACH_M, float(base.along[stop]))
    count = int((end - begin) / _STATION_M)
    if count < 6:
        return None
    along = np.linspace(begin, end, count + 1)
    middle = np.stack([np.interp(along, base.along, side) for side in base.points.T], axis=1)
    ahead = np.gradient(middle, axis=0)
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    aside = np.arange(-_PLACES, _PLACES + 1) * _ASIDE_M
    normal = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    places = middle[:, None] + aside[None, :, None] * normal[:, None]
    bend = np.gradient(np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0])), along)
    return _Strip(along, places, bend[:, None] * aside > 0.7)


def whole_things(pose: Pose, strange: Points) -> Points:
    """Points of things of which `strange` is seen from `pose`: deeper and wider; thinned to 4 cm."""
    off = strange - pose[:2]
    along = off / np.maximum(np.hypot(*off.T), 1e-6)[:, None]
    wide = _BEAM_RAD * np.stack([-off[:, 1], off[:, 0]], axis=1)
    every = [strange + side * wide + depth * along for side in (-1, 0, 1) for depth in _DEPTH_M]
    cells: Points = np.unique(np.round(np.concatenate(every) / 0.04), axis=0) * 0.04
    return cells


def _distances(places: Points, things: Points) -> Floats:
    """From each of `places` (..., 2) to the nearest thing."""
    if not len(things):
        return np.full(places.shape[:-1], math.inf)
    flat = places.reshape(-1, 2)
    squares = (flat**2).sum(axis=1)[:, None] + (things**2).sum(axis=1) - 2 * flat @ things.T
    nearest: Floats = np.sqrt(np.maximum(squares.min(axis=1), 0.0))
    return nearest.reshape(places.shape[:-1])


def _start(strip: _Strip, pose: Pose) -> tuple[int, int]:
    """The robot's place beside the first station, and its slope there."""
    normal = strip.places[0, -1] - strip.places[0, 0]
    normal = normal / np.hypot(*normal)
    aside = float(normal @ (np.array(pose[:2]) - strip.middle[0]))
    turned = wrap_angle(pose.theta - math.atan2(-normal[0], normal[1]))
    slope = math.tan(min(max(turned, -1.0), 1.0)) * _STATION_M / _ASIDE_M
    return round(aside / _ASIDE_M), min(max(round(slope), -_SLOPES), _SLOPES)


def _best_row(cost: Floats, start: int, slope: int | None) -> Row | None:
    """The cheapest row of places (-_PLACES to _PLACES) from `start` to the middle of the last station.
    `slope`: of the robot, which it keeps roughly; None: it stands, and may turn first."""
    slopes, wide = np.arange(-_SLOPES, _SLOPES + 1), cost.shape[1]
    source = np.arange(wide)[None, :] - slopes[:, None]
    outside = (source < 0) | (source >= wide)
    source = np.clip(source, 0, wide - 1)
    lines = np.arange(len(slopes))[:, None]
    padded = np.full((len(slopes) + 2, wide), math.inf)
    for at, one in enumerate(slopes.tolist()):
        if slope is None or abs(one - slope) <= 1:
            padded[at + 1, start + _PLACES] = (
                _BEND_COST * (0.2 if slope is None else 1.0) * abs(one)
            )
    picks = np.zeros((len(cost), len(slopes), wide), np.int8)
    options = np.empty((3, len(slopes), wide))
    for station in range(1, len(cost)):
        options[0] = padded[:-2] + _BEND_COST
        options[1] = padded[1:-1]
        options[2] = padded[2:] + _BEND_COST
        pick = options.argmin(axis=0)
        picks[station] = pick[lines, source] - 1
        total = options.min(axis=0)[lines, source]
        total[outside] = math.inf
        padded[1:-1] = total + cost[station]
    at, place = int(padded[1:-1, _PLACES].argmin()), _PLACES
    if not math.isfinite(padded[at + 1, place]):
        return None
    row = [place]
    for station in range(len(cost) - 1, 0, -1):
        before = at + int(picks[station, at, place])
        place -= int(slopes[at])
        at = before
        row.append(place)
    return np.array(row[::-1]) - _PLACES


def _line(strip: _Strip, aside: Floats, pose: Pose) -> Points:
    """Even steps from the robot through the places so many metres beside the first stations."""
    share = aside / _ASIDE_M + _PLACES
    low = np.clip(np.floor(share).astype(np.int64), 0, 2 * _PLACES - 1)
    rest, at = (share - low)[:, None], np.arange(len(share))
    line = strip.places[at, low] * (1 - rest) + strip.places[at, low + 1] * rest
    line[0] = pose[:2]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    even = np.linspace(0.0, along[-1], max(2, round(along[-1] / STEP_M)) + 1)
    return np.stack([np.interp(even, along, side) for side in line.T], axis=1)


def _smooth(aside: Floats) -> Floats:
    """Round off the steps of the grid; the ends stay."""
    for _ in range(_SMOOTHINGS):
        inner = (aside[:-2] + 2 * aside[1:-1] + aside[2:]) / 4
        aside = np.concatenate([aside[:1], inner, aside[-1:]])
    return aside
