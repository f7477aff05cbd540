"""Keep the robot on its path: regulated pure pursuit, with turns on the spot where the path needs
them.

A tick costs the same on a path of any length: the search for the nearest point goes on from the
last one.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.path import STEP_M, Path, build_path

_LOOK_AHEAD_S, _LOOK_AHEAD_MIN_M, _LOOK_AHEAD_MAX_M = 0.9, 0.25, 0.6
_TURN_FROM, _TURN_UNTIL = math.radians(55), math.radians(20)
_ARRIVED_M = 0.02
_FACING, _FACING_TURN_RAD_S = math.radians(1.5), 0.15
_LATENCY_S = 0.1
_CREEP_M_S = 0.05
_LEAD_M_S, _LEAD_RAD_S = 0.25, 0.8
_LONGEST_TICK_S = 0.2
_TURN_BRAKING = 0.5
_OFF_GOAL_M, _GOAL_M = 0.06, 0.09
"""Where a robot that reaches its goal drives there again; and the same once it has turned, with something to spare
to the 0.10 m that are promised."""
_HOOK_STEPS = 6
"""So far past the nearest point of the path a nearer one is looked for; sharper bends are stops."""


@dataclass(frozen=True, slots=True)
class TrackResult:
    """What to command (m/s, rad/s), and how it goes. `cross_track_m` is the distance from the
    path."""

    v: float
    w: float
    done: bool
    distance_left_m: float
    time_left_s: float
    cross_track_m: float


class _Phase(StrEnum):
    TURN = "turn"
    FOLLOW = "follow"
    FACE = "face"
    DONE = "done"


class Tracker:
    """Drives one path to its end, and there to the heading `theta` (None: any heading)."""

    def __init__(
        self,
        path: Path,
        theta: float | None,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._last: float | None = None
        self._v = self._w = 0.0
        self._phase = _Phase.TURN
        self.follow(path, theta)

    @property
    def at(self) -> int:
        """Number of the path's point that the robot is at."""
        return self._at

    @property
    def along_m(self) -> float:
        return self._along[self._at]

    def follow(self, path: Path, theta: float | None) -> None:
        """Go on along another path, which begins about where the robot is, without stopping."""
        self._theta = theta
        self._take(path)
        if self._phase is not _Phase.FOLLOW:
            self._phase = _Phase.TURN

    def _take(self, path: Path) -> None:
        """Start on a path. Plain lists, since a tick looks at single numbers."""
        self.path = path
        self._goal = (float(path.points[-1, 0]), float(path.points[-1, 1]))
        self._x: list[float] = path.points[:, 0].tolist()
        self._y: list[float] = path.points[:, 1].tolist()
        self._along: list[float] = path.along.tolist()
        self._speed: list[float] = path.speed_m_s.tolist()
        self._stops = list(path.stops)
        self._left_s = _seconds_left(path)
        self._at = 0

    def step(self, pose: Pose, v: float, w: float, now: float, scale: float = 1.0) -> TrackResult:
        """One tick: pose in the map, measured speeds, seconds of any steady clock.

        `scale` (0 to 1) is the share of the speed that what stands around allows.
        """
        tick = 0.0 if self._last is None else min(max(now - self._last, 0.0), _LONGEST_TICK_S)
        self._last = now
        if self._phase in (_Phase.TURN, _Phase.FOLLOW):
            self._advance(pose)
        wanted_v, wanted_w = self._wanted(pose, v, w)
        self._ramp(wanted_v * scale, wanted_w, v, w, tick)
        return TrackResult(
            self._v,
            self._w,
            self._phase is _Phase.DONE,
            0.0 if self._phase in (_Phase.FACE, _Phase.DONE) else self._distance_left(pose),
            self._left_s[self._at],
            math.hypot(pose.x - self._x[self._at], pose.y - self._y[self._at]),
        )

    def _advance(self, pose: Pose) -> None:
        """Go on to the nearest point, at most to the next stop. The way may first lead away: a short hook where
        the robot joins a lane."""
        x, y, stop = self._x, self._y, self._stops[0]
        at = nearest = self._at
        best = (x[at] - pose.x) ** 2 + (y[at] - pose.y) ** 2
        while at < min(nearest + _HOOK_STEPS, stop):
            at += 1
            away = (x[at] - pose.x) ** 2 + (y[at] - pose.y) ** 2
            if away <= best:
                nearest, best = at, away
        self._at = nearest

    def _distance_left(self, pose: Pose) -> float:
        rest = self._along[-1] - self._along[self._at]
        return rest if rest > STEP_M else pose.distance(*self._goal)

    def _wanted(self, pose: Pose, v: float, w: float) -> tuple[float, float]:
        """Speeds before acceleration limits."""
        if self._phase is _Phase.DONE:
            return 0.0, 0.0
        if self._phase is _Phase.FACE:
            return 0.0, self._face(pose, v, w)
        remaining = self._before_stop(pose)
        if remaining < _ARRIVED_M:
            self._reach_stop(pose)
            return 0.0, 0.0
        look_x, look_y = self._look_ahead(v)
        off = wrap_angle(math.atan2(look_y - pose.y, look_x - pose.x) - pose.theta)
        if self._phase is _Phase.TURN and abs(off) < _TURN_UNTIL:
            self._phase = _Phase.FOLLOW
        elif self._phase is _Phase.FOLLOW and abs(off) > _TURN_FROM and remaining > 2 * STEP_M:
            self._phase = _Phase.TURN
        if self._phase is _Phase.TURN:
            return 0.0, self._turn_rate(off)
        return self._pursue(pose, (look_x, look_y), off, remaining, v)

    def _before_stop(self, pose: Pose) -> float:
        """Metres to the next stop, measured along the path's last direction when it is near; below
        0 past it."""
        stop = self._stops[0]
        rest = self._along[stop] - self._along[self._at]
        if rest > 4 * STEP_M:
            return rest
        heading = self._heading_at(stop)
        return (self._x[stop] - pose.x) * math.cos(heading) + (self._y[stop] - pose.y) * math.sin(
            heading
        )

    def _heading_at(self, stop: int) -> float:
        before = max(stop - 1, 0)
        while before and self._along[stop] - self._along[before] < STEP_M / 2:
            before -= 1
        return math.atan2(self._y[stop] - self._y[before], self._x[stop] - self._x[before])

    def _look_ahead(self, v: float) -> tuple[float, float]:
        """A point of the path ahead; past the next stop it lies on the path's last direction."""
        reach = min(max(_LOOK_AHEAD_S * v, _LOOK_AHEAD_MIN_M), _LOOK_AHEAD_MAX_M)
        stop = self._stops[0]
        ahead = self._at + round(reach / STEP_M)
        if ahead <= stop:
            return self._x[ahead], self._y[ahead]
        over = reach - (self._along[stop] - self._along[self._at])
        heading = self._heading_at(stop)
        return self._x[stop] + over * math.cos(heading), self._y[stop] + over * math.sin(heading)

    def _pursue(
        self, pose: Pose, look: tuple[float, float], off: float, remaining: float, v: float
    ) -> tuple[float, float]:
        """The arc through the look-ahead point, at the speed that path, curve and braking distance
        allow."""
        limits = self._limits
        distance = max(pose.distance(*look), 1e-3)
        bend = 2 * math.sin(off) / distance
        soon = min(self._at + 1 + round(v * _LATENCY_S / STEP_M), self._stops[0])
        profile = self._speed[soon] if remaining > 2 * STEP_M else math.inf
        if self._at < soon and remaining > 2 * STEP_M:
            profile = max(profile, _CREEP_M_S)
        braking = math.sqrt(
            1.4 * limits.max_acceleration_m_s2 * max(remaining - v * _LATENCY_S, 0.0)
        )
        speed = min(profile, limits.max_speed_m_s, max(braking, _CREEP_M_S))
        if abs(bend) > 1e-6:
            side = math.sqrt(limits.max_side_acceleration_m_s2 / abs(bend))
            speed = min(speed, max(side, 2 * _CREEP_M_S), limits.max_turn_rad_s / abs(bend))
        return speed, speed * bend

    def _reach_stop(self, pose: Pose) -> None:
        self._at = self._stops[0]
        if len(self._stops) > 1:
            del self._stops[0]
            self._at += 1
            self._phase = _Phase.TURN
        elif pose.distance(*self._goal) > _OFF_GOAL_M:
            self._approach_again(pose)
        else:
            self._phase = _Phase.FACE

    def _approach_again(self, pose: Pose) -> None:
        """Beside the goal: turn to it and drive there in a straight line."""
        corners = [(pose.x, pose.y), self._goal]
        self._take(build_path(corners, [2 * _CREEP_M_S], self._limits, lambda *_: False))
        self._phase = _Phase.TURN

    def _face(self, pose: Pose, v: float, w: float) -> float:
        off = 0.0 if self._theta is None else wrap_angle(self._theta - pose.theta)
        if abs(off) < _FACING and abs(w) < _FACING_TURN_RAD_S and abs(v) < _CREEP_M_S:
            if pose.distance(*self._goal) > _GOAL_M:
                self._approach_again(pose)  # brakes that came late, or a better match on turning
            else:
                self._phase = _Phase.DONE
            return 0.0
        return 0.0 if abs(off) < _FACING / 2 else self._turn_rate(off)

    def _turn_rate(self, off: float) -> float:
        """As fast as can still be braked at the heading wanted."""
        limits = self._limits
        brake = math.sqrt(2 * _TURN_BRAKING * limits.max_turn_acceleration_rad_s2 * abs(off))
        return math.copysign(min(brake, limits.max_turn_rad_s, 4.0 * abs(off) + 0.05), off)

    def _ramp(self, wanted_v: float, wanted_w: float, v: float, w: float, tick: float) -> None:
        """Limit accelerations, from a speed not far ahead of the measured one: after a stop ramps
        start at zero."""
        limits = self._limits
        from_v = min(max(self._v, v - _LEAD_M_S), v + _LEAD_M_S)
        from_w = min(max(self._w, w - _LEAD_RAD_S), w + _LEAD_RAD_S)
        up, turn = limits.max_acceleration_m_s2 * tick, limits.max_turn_acceleration_rad_s2 * tick
        self._v = max(0.0, min(max(wanted_v, from_v - 2 * up), from_v + up))
        self._w = min(max(wanted_w, from_w - turn), from_w + turn)
        if self._phase is _Phase.DONE:
            self._v = self._w = 0.0


def _seconds_left(path: Path) -> list[float]:
    between = np.maximum((path.speed_m_s[1:] + path.speed_m_s[:-1]) / 2, 2 * _CREEP_M_S)
    left = np.cumsum((np.diff(path.along) / between)[::-1])[::-1]
    return [*left.tolist(), 0.0]
