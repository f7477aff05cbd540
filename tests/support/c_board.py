"""The board and the codec in C, loaded into Python: the same names as their Python twins.

`compile_reference` makes the library; `CBoard` and `CReader` are built on it.
"""

import ctypes
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from ctypes import (
    POINTER,
    c_bool,
    c_int16,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_void_p,
)
from pathlib import Path
from typing import ClassVar

from firmware_bridge.frames import Frame
from firmware_bridge.messages import Battery, FaultCode, Inputs, Limits, MessageType, Odometry
from firmware_bridge.simulated_firmware import FIRMWARE, OWN_CAPS, Sensors

WARNINGS = (
    *("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion"),
    *("-Wshadow", "-Wstrict-prototypes", "-Werror"),
)
SOURCES = Path(__file__).parents[2] / "firmware_bridge" / "reference"
LINE_MAX, TICK_OUTPUT, MESSAGE, BAD, UNKNOWN = 68, 192, 1, 2, 3
"""LUNA_LINE_MAX, LUNA_TICK_OUTPUT and `enum luna_decoded`."""
LOW_MV, CHARGED_MV = 21_084, 21_420
"""The simulated battery at 2 % and at 10 %."""


def compiler() -> str | None:
    """The C compiler of this machine, or None."""
    return shutil.which("cc") or shutil.which("gcc")


def compile_reference(target: Path, *options: str, extra: Sequence[Path] = ()) -> Path:
    """Compile all of the reference, and `extra`, to `target`, with every warning an error. Raises AssertionError with
    what the compiler says."""
    cc = compiler()
    assert cc is not None, "no C compiler"
    sources = [str(path) for path in (*sorted(SOURCES.glob("*.c")), *extra)]
    command = [cc, *WARNINGS, *options, f"-I{SOURCES}", *sources, "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def _fields(kind: type, *names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names]


def _body(*fields: tuple[str, type]) -> type[ctypes.Structure]:
    return type("Body", (ctypes.Structure,), {"_fields_": list(fields)})


CLimits = _body(
    *_fields(
        c_uint16, "speed", "turn", "acceleration", "turn_acceleration", "braking", "turn_braking"
    )
)
CMotion = _body(*_fields(c_int16, "linear", "angular"))
COdometry = _body(*_fields(c_int32, "x", "y", "theta"), *_fields(c_int16, "v", "w"))
CBattery = _body(*_fields(c_uint16, "level", "voltage"), ("current", c_int16), ("flags", c_uint8))
CTray = _body(("weight", c_int32), ("locked", c_uint8))
CTilt = _body(*_fields(c_int16, "pitch", "roll"))

BODIES: dict[MessageType, type[ctypes.Structure]] = {
    MessageType.HELLO: _body(("nonce", c_uint32)),
    MessageType.HEARTBEAT: _body(),
    MessageType.MOTION: CMotion,
    MessageType.STOP: _body(("kind", c_uint8)),
    MessageType.CLEAR: _body(("latch", c_uint16)),
    MessageType.LIMITS: CLimits,
    MessageType.WELCOME: _body(
        ("nonce", c_uint32), *_fields(c_uint16, "firmware", "speed", "turn")
    ),
    MessageType.STATUS: _body(*_fields(c_uint16, "latch", "causes"), ("refused", c_uint32)),
    MessageType.ODOMETRY: COdometry,
    MessageType.BATTERY: CBattery,
    MessageType.INPUTS: _body(("active", c_uint16)),
    MessageType.TRAY: CTray,
    MessageType.TILT: CTilt,
    MessageType.FAULT: _body(("code", c_uint8), ("count", c_uint32)),
}
"""The members of the union in `struct luna_message`."""


class _Union(ctypes.Union):
    _fields_: ClassVar = [(kind.name, body) for kind, body in BODIES.items()]


class CMessage(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", c_uint8),
        ("ttl_ms", c_uint16),
        *_fields(c_uint32, "session", "sequence", "stamp_ms"),
        ("body", _Union),
    ]

    def values(self) -> tuple[int, ...]:
        """The payload's numbers, as they are on the line."""
        body = getattr(self.body, MessageType(self.type).name)
        return tuple(getattr(body, name) for name, _ in body._fields_)

    def set_values(self, values: Sequence[int]) -> None:
        body = getattr(self.body, MessageType(self.type).name)
        for (name, _), value in zip(body._fields_, values, strict=True):
            setattr(body, name, value)


class _Reader(ctypes.Structure):
    _fields_: ClassVar = [("bytes", c_uint8 * 67), ("length", c_uint8), ("skipping", c_bool)]


_RANDOM = ctypes.CFUNCTYPE(c_uint32, c_void_p)


class _Build(ctypes.Structure):
    _fields_: ClassVar = [
        ("firmware", c_uint16),
        ("caps", CLimits),
        *_fields(c_uint16, "battery_low_mv", "battery_charged_mv"),
        ("random", _RANDOM),
        ("context", c_void_p),
    ]


class _Sensors(ctypes.Structure):
    _fields_: ClassVar = [
        ("pressed", c_uint16),
        ("tilt", CTilt),
        ("odometry", COdometry),
        ("battery", CBattery),
        ("tray", CTray),
    ]


class _Sink(ctypes.Structure):
    _fields_: ClassVar = [("bytes", c_void_p), ("room", c_size_t), ("length", c_size_t)]


class _Velocity(ctypes.Structure):
    _fields_: ClassVar = [*_fields(c_int32, "linear", "angular"), ("standing", c_bool)]


class _Permit(ctypes.Structure):
    _fields_: ClassVar = [("given", c_bool), *_fields(c_uint32, "since_ms", "lasts_ms")]


class _Board(ctypes.Structure):
    _fields_: ClassVar = [
        ("build", POINTER(_Build)),
        ("reader", _Reader),
        *_fields(c_uint32, "session", "sent", "heard", "least_difference", "grown_ms"),
        ("limits", CLimits),
        ("wanted", CMotion),
        ("motion", _Permit),
        ("heartbeat", _Permit),
        *_fields(c_uint16, "latch", "causes", "active"),
        *_fields(c_int32, "linear_um_s", "angular_urad_s"),
        ("ticked_ms", c_uint32),
        ("battery_low", c_bool),
        ("faults", c_uint32 * 9),
        ("told", c_uint32 * 9),
        ("newest_told", c_uint8),
        *_fields(c_uint32, "status", "odometry", "battery", "inputs", "tray", "tilt", "fault"),
    ]


class Reference(ctypes.CDLL):
    """The library that `compile_reference` made."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.luna_crc.restype = c_uint16
        self.luna_encode.restype = c_size_t
        self.luna_board_target.restype = CMotion
        self.luna_board_tick.restype = _Velocity

    def crc(self, data: bytes) -> int:
        return int(self.luna_crc(data, c_size_t(len(data))))

    def encode(self, frame: Frame, values: Sequence[int]) -> bytes:
        """The bytes of a message with the header of `frame` and these numbers as its payload."""
        message = CMessage(frame.type, frame.ttl_ms, frame.session, frame.sequence, frame.stamp_ms)
        message.set_values(values)
        line = (c_uint8 * LINE_MAX)()
        return bytes(line[: self.luna_encode(ctypes.byref(message), line)])


class CReader:
    """Takes bytes as they come and gives the messages in them. `bad`, `unknown`: how many were none."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._reader = _Reader()
        self.bad = self.unknown = 0

    def feed(self, data: bytes) -> list[CMessage]:
        messages = []
        for byte in data:
            message = CMessage()
            decoded = self._reference.luna_read(
                ctypes.byref(self._reader), c_uint8(byte), ctypes.byref(message)
            )
            if decoded == MESSAGE:
                messages.append(message)
            self.bad += decoded == BAD
            self.unknown += decoded == UNKNOWN
        return messages


class CBoard:
    """`struct luna_board` with the face of `SimulatedFirmware`."""

    def __init__(
        self,
        reference: Reference,
        now: float,
        *,
        new_nonce: Callable[[], int],
        caps: Limits = OWN_CAPS,
        clock_ms: int = 0,
    ) -> None:
        """`clock_ms`: what its clock shows at `now`."""
        self.sensors = Sensors()
        self._lean: tuple[int, int] | None = None
        self._reference = reference
        self._clock_ms = clock_ms
        self._build = _Build(
            FIRMWARE,
            CLimits(*Limits.FORM.unpack(caps.pack())),
            LOW_MV,
            CHARGED_MV,
            _RANDOM(lambda _: new_nonce()),
        )
        self._board = _Board()
        self.boot(now)

    def boot(self, now: float) -> None:
        self._booted = now
        self._out = b""
        self.velocity = (0.0, 0.0)
        self.standing = True
        self._reference.luna_board_boot(
            ctypes.byref(self._board), ctypes.byref(self._build), self._ms(now)
        )

    def receive(self, data: bytes, now: float) -> None:
        room = (c_uint8 * (2 * len(data) + LINE_MAX))()
        sink = _Sink(ctypes.addressof(room), len(room), 0)
        self._reference.luna_board_receive(
            ctypes.byref(self._board), data, c_size_t(len(data)), self._ms(now), ctypes.byref(sink)
        )
        self._out += bytes(room[: sink.length])

    def tick(self, now: float, room_bytes: int = TICK_OUTPUT) -> bytes:
        """`room_bytes`: how many the sink takes."""
        # What is too much shows, and breaks nothing.
        room = (c_uint8 * (room_bytes + TICK_OUTPUT))()
        sink = _Sink(ctypes.addressof(room), room_bytes, 0)
        sensors = self._sensed()
        velocity = self._reference.luna_board_tick(
            *(ctypes.byref(self._board), ctypes.byref(sensors), self._ms(now), ctypes.byref(sink))
        )
        self.velocity = velocity.linear / 1e6, velocity.angular / 1e6
        self.standing = velocity.standing
        out, self._out = self._out + bytes(room[: sink.length]), b""
        return out

    def target(self) -> tuple[float, float]:
        motion = self._reference.luna_board_target(ctypes.byref(self._board))
        return motion.linear / 1e3, motion.angular / 1e3

    def motor_stuck(self) -> None:
        self._reference.luna_board_fault(ctypes.byref(self._board), FaultCode.MOTOR_STUCK)

    def lean(self, pitch_mrad: int, roll_mrad: int) -> None:
        """From now on, whatever `sensors` say."""
        self._lean = pitch_mrad, roll_mrad

    @property
    def session(self) -> int:
        return int(self._board.session)

    @property
    def latch(self) -> int:
        return int(self._board.latch)

    @property
    def causes(self) -> Inputs:
        return Inputs(self._board.causes)

    @property
    def limits(self) -> Limits:
        limits = self._board.limits
        return Limits(*(getattr(limits, name) / 1e3 for name, _ in limits._fields_))

    @property
    def faults(self) -> Counter[FaultCode]:
        return Counter({code: self._board.faults[code] for code in FaultCode})

    def _ms(self, now: float) -> c_uint32:
        return c_uint32(self._clock_ms + round((now - self._booted) * 1e3))

    def _sensed(self) -> _Sensors:
        now = self.sensors
        battery = Battery(
            now.fraction,
            21.0 + 4.2 * now.fraction,
            2.0 if now.charging else -1.0,
            now.charging,
            False,
        )
        return _Sensors(
            Inputs.BUTTON * now.button | Inputs.BUMPER * now.bumper | Inputs.LIFTED * now.lifted,
            CTilt(*(self._lean or (round(now.tilt * 1e3), 0))),
            COdometry(*Odometry.FORM.unpack(now.odometry.pack())),
            CBattery(*Battery.FORM.unpack(battery.pack())),
            CTray(now.tray_grams, not now.tray_open),
        )
