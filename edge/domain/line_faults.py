"""What may be wrong with the serial line to the board, in words for whoever mends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class LineFault(StrEnum):
    """Why there is no session with the board. While there is one, there is no fault."""

    PORT_MISSING = "PORT_MISSING"
    PORT_DENIED = "PORT_DENIED"
    PORT_IN_USE = "PORT_IN_USE"
    NOT_A_PORT = "NOT_A_PORT"
    NO_ANSWER = "NO_ANSWER"
    NOT_A_BOARD = "NOT_A_BOARD"
    OTHER_VERSION = "OTHER_VERSION"
    SILENT = "SILENT"
    TAKES_NOTHING = "TAKES_NOTHING"
    TOO_MUCH = "TOO_MUCH"
    BROKEN = "BROKEN"
    RESTARTED = "RESTARTED"


@dataclass(frozen=True, slots=True)
class LineFaultRule:
    """Sentences for people: what is wrong, and what to do about it."""

    message: str
    remedy: str


LINE_FAULTS: Mapping[LineFault, LineFaultRule] = MappingProxyType(
    {
        LineFault.PORT_MISSING: LineFaultRule(
            "The microcontroller's serial port is not there.",
            "Plug it in, or name the right port: robot.serial_port, or BOARD of luna-gate.service.",
        ),
        LineFault.PORT_DENIED: LineFaultRule(
            "The gate may not open the serial port.",
            "Add the gate's user to the group that owns the port, mostly dialout.",
        ),
        LineFault.PORT_IN_USE: LineFaultRule(
            "Another program has the serial port.", "End it: fuser names it by the port."
        ),
        LineFault.NOT_A_PORT: LineFaultRule(
            "What is named as the serial port is none.",
            "Name the right port: robot.serial_port, or BOARD of luna-gate.service.",
        ),
        LineFault.NO_ANSWER: LineFaultRule(
            "Nothing answers on the serial port.",
            "Look whether the board has power and LUNA's firmware, and whether this is its port.",
        ),
        LineFault.NOT_A_BOARD: LineFaultRule(
            "What talks on the serial port is no LUNA board.",
            "Name the board's own port, and 115,200 baud on its side.",
        ),
        LineFault.OTHER_VERSION: LineFaultRule(
            "The board speaks another version of the protocol.",
            "Load the firmware that belongs to this release.",
        ),
        LineFault.SILENT: LineFaultRule(
            "The board has fallen silent.", "It is tried again and again; look at cable and power."
        ),
        LineFault.TAKES_NOTHING: LineFaultRule(
            "The board takes nothing from the line.",
            "It is tried again and again; look at cable and power.",
        ),
        LineFault.TOO_MUCH: LineFaultRule(
            "The board sends more than the line may carry.", "Load the right firmware."
        ),
        LineFault.BROKEN: LineFaultRule(
            "The serial line broke off.", "It is tried again and again; look at the cable."
        ),
        LineFault.RESTARTED: LineFaultRule(
            "The board has started anew.", "The gate greets it again by itself; look at its power."
        ),
    }
)
