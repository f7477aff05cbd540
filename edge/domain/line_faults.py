"""What may be wrong with the serial line to the board; edge/words.toml says it to whoever mends it: `line`."""

from enum import StrEnum


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
