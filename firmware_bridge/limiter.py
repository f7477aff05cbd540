"""Keeps a stream of commands within speed, turn and acceleration. Pure: time is given."""

import math

from firmware_bridge.messages import Limits

LONGEST_STEP_S = 0.1
"""Longest time between two steps that still counts as driving on. After a longer one the ramp
starts at zero."""


class RefusedCommandError(ValueError):
    """The command is no pair of finite numbers; nothing sensible can be made of it."""


class Limiter:
    """Ramps from what it last let through towards what is asked.

    Acceleration, away from zero, is capped. Braking is not: a brake must never come later than
    asked, and the board's own ramp keeps it gentle. Turning round passes through a step of zero.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.linear_m_s = 0.0
        self.angular_rad_s = 0.0

    def stop(self) -> None:
        """Stand. The next motion ramps up from zero."""
        self.linear_m_s = 0.0
        self.angular_rad_s = 0.0

    def step(self, linear_m_s: float, angular_rad_s: float, dt_s: float) -> tuple[float, float]:
        """What may be commanded now, `dt_s` seconds after the last step. Raises
        RefusedCommandError."""
        check_command(linear_m_s, angular_rad_s)
        if not 0.0 <= dt_s <= LONGEST_STEP_S:
            self.stop()
            return 0.0, 0.0
        limits = self._limits
        self.linear_m_s = ramp(
            self.linear_m_s, _clamp(linear_m_s, limits.speed), limits.acceleration * dt_s, math.inf
        )
        self.angular_rad_s = ramp(
            self.angular_rad_s,
            _clamp(angular_rad_s, limits.turn),
            limits.turn_acceleration * dt_s,
            math.inf,
        )
        return self.linear_m_s, self.angular_rad_s


def check_command(linear_m_s: float, angular_rad_s: float) -> None:
    """Raises RefusedCommandError for NaN and infinity."""
    if not (math.isfinite(linear_m_s) and math.isfinite(angular_rad_s)):
        raise RefusedCommandError(f"({linear_m_s}, {angular_rad_s}) is no velocity")


def ramp(now: float, target: float, most_faster: float, most_slower: float) -> float:
    """One step from `now` towards `target`: at most `most_faster` away from zero, `most_slower`
    towards it."""
    if now != 0.0 and (target == 0.0 or (target > 0.0) != (now > 0.0)):
        # Standing or turning round: first to zero, whatever the target's size.
        return math.copysign(max(abs(now) - most_slower, 0.0), now)
    if abs(target) < abs(now):
        return math.copysign(max(abs(now) - most_slower, abs(target)), now)
    return math.copysign(min(abs(now) + most_faster, abs(target)), target)


def _clamp(value: float, cap: float) -> float:
    return max(-cap, min(cap, value))
