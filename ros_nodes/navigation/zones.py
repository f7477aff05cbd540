"""Collision zones: how much of a commanded speed what the scan shows allows.

The zones follow the motion. Points are looked at along the arc that the command would drive: what
the body would touch bounds the speed so that it can brake before, what it would pass closely bounds
it to a walk. So a wall beside a lane or a dock straight ahead slows the robot only as far as it
must. Turning on the spot sweeps nothing, since the body is round.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points

Floats = NDArray[np.float64]
_SAMPLES = 16
_STANDING_M_S = 0.01
_NEARER_M = 0.005


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """Lengths in metres from the body's skin; reaction and braking of the whole chain from scan to
    wheels. The side margin is narrow, for doors; the front margin is what is kept on standing."""

    side_margin_m: float = 0.03
    front_margin_m: float = 0.07
    slow_margin_m: float = 0.15
    slow_speed_m_s: float = 0.3
    slow_ahead_m: float = 0.3
    braking_m_s2: float = 0.5
    reaction_s: float = 0.15


@dataclass(frozen=True, slots=True)
class ZoneVerdict:
    """`scale` (0 to 1) of the commanded speeds is safe; `free_m` is the way that may still be
    driven, inf where nothing is near."""

    scale: float
    free_m: float

    @property
    def blocked(self) -> bool:
        return self.scale == 0.0


CLEAR = ZoneVerdict(1.0, math.inf)


class CollisionZones:
    """Zones of a round body. Points are in the frame of its middle."""

    def __init__(self, radius_m: float, settings: ZoneSettings | None = None) -> None:
        self._radius = radius_m
        self._settings = settings or ZoneSettings()

    def check(self, points: Points, v: float, w: float) -> ZoneVerdict:
        """What of the command (m/s, rad/s) is safe among `points` (n, 2). Points that are not
        finite are left out."""
        speed = abs(v)
        if speed < _STANDING_M_S:
            return CLEAR
        points = points[np.isfinite(points).all(axis=1)]
        allowed, free = self._allowed(points, v, w)
        return ZoneVerdict(min(1.0, allowed / speed), free)

    def _allowed(self, points: Points, v: float, w: float) -> tuple[float, float]:
        """The most speed, and the way that is free. Points behind the middle, and those that the arc
        comes no nearer to, are what the robot drives away from."""
        settings, speed = self._settings, abs(v)
        reach = self._braking_way(speed) + settings.front_margin_m + settings.slow_ahead_m
        slow_radius = self._radius + settings.slow_margin_m
        near = np.hypot(points[:, 0], points[:, 1]) <= reach + slow_radius
        points = points[near & (points[:, 0] * math.copysign(1.0, v) > 0)]
        if not len(points):
            return math.inf, math.inf
        along = np.linspace(0.0, reach, _SAMPLES)
        centres = _on_arc(along, math.copysign(1.0, v), w / speed)
        every = np.hypot(
            points[None, :, 0] - centres[:, None, 0], points[None, :, 1] - centres[:, None, 1]
        )
        slowing = (every[along <= settings.slow_ahead_m] < slow_radius).any()
        nearer = every.min(axis=0) < every[0] - _NEARER_M
        away = every[:, nearer].min(axis=1, initial=math.inf)
        touching = away < self._radius + settings.side_margin_m
        allowed = free = math.inf
        if touching.any():
            first = int(touching.argmax())
            free = max(0.0, self._contact(along, away, first) - settings.front_margin_m)
            allowed = self._speed_for(free)
        if slowing:
            allowed = min(allowed, settings.slow_speed_m_s)
        return allowed, free

    def _contact(self, along: Floats, away: Floats, first: int) -> float:
        """The way to where the skin's side margin is touched, between two samples."""
        if first == 0:
            return 0.0
        limit = self._radius + self._settings.side_margin_m
        before, after = float(away[first - 1]), float(away[first])
        share = (before - limit) / max(before - after, 1e-9)
        return float(along[first - 1] + share * (along[first] - along[first - 1]))

    def _braking_way(self, speed: float) -> float:
        settings = self._settings
        return speed * settings.reaction_s + speed**2 / (2 * settings.braking_m_s2)

    def _speed_for(self, free: float) -> float:
        """The speed whose braking way is `free`: the inverse of `_braking_way`."""
        brake, react = self._settings.braking_m_s2, self._settings.reaction_s
        speed = math.sqrt((brake * react) ** 2 + 2 * brake * free) - brake * react
        return speed if speed > 2 * _STANDING_M_S else 0.0


def _on_arc(along: Floats, direction: float, bend: float) -> Points:
    """Points at lengths along the arc that starts at the origin; `bend` is turn per metre
    driven."""
    angle = along * bend
    chord = along * np.sinc(angle / (2 * math.pi))
    return np.stack([direction * chord * np.cos(angle / 2), chord * np.sin(angle / 2)], axis=1)
