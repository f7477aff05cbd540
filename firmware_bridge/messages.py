"""What the frames say: one class a message, in SI units here and in scaled integers on the line.

Integers, because an integer has no NaN and no infinity, and because a microcontroller without a
floating point unit reads them as they are. Each scale is finer than what the robot can measure, and
its range wider than what it can do.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self

from firmware_bridge.frames import Frame


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


class MessageError(ValueError):
    """A sound frame whose payload is not what its type promises."""


def _scaled(value: float, per_unit: float, low: int, high: int) -> int:
    """`value` as an integer, cut towards zero so that rounding never exceeds a limit, and kept in
    the field's range."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be sent")
    # The small shift undoes binary representation: 0.57 * 1000 is 569.99..., and means 570.
    # Cut to the range before it becomes an integer: 1e308 times a thousand is infinite.
    return math.trunc(max(low, min(high, value * per_unit + math.copysign(1e-6, value))))


def _i16(value: float, per_unit: float) -> int:
    return _scaled(value, per_unit, -0x8000, 0x7FFF)


def _u16(value: float, per_unit: float) -> int:
    return _scaled(value, per_unit, 0, 0xFFFF)


def _i32(value: float, per_unit: float) -> int:
    return _scaled(value, per_unit, -0x8000_0000, 0x7FFF_FFFF)


@dataclass(frozen=True, slots=True)
class Hello:
    """Gate → board: begin a session. `nonce` is random and comes back in WELCOME, so an old answer
    is no answer."""

    TYPE: ClassVar = MessageType.HELLO
    FORM: ClassVar = struct.Struct("<I")
    nonce: int

    def pack(self) -> bytes:
        return self.FORM.pack(self.nonce)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORM.unpack(data))


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Gate → board, 20 times a second: the gate's loop is alive. Without it for 200 ms the board
    brakes."""

    TYPE: ClassVar = MessageType.HEARTBEAT
    FORM: ClassVar = struct.Struct("<")

    def pack(self) -> bytes:
        return b""

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        cls.FORM.unpack(data)
        return cls()


@dataclass(frozen=True, slots=True)
class Motion:
    """Gate → board, 50 times a second: drive like this. 1 mm/s and 1 mrad/s a step: a wheel encoder
    sees no finer."""

    TYPE: ClassVar = MessageType.MOTION
    FORM: ClassVar = struct.Struct("<hh")
    linear_m_s: float
    angular_rad_s: float

    def pack(self) -> bytes:
        return self.FORM.pack(_i16(self.linear_m_s, 1e3), _i16(self.angular_rad_s, 1e3))

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        linear, angular = cls.FORM.unpack(data)
        return cls(linear / 1e3, angular / 1e3)


@dataclass(frozen=True, slots=True)
class Stop:
    """Gate → board: brake and latch."""

    TYPE: ClassVar = MessageType.STOP
    FORM: ClassVar = struct.Struct("<B")
    kind: StopKind

    def pack(self) -> bytes:
        return self.FORM.pack(self.kind)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(StopKind(cls.FORM.unpack(data)[0]))


@dataclass(frozen=True, slots=True)
class Clear:
    """Gate → board: end latch number `latch`. Another number is refused, so an old CLEAR cannot end
    a new stop."""

    TYPE: ClassVar = MessageType.CLEAR
    FORM: ClassVar = struct.Struct("<H")
    latch: int

    def pack(self) -> bytes:
        return self.FORM.pack(self.latch)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*cls.FORM.unpack(data))


@dataclass(frozen=True, slots=True)
class Limits:
    """Gate → board, once a session: the caps to enforce, each the smaller of this and the board's
    own.

    Speeds in m/s and rad/s; changes of speed in m/s² and rad/s². Braking is towards zero,
    acceleration away from it.
    """

    TYPE: ClassVar = MessageType.LIMITS
    FORM: ClassVar = struct.Struct("<HHHHHH")
    speed: float
    turn: float
    acceleration: float
    turn_acceleration: float
    braking: float
    turn_braking: float

    def pack(self) -> bytes:
        return self.FORM.pack(*(_u16(value, 1e3) for value in self.values()))

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(*(value / 1e3 for value in cls.FORM.unpack(data)))

    def values(self) -> tuple[float, float, float, float, float, float]:
        return (
            self.speed,
            self.turn,
            self.acceleration,
            self.turn_acceleration,
            self.braking,
            self.turn_braking,
        )

    def lowered_to(self, other: "Limits") -> "Limits":
        """The smaller of both, one by one."""
        return Limits(*map(min, self.values(), other.values()))


@dataclass(frozen=True, slots=True)
class Welcome:
    """Board → gate: the session in this frame's header is open; answers the HELLO with the same
    `nonce`.

    `firmware`: version, major * 256 + minor. `speed` (m/s), `turn` (rad/s): the board's own caps.
    """

    TYPE: ClassVar = MessageType.WELCOME
    FORM: ClassVar = struct.Struct("<IHHH")
    nonce: int
    firmware: int
    speed: float
    turn: float

    def pack(self) -> bytes:
        return self.FORM.pack(
            self.nonce, self.firmware, _u16(self.speed, 1e3), _u16(self.turn, 1e3)
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        nonce, firmware, speed, turn = cls.FORM.unpack(data)
        return cls(nonce, firmware, speed / 1e3, turn / 1e3)


@dataclass(frozen=True, slots=True)
class Status:
    """Board → gate, 20 times a second and at each change: alive, and latched or not.

    `latch`: number of the newest latch since boot. `causes`: what made it latch, sticky until
    CLEAR, so that a short touch is never missed; NONE when not latched. `refused`: frames refused
    since boot.
    """

    TYPE: ClassVar = MessageType.STATUS
    FORM: ClassVar = struct.Struct("<HHI")
    latch: int
    causes: Inputs
    refused: int

    @property
    def latched(self) -> bool:
        return bool(self.causes)

    def pack(self) -> bytes:
        return self.FORM.pack(self.latch, self.causes, self.refused & 0xFFFF_FFFF)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        latch, causes, refused = cls.FORM.unpack(data)
        return cls(latch, Inputs(causes), refused)


@dataclass(frozen=True, slots=True)
class Odometry:
    """Board → gate, 50 times a second: dead reckoning since boot, frame `odom` (REP 105). m, rad,
    m/s, rad/s.

    0.1 mm and 1 µrad a step, so that adding up steps loses nothing; 32 bits of them reach 214 km.
    """

    TYPE: ClassVar = MessageType.ODOMETRY
    FORM: ClassVar = struct.Struct("<iiihh")
    x: float
    y: float
    theta: float
    v: float
    w: float

    def pack(self) -> bytes:
        return self.FORM.pack(
            _i32(self.x, 1e4),
            _i32(self.y, 1e4),
            _i32(self.theta, 1e6),
            _i16(self.v, 1e3),
            _i16(self.w, 1e3),
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        x, y, theta, v, w = cls.FORM.unpack(data)
        return cls(x / 1e4, y / 1e4, theta / 1e6, v / 1e3, w / 1e3)


@dataclass(frozen=True, slots=True)
class Battery:
    """Board → gate, twice a second. `fraction` 0 to 1; V; A, positive while charging.

    `low`: under the voltage that the board's maker set, with hysteresis. The chemistry is the
    board's business.
    """

    TYPE: ClassVar = MessageType.BATTERY
    FORM: ClassVar = struct.Struct("<HHhB")
    fraction: float
    voltage: float
    current: float
    charging: bool
    low: bool

    def pack(self) -> bytes:
        flags = self.charging | self.low << 1
        return self.FORM.pack(
            _scaled(self.fraction, 1e4, 0, 10_000),
            _u16(self.voltage, 1e3),
            _i16(self.current, 1e2),
            flags,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        fraction, voltage, current, flags = cls.FORM.unpack(data)
        return cls(
            min(fraction, 10_000) / 1e4,
            voltage / 1e3,
            current / 1e2,
            bool(flags & 1),
            bool(flags & 2),
        )


@dataclass(frozen=True, slots=True)
class InputsNow:
    """Board → gate, 10 times a second and at each change: what is pressed or tripped at this
    moment."""

    TYPE: ClassVar = MessageType.INPUTS
    FORM: ClassVar = struct.Struct("<H")
    active: Inputs

    def pack(self) -> bytes:
        return self.FORM.pack(self.active)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        return cls(Inputs(cls.FORM.unpack(data)[0]))


@dataclass(frozen=True, slots=True)
class Tray:
    """Board → gate, 5 times a second. Grams on the tray, negative when it was tared with a load;
    lock closed or not."""

    TYPE: ClassVar = MessageType.TRAY
    FORM: ClassVar = struct.Struct("<iB")
    grams: int
    locked: bool

    def pack(self) -> bytes:
        return self.FORM.pack(self.grams, self.locked)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        grams, locked = cls.FORM.unpack(data)
        return cls(grams, bool(locked))


@dataclass(frozen=True, slots=True)
class Tilt:
    """Board → gate, 5 times a second. Lean in rad: nose up is positive pitch, left side up is
    positive roll."""

    TYPE: ClassVar = MessageType.TILT
    FORM: ClassVar = struct.Struct("<hh")
    pitch: float
    roll: float

    def pack(self) -> bytes:
        return self.FORM.pack(_i16(self.pitch, 1e3), _i16(self.roll, 1e3))

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        pitch, roll = cls.FORM.unpack(data)
        return cls(pitch / 1e3, roll / 1e3)


@dataclass(frozen=True, slots=True)
class Fault:
    """Board → gate, at most 10 a second: something was refused or is wrong; `count` since boot."""

    TYPE: ClassVar = MessageType.FAULT
    FORM: ClassVar = struct.Struct("<BI")
    code: FaultCode
    count: int

    def pack(self) -> bytes:
        return self.FORM.pack(self.code, self.count)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        code, count = cls.FORM.unpack(data)
        return cls(FaultCode(code), count)


ToBoard = Hello | Heartbeat | Motion | Stop | Clear | Limits
FromBoard = Welcome | Status | Odometry | Battery | InputsNow | Tray | Tilt | Fault
Message = ToBoard | FromBoard

_UNPACK: dict[int, Callable[[bytes], Message]] = {
    kind.TYPE: kind.unpack
    for kind in (
        *(Hello, Heartbeat, Motion, Stop, Clear, Limits),
        *(Welcome, Status, Odometry, Battery, InputsNow, Tray, Tilt, Fault),
    )
}


def parse(frame: Frame) -> Message:
    """The message in `frame`. Raises MessageError: unknown type, wrong length, or a value its field
    does not have."""
    unpack = _UNPACK.get(frame.type)
    if unpack is None:
        raise MessageError(f"unknown message type {frame.type:#04x}")
    try:
        return unpack(frame.payload)
    except (struct.error, ValueError) as error:
        raise MessageError(f"message {frame.type:#04x}: {error}") from error
