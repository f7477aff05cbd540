"""A path to drive: corners rounded, in steps of 5 cm, with the speed for each step.

Where the way turns back on itself the path has a stop, and the robot turns on the spot there.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points, wrap_angle
from ros_nodes.navigation.limits import Limits

STEP_M = 0.05
_CORNER_RADIUS_M = 0.8
_SMALL_TURN, _SHARP_TURN = math.radians(4), math.radians(135)
_SLOWEST_M_S = 0.1
_BRAKING = 0.8
_PROFILE_TURNING = 0.8

Free = Callable[[tuple[float, float], tuple[float, float]], bool]
"""Says whether a straight way between two points is free."""


@dataclass(frozen=True, eq=False)
class Path:
    """`points` (n, 2), the length `along` to each, the `speed_m_s` there, and the numbers of points
    to stop at."""

    points: Points
    along: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]
    stops: tuple[int, ...]

    @property
    def length_m(self) -> float:
        return float(self.along[-1])

    @property
    def time_s(self) -> float:
        """Seconds to drive it, without turns on the spot."""
        between = np.maximum((self.speed_m_s[1:] + self.speed_m_s[:-1]) / 2, _SLOWEST_M_S)
        return float((np.diff(self.along) / between).sum())


def build_path(
    corners: Sequence[tuple[float, float]], speeds: Sequence[float], limits: Limits, free: Free
) -> Path:
    """A path through `corners`; `speeds` are the limits of the straight pieces between them, in
    m/s.

    Corners are cut by arcs as wide as there is room, where `free` allows it.
    """
    corners, speeds = _without_repeats(corners, speeds)
    lines: list[list[tuple[float, float]]] = [[corners[0]]]
    caps: list[list[float]] = [[]]
    for before, corner, after, speed in zip(
        corners, corners[1:], corners[2:], speeds, strict=False
    ):
        turn = abs(_turn(before, corner, after))
        rounded = [corner] if turn < _SMALL_TURN else _round(before, corner, after, free)
        lines[-1] += rounded
        caps[-1] += [speed] * len(rounded)
        if turn > _SHARP_TURN:
            lines.append([corner])
            caps.append([])
    lines[-1].append(corners[-1])
    caps[-1].append(speeds[-1])
    return _sample(lines, caps, limits)


def _without_repeats(
    corners: Sequence[tuple[float, float]], speeds: Sequence[float]
) -> tuple[list[tuple[float, float]], list[float]]:
    """Leave out pieces shorter than a centimetre, which have no direction."""
    kept, kept_speeds = [corners[0]], []
    for corner, speed in zip(corners[1:], speeds, strict=True):
        if math.dist(corner, kept[-1]) >= 0.01:
            kept.append(corner)
            kept_speeds.append(speed)
    if len(kept) == 1:
        kept.append(corners[-1])
        kept_speeds.append(_SLOWEST_M_S)
    return kept, kept_speeds


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return wrap_angle(math.atan2(c[1] - b[1], c[0] - b[0]) - math.atan2(b[1] - a[1], b[0] - a[0]))


def _round(
    before: tuple[float, float],
    corner: tuple[float, float],
    after: tuple[float, float],
    free: Free,
) -> list[tuple[float, float]]:
    """Points of an arc that cuts a corner, or the corner itself where there is no room."""
    turn = abs(_turn(before, corner, after))
    if turn > _SHARP_TURN:
        return [corner]
    room = min(math.dist(before, corner), math.dist(corner, after)) / 2
    cut = min(_CORNER_RADIUS_M * math.tan(turn / 2), room)
    while cut > STEP_M:
        arc = _arc(before, corner, after, cut)
        if all(free(a, b) for a, b in itertools.pairwise(arc)):
            return arc
        cut *= 0.6
    return [corner]


def _arc(
    before: tuple[float, float], corner: tuple[float, float], after: tuple[float, float], cut: float
) -> list[tuple[float, float]]:
    """A circular arc that leaves and joins the two sides `cut` metres from the corner."""
    heading = math.atan2(corner[1] - before[1], corner[0] - before[0])
    turn = _turn(before, corner, after)
    radius = cut / math.tan(abs(turn) / 2)
    side = math.copysign(radius, turn)
    x, y = corner[0] - cut * math.cos(heading), corner[1] - cut * math.sin(heading)
    middle_x, middle_y = x - side * math.sin(heading), y + side * math.cos(heading)
    count = max(2, math.ceil(radius * abs(turn) / STEP_M))
    angles = (heading + turn * at / count for at in range(count + 1))
    return [(middle_x + side * math.sin(a), middle_y - side * math.cos(a)) for a in angles]


def _sample(
    lines: list[list[tuple[float, float]]], caps: list[list[float]], limits: Limits
) -> Path:
    """Even steps along each line; a line ends in a stop."""
    points, speeds, stops = [], [], []
    for line, cap in zip(lines, caps, strict=True):
        corners = np.array(line)
        along = _lengths(corners)
        xy = even_steps(corners)
        at = np.linspace(0.0, along[-1], len(xy))
        piece = np.clip(np.searchsorted(along, at + 1e-9) - 1, 0, len(cap) - 1)
        points.append(xy)
        speeds.append(_allowed(xy, np.array(cap)[piece], limits, 0.0))
        stops.append(sum(len(one) for one in points) - 1)
    joined = np.concatenate(points)
    return Path(joined, _lengths(joined), np.concatenate(speeds), tuple(stops))


def splice(line: Points, cap: NDArray[np.float64], base: Path, joins: int, limits: Limits) -> Path:
    """`line`, driven at no more than `cap` at its points, then `base` from its point `joins` on."""
    line, cap = np.concatenate([line, base.points[joins][None]]), np.append(cap, cap[-1])
    speed = _allowed(line, cap, limits, float(base.speed_m_s[joins]))
    along = _lengths(line)
    shift = len(line) - 1 - joins
    return Path(
        np.concatenate([line, base.points[joins + 1 :]]),
        np.concatenate([along, base.along[joins + 1 :] - base.along[joins] + along[-1]]),
        np.concatenate([speed, base.speed_m_s[joins + 1 :]]),
        tuple(stop + shift for stop in base.stops if stop >= joins),
    )


def lead_in(line: Points, cap: float, onward: Path, limits: Limits) -> Path:
    """`line`, at no more than `cap`, then a stop at its end, where `onward` begins."""
    along = _lengths(line)
    return Path(
        np.concatenate([line, onward.points]),
        np.concatenate([along, along[-1] + onward.along]),
        np.concatenate([_allowed(line, np.full(len(line), cap), limits, 0.0), onward.speed_m_s]),
        (len(line) - 1, *(len(line) + stop for stop in onward.stops)),
    )


def even_steps(line: Points) -> Points:
    """The same line in even steps of about STEP_M."""
    along = _lengths(line)
    at = np.linspace(0.0, along[-1], max(1, round(along[-1] / STEP_M)) + 1)
    return np.stack([np.interp(at, along, side) for side in line.T], axis=1)


def _lengths(line: Points) -> NDArray[np.float64]:
    """The length along a line to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def _allowed(
    points: Points, cap: NDArray[np.float64], limits: Limits, last: float
) -> NDArray[np.float64]:
    """Speed at each point of a piece that starts freely and ends at the speed `last`: limits, curves,
    braking distance."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    speed = np.minimum(cap, limits.max_speed_m_s)
    if len(points) > 2:
        heading = np.unwrap(np.arctan2(*np.diff(points, axis=0).T[::-1]))
        bend = np.abs(np.diff(heading)) / np.maximum((steps[1:] + steps[:-1]) / 2, 1e-6)
        bend = np.maximum(bend, 1e-6)
        curve = np.minimum(
            np.sqrt(limits.max_side_acceleration_m_s2 / bend),
            _PROFILE_TURNING * limits.max_turn_rad_s / bend,
        )
        speed[1:-1] = np.minimum(speed[1:-1], np.maximum(curve, _SLOWEST_M_S))
    braking = 2 * _BRAKING * limits.max_acceleration_m_s2
    allowed = [last]
    for cap_here, step in zip(speed[-2::-1].tolist(), steps[::-1].tolist(), strict=True):
        allowed.append(min(cap_here, math.sqrt(allowed[-1] ** 2 + braking * step)))
    return np.array(allowed[::-1])
