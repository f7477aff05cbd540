"""Why the robot stands, which of it stays, and how it ends. The gate enforces these tables;
everyone else reads them.

The words: a *stop* is standing with a cause; a *reset* is a person at the robot ending the latch,
after which the robot still stands; *resume* is the separate step after a reset; *go* is any command
that starts motion.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from edge.domain.transitions import follow


class StopSource(StrEnum):
    """Where a latched stop came from. The first is the most urgent for whoever reads a list of
    them."""

    BUTTON = "BUTTON"
    BUMPER = "BUMPER"
    TILT = "TILT"
    LIFTED = "LIFTED"
    RUNAWAY = "RUNAWAY"
    TOUCHSCREEN = "TOUCHSCREEN"
    API = "API"
    CLI = "CLI"
    MQTT = "MQTT"
    ROS = "ROS"
    LATCH_FILE = "LATCH_FILE"
    BOARD = "BOARD"
    REPEATED_HOLD = "REPEATED_HOLD"


ASKED_BY_PEOPLE = frozenset(
    {StopSource.TOUCHSCREEN, StopSource.API, StopSource.CLI, StopSource.MQTT, StopSource.ROS}
)
"""The sources that a client of the stop socket may name; the gate finds all others out by itself.
"""


class StopCause(StrEnum):
    """One reason to stand, as long as it lasts. The robot stands while there is any."""

    STOP_REQUESTED = "STOP_REQUESTED"
    BUTTON = "BUTTON"
    BUMPER = "BUMPER"
    TILT = "TILT"
    LIFTED = "LIFTED"
    RUNAWAY = "RUNAWAY"
    LATCH_FILE = "LATCH_FILE"
    BOARD = "BOARD"
    REPEATED_HOLD = "REPEATED_HOLD"
    AWAITING_RESUME = "AWAITING_RESUME"
    LINK_LOST = "LINK_LOST"
    BOARD_STOPPED = "BOARD_STOPPED"
    ROS_SILENT = "ROS_SILENT"
    SUPERVISOR_SILENT = "SUPERVISOR_SILENT"
    PROTECTIVE_ZONE = "PROTECTIVE_ZONE"
    LOW_VOLTAGE = "LOW_VOLTAGE"
    TRAY_OPEN = "TRAY_OPEN"
    ANNOUNCING = "ANNOUNCING"


class Effect(StrEnum):
    """LATCH stays, over restarts too, till a person at the robot resets. HOLD ends with its cause."""

    LATCH = "LATCH"
    HOLD = "HOLD"


EFFECTS: Mapping[StopCause, Effect] = MappingProxyType(
    {
        StopCause.STOP_REQUESTED: Effect.LATCH,
        StopCause.BUTTON: Effect.LATCH,
        StopCause.BUMPER: Effect.LATCH,
        StopCause.TILT: Effect.LATCH,
        StopCause.LIFTED: Effect.LATCH,
        StopCause.RUNAWAY: Effect.LATCH,
        StopCause.LATCH_FILE: Effect.LATCH,
        StopCause.BOARD: Effect.LATCH,
        StopCause.REPEATED_HOLD: Effect.LATCH,
        StopCause.AWAITING_RESUME: Effect.HOLD,
        StopCause.LINK_LOST: Effect.HOLD,
        StopCause.BOARD_STOPPED: Effect.HOLD,
        StopCause.ROS_SILENT: Effect.HOLD,
        StopCause.SUPERVISOR_SILENT: Effect.HOLD,
        # Enforced by the emergency stop node, which commands zero; listed here because people read
        # this table.
        StopCause.PROTECTIVE_ZONE: Effect.HOLD,
        StopCause.LOW_VOLTAGE: Effect.HOLD,
        StopCause.TRAY_OPEN: Effect.HOLD,
        StopCause.ANNOUNCING: Effect.HOLD,
    }
)
"""What each cause does; edge/words.toml says it, and when it is gone: `cause`."""


def cause_of(source: StopSource) -> StopCause:
    """The cause that a stop from `source` shows while it is latched."""
    return StopCause.STOP_REQUESTED if source in ASKED_BY_PEOPLE else StopCause(source.value)


class Refusal(StrEnum):
    """Why the gate does not end a stop, does not let the robot go on, or does not confirm what it was asked."""

    RESET_LATE = "RESET_LATE"
    RESET_NO_STOP = "RESET_NO_STOP"
    RESET_OTHER_STOP = "RESET_OTHER_STOP"
    RESET_OVERTAKEN = "RESET_OVERTAKEN"
    RESET_FIRST = "RESET_FIRST"
    RESUME_LATE = "RESUME_LATE"
    RESUME_OVERTAKEN = "RESUME_OVERTAKEN"
    BOARD_SILENT = "BOARD_SILENT"
    BOARD_NOT_CONFIRMED = "BOARD_NOT_CONFIRMED"
    STILL_MOVING = "STILL_MOVING"
    STILL_BUTTON = "STILL_BUTTON"
    STILL_BUMPER = "STILL_BUMPER"
    STILL_TILT = "STILL_TILT"
    STILL_LIFTED = "STILL_LIFTED"
    NOT_WRITTEN_DOWN = "NOT_WRITTEN_DOWN"


class LatchState(StrEnum):
    """What the latch file remembers. RESET: the stop is reset, and the robot awaits the separate
    resume."""

    CLEAR = "CLEAR"
    LATCHED = "LATCHED"
    RESET = "RESET"


class LatchEvent(StrEnum):
    STOP = "STOP"
    RESET = "RESET"
    RESUME = "RESUME"


LATCH: Mapping[LatchState, Mapping[LatchEvent, LatchState]] = MappingProxyType(
    {
        LatchState.CLEAR: {
            LatchEvent.STOP: LatchState.LATCHED,
            LatchEvent.RESUME: LatchState.CLEAR,  # a resume said twice, its first answer lost
        },
        LatchState.LATCHED: {
            LatchEvent.STOP: LatchState.LATCHED,  # joins the active event
            LatchEvent.RESET: LatchState.RESET,
        },
        LatchState.RESET: {
            LatchEvent.STOP: LatchState.LATCHED,
            LatchEvent.RESET: LatchState.RESET,  # a reset said twice, its first answer lost
            LatchEvent.RESUME: LatchState.CLEAR,
        },
    }
)


def next_latch(state: LatchState, event: LatchEvent) -> LatchState:
    """The latch after `event`. Raises InvalidTransitionError."""
    return follow(LATCH, state, event)


class MotionState(StrEnum):
    """What the gate tells the world. Only RUNNING lets commands through."""

    RUNNING = "RUNNING"
    HOLD = "HOLD"
    LATCHED = "LATCHED"
    RESET = "RESET"


STANDING_STATES = frozenset({MotionState.LATCHED, MotionState.RESET})
"""A person at the robot has to act before it may move: reset the stop, or let it go on after that."""


def motion_state(latch: LatchState, *, held: bool) -> MotionState:
    """The state that `latch` and any hold make together: the latch wins."""
    if latch is LatchState.LATCHED:
        return MotionState.LATCHED
    if latch is LatchState.RESET:
        return MotionState.RESET
    return MotionState.HOLD if held else MotionState.RUNNING
