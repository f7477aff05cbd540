"""What the gate tells the board, in SI units here and in scaled integers on the line."""

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

from firmware_bridge.fields import MessageType, StopKind, i16, u16


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
        return self.FORM.pack(i16(self.linear_m_s, 1e3), i16(self.angular_rad_s, 1e3))

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
        (kind,) = cls.FORM.unpack(data)
        return cls(StopKind(kind))


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
        return self.FORM.pack(*(u16(value, 1e3) for value in self.values()))

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


ToBoard = Hello | Heartbeat | Motion | Stop | Clear | Limits
