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
from ros_nodes.navigation.path import STEP_M, Path, even_steps, lead_in, splice

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
_BODY_M = 0.5
_THIN_M = 0.03
_BEAM_RAD = math.radians(1.0)
"""Half of what may be between two beams: a thing may be wider by so much than it is seen."""
_OFF_LANE_M = 0.5
"""Beside the path where it is on no lane, on its way there."""
_BEND_COST, _ASIDE_COST, _NEAR_COST = 0.6, 1.0, 20.0
_TURN_COST, _LEG_COST = 0.12, 6.0
_SMOOTHINGS = 3
_START_M = 0.3
_WALK_M_S = 0.3
_LOOSE_M, _LEAST_M = 0.02, 0.03


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
        start, slope = _start(strip, pose)
        if abs(start) > _PLACES:
            return None
        free = self._free(strip, gap, ahead, float(gap[0, start + _PLACES]))
        price = _ASIDE_COST * (_ASIDE_M * np.arange(-_PLACES, _PLACES + 1)) ** 2
        cost = price + _NEAR_COST * np.maximum(_EASY_M - gap, 0.0) ** 2
        cost[~free] = math.inf
        begin = _standing_start(cost[0], start) if standing else _moving_start(start, slope)
        row = _best_row(cost, begin)
        return None if row is None else self._path(base, strip, row, pose, start, seen)

    def _free(self, strip: _Strip, gap: Floats, ahead: Floats, here: float) -> Mask:
        """Where the robot's middle may be: on its lane, free on the map, free in the scan. It may
        drive away from where it stands too close: `here` is its gap now."""
        need = np.full(len(ahead), _SCAN_MARGIN_M)
        need[ahead < _START_M] = min(_SCAN_MARGIN_M, max(here - _LOOSE_M, _LEAST_M))
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

    def _path(
        self, base: Path, strip: _Strip, row: Row, pose: Pose, start: int, seen: Points
    ) -> Detour | None:
        """The row of places as a path that goes on along `base`."""
        if not row.any():
            return None
        back = min(int(np.flatnonzero(row)[-1]) + 1 + _SMOOTHINGS, len(row) - 1)
        end = float(strip.along[back])
        joins = min(int(np.searchsorted(base.along, end + STEP_M / 4)), len(base.points) - 1)
        here, aside_first = np.array(pose[:2]), row[0] != start
        begin = strip.places[0, row[0] + _PLACES] if aside_first else here
        steps: Floats = row.astype(np.float64) * _ASIDE_M
        for aside in (_smooth(steps), steps):
            line = _line(strip, aside[: back + 1], begin)
            gap = _distances(line, seen) - self._limits.radius_m
            if gap[round(_START_M / STEP_M) :].min(initial=math.inf) >= _SCAN_MARGIN_M - _LOOSE_M:
                break
        along = np.linspace(strip.along[0], end, len(line))
        caps = np.where(gap < _EASY_M, _WALK_M_S, np.interp(along, base.along, base.speed_m_s))
        path, rejoins = splice(line, caps, base, joins, self._limits), len(line) - 1
        if aside_first:
            leg = even_steps(np.stack([here, begin]))
            path = lead_in(leg, _WALK_M_S, path, self._limits)
            rejoins += len(leg)
        return Detour(path, rejoins)


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
    """Points of things of which `strange` is seen from `pose`: deeper and wider; thinned to 3 cm.

    A thing goes on straight behind what is seen of it; along each beam it would grow wider the nearer it is.
    """
    off = strange - pose[:2]
    apart = strange[:, None] - strange
    same = np.hypot(apart[..., 0], apart[..., 1]) < _BODY_M
    back = (same @ off) / np.maximum(same.sum(axis=1), 1)[:, None]
    back /= np.maximum(np.hypot(*back.T), 1e-6)[:, None]
    wide = _BEAM_RAD * np.stack([-off[:, 1], off[:, 0]], axis=1)
    every = [strange + side * wide + depth * back for side in (-1, 0, 1) for depth in _DEPTH_M]
    cells: Points = np.unique(np.round(np.concatenate(every) / _THIN_M), axis=0) * _THIN_M
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


def _moving_start(start: int, slope: int) -> Floats:
    """What it costs to begin with each slope (first axis) at each place: about as the robot drives."""
    begin = np.full((2 * _SLOPES + 1, 2 * _PLACES + 1), math.inf)
    away = np.abs(np.arange(-_SLOPES, _SLOPES + 1) - slope)
    begin[away <= 1, start + _PLACES] = _BEND_COST * away[away <= 1]
    return begin


def _standing_start(first: Floats, start: int) -> Floats:
    """The same for a robot that stands: it may turn first, and even drive straight aside over places
    whose cost in `first` is finite."""
    begin = np.full((2 * _SLOPES + 1, len(first)), math.inf)
    turn = _TURN_COST * np.abs(np.arange(-_SLOPES, _SLOPES + 1))
    for side in (-1, 1):
        place = start + _PLACES + side
        while 0 <= place < len(first) and math.isfinite(first[place]):
            begin[:, place] = turn + _LEG_COST + abs(place - start - _PLACES) * _ASIDE_M
            place += side
    begin[:, start + _PLACES] = turn
    return begin


def _best_row(cost: Floats, begin: Floats) -> Row | None:
    """The cheapest row of places (-_PLACES to _PLACES) to the middle of the last station, begun at the
    cost `begin` of each slope and place."""
    slopes, wide = np.arange(-_SLOPES, _SLOPES + 1), cost.shape[1]
    source = np.arange(wide)[None, :] - slopes[:, None]
    outside = (source < 0) | (source >= wide)
    source = np.clip(source, 0, wide - 1)
    lines = np.arange(len(slopes))[:, None]
    padded = np.full((len(slopes) + 2, wide), math.inf)
    padded[1:-1] = begin
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


def _line(strip: _Strip, aside: Floats, begin: Points) -> Points:
    """Even steps from `begin` through the places so many metres beside the stations after the first."""
    share = aside / _ASIDE_M + _PLACES
    low = np.clip(np.floor(share).astype(np.int64), 0, 2 * _PLACES - 1)
    rest, at = (share - low)[:, None], np.arange(len(share))
    line = strip.places[at, low] * (1 - rest) + strip.places[at, low + 1] * rest
    line[0] = begin
    return even_steps(line)


def _smooth(aside: Floats) -> Floats:
    """Round off the steps of the grid; the ends stay."""
    for _ in range(_SMOOTHINGS):
        inner = (aside[:-2] + 2 * aside[1:-1] + aside[2:]) / 4
        aside = np.concatenate([aside[:1], inner, aside[-1:]])
    return aside
