"""What the messages are made of: their numbers, the values of their fields, and the scaled integers
that carry a measure.

Integers, because an integer has no NaN and no infinity, and because a microcontroller without a
floating point unit reads them as they are. Each scale is finer than what the robot can measure, and
its range wider than what it can do.
"""

import math
from enum import IntEnum, IntFlag


class MessageType(IntEnum):
    """To the board below 0x80, from the board above."""

    HELLO = 0x01
    HEARTBEAT = 0x02
    MOTION = 0x03
    STOP = 0x04
    CLEAR = 0x05
    LIMITS = 0x06
    WELCOME = 0x81
    STATUS = 0x82
    ODOMETRY = 0x83
    BATTERY = 0x84
    INPUTS = 0x85
    TRAY = 0x86
    TILT = 0x87
    FAULT = 0x88


class Inputs(IntFlag):
    """What the board senses now (INPUTS) and what made it latch (STATUS)."""

    NONE = 0
    BUTTON = 0x01
    BUMPER = 0x02
    TILT = 0x04
    LIFTED = 0x08
    HOST_LATCH = 0x10
    """Only in STATUS: the gate told the board of a latched stop."""
    HOST_LEFT = 0x20
    """Only in STATUS: the gate said good-bye."""


SENSED = Inputs.BUTTON | Inputs.BUMPER | Inputs.TILT | Inputs.LIFTED


class StopKind(IntEnum):
    """Why the gate sends STOP."""

    LATCH = 1
    """A stop that only a person resets; the board remembers it for the gate."""
    LEAVING = 2
    """The gate ends; its successor may clear this by itself."""


class FaultCode(IntEnum):
    """What the board refused or noticed; `Fault.count` says how often since it booted."""

    BAD_FRAME = 1
    WRONG_SESSION = 2
    OLD_SEQUENCE = 3
    LATE = 4
    OVER_LIMIT = 5
    UNKNOWN_MESSAGE = 6
    CLEAR_REFUSED = 7
    MOTOR_STUCK = 8


def scaled(value: float, per_unit: float, low: int, high: int) -> int:
    """`value` as an integer, cut towards zero so that rounding never exceeds a limit, and kept in
    the field's range."""
    # The small shift undoes binary representation: 0.57 * 1000 is 569.99..., and means 570.
    steps = value * per_unit + (1e-6 if value > 0.0 else -1e-6)
    if low <= steps <= high:
        return int(steps)
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be sent")
    return high if value > 0.0 else low


def i16(value: float, per_unit: float) -> int:
    return scaled(value, per_unit, -0x8000, 0x7FFF)


def u16(value: float, per_unit: float) -> int:
    return scaled(value, per_unit, 0, 0xFFFF)


def i32(value: float, per_unit: float) -> int:
    return scaled(value, per_unit, -0x8000_0000, 0x7FFF_FFFF)
