"""What the board tells the gate, in SI units here and in scaled integers on the line."""

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from firmware_bridge.fields import FaultCode, Inputs, MessageType, i16, i32, scaled, u16


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
        return self.FORM.pack(self.nonce, self.firmware, u16(self.speed, 1e3), u16(self.turn, 1e3))

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
            i32(self.x, 1e4),
            i32(self.y, 1e4),
            i32(self.theta, 1e6),
            i16(self.v, 1e3),
            i16(self.w, 1e3),
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
            scaled(self.fraction, 1e4, 0, 10_000),
            u16(self.voltage, 1e3),
            i16(self.current, 1e2),
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
        (active,) = cls.FORM.unpack(data)
        return cls(Inputs(active))


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
        return self.FORM.pack(i16(self.pitch, 1e3), i16(self.roll, 1e3))

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


FromBoard = Welcome | Status | Odometry | Battery | InputsNow | Tray | Tilt | Fault
