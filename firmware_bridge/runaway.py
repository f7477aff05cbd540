"""Notices a robot that moves though nobody commands it."""

from firmware_bridge.messages import Odometry
from firmware_bridge.moment import Moment

RUNAWAY_SETTLE_S = 1.0
"""Time after a commanded zero within which the robot may still roll: from 0.31 m/s it brakes in 0.3
s."""
RUNAWAY_S = 0.3
"""How long motion without a command must last: 15 odometry samples, so that no single one latches.
"""
RUNAWAY_M_S = 0.05
RUNAWAY_RAD_S = 0.2
"""Motion above either is no sensor noise."""


class Runaway:
    """Told of each commanded motion and of each odometry."""

    def __init__(self, at: Moment) -> None:
        self._drove = at.mono
        self._since: float | None = None

    def drove(self, at: Moment) -> None:
        """A motion is commanded now."""
        self._drove = at.mono

    def forget(self) -> None:
        """The board is another one, or the same after a pause."""
        self._since = None

    def seen(self, odometry: Odometry, at: Moment) -> bool:
        """Whether the robot has been moving without a command for too long."""
        if at.mono - self._drove <= RUNAWAY_SETTLE_S or not moves(odometry):
            self._since = None
            return False
        if self._since is None:
            self._since = at.mono
        return at.mono - self._since > RUNAWAY_S


def moves(odometry: Odometry) -> bool:
    """Whether the wheels turn."""
    return abs(odometry.v) > RUNAWAY_M_S or abs(odometry.w) > RUNAWAY_RAD_S
