"""What the frames say: one class a message, by direction in `to_board` and `from_board`, and the way
from a frame to its message."""

import struct
from collections.abc import Callable

from firmware_bridge.fields import SENSED, FaultCode, Inputs, MessageType, StopKind
from firmware_bridge.frames import Frame
from firmware_bridge.from_board import (
    Battery,
    Fault,
    FromBoard,
    InputsNow,
    Odometry,
    Status,
    Tilt,
    Tray,
    Welcome,
)
from firmware_bridge.to_board import Clear, Heartbeat, Hello, Limits, Motion, Stop, ToBoard

__all__ = [
    "SENSED",
    "Battery",
    "Clear",
    "Fault",
    "FaultCode",
    "FromBoard",
    "Heartbeat",
    "Hello",
    "Inputs",
    "InputsNow",
    "Limits",
    "Message",
    "MessageError",
    "MessageType",
    "Motion",
    "Odometry",
    "Status",
    "Stop",
    "StopKind",
    "Tilt",
    "ToBoard",
    "Tray",
    "Welcome",
    "parse",
]

Message = ToBoard | FromBoard


class MessageError(ValueError):
    """A sound frame whose payload is not what its type promises."""


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
