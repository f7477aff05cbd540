"""Why the robot stands, which of it stays, and how it ends. The gate enforces these tables;
everyone else reads them.

The words: a *stop* is standing with a cause; a *reset* is a person at the robot ending the latch,
after which the robot still stands; *resume* is the separate step after a reset; *go* is any command
that starts motion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class CauseRule:
    """What a cause does; `message` and `clears`, when it is gone, are sentences for people."""

    effect: Effect
    message: str
    clears: str


CAUSES: Mapping[StopCause, CauseRule] = MappingProxyType(
    {
        StopCause.STOP_REQUESTED: CauseRule(
            Effect.LATCH,
            "Somebody has stopped the robot.",
            "A person at the robot resets the stop.",
        ),
        StopCause.BUTTON: CauseRule(
            Effect.LATCH,
            "The red button is pressed.",
            "The red button is pulled out, then the stop is reset.",
        ),
        StopCause.BUMPER: CauseRule(
            Effect.LATCH,
            "The bumper has touched something.",
            "The bumper is free, then the stop is reset.",
        ),
        StopCause.TILT: CauseRule(
            Effect.LATCH,
            "The robot leans too far.",
            "The robot stands level, then the stop is reset.",
        ),
        StopCause.LIFTED: CauseRule(
            Effect.LATCH,
            "A wheel has left the floor.",
            "All wheels are on the floor, then the stop is reset.",
        ),
        StopCause.RUNAWAY: CauseRule(
            Effect.LATCH,
            "The robot moved without a command.",
            "The robot stands still, then the stop is reset.",
        ),
        StopCause.LATCH_FILE: CauseRule(
            Effect.LATCH,
            "The gate could not read whether the robot was stopped.",
            "A person looks at the robot, then resets the stop.",
        ),
        StopCause.BOARD: CauseRule(
            Effect.LATCH,
            "The microcontroller remembers a stop that the gate lost.",
            "A person looks at the robot, then resets the stop.",
        ),
        StopCause.REPEATED_HOLD: CauseRule(
            Effect.LATCH,
            "The same trouble came back again and again.",
            "The repeated trouble is seen to, then the stop is reset.",
        ),
        StopCause.AWAITING_RESUME: CauseRule(
            Effect.HOLD, "The stop is reset.", "A person at the robot lets it go on."
        ),
        StopCause.LINK_LOST: CauseRule(
            Effect.HOLD,
            "The microcontroller does not answer.",
            "The microcontroller answers again.",
        ),
        StopCause.BOARD_STOPPED: CauseRule(
            Effect.HOLD,
            "The microcontroller has stopped by itself.",
            "The microcontroller has cleared its own stop.",
        ),
        StopCause.ROS_SILENT: CauseRule(
            Effect.HOLD, "The ROS process is silent.", "The ROS process is alive again."
        ),
        StopCause.SUPERVISOR_SILENT: CauseRule(
            Effect.HOLD, "The supervisor is silent.", "The supervisor is alive again."
        ),
        # Enforced by the emergency stop node, which commands zero; listed here because people read
        # this table.
        StopCause.PROTECTIVE_ZONE: CauseRule(
            Effect.HOLD, "Something is in the way.", "The way in front of the robot is free."
        ),
        StopCause.LOW_VOLTAGE: CauseRule(
            Effect.HOLD, "The battery is empty.", "The battery is charged."
        ),
        StopCause.TRAY_OPEN: CauseRule(
            Effect.HOLD, "The tray is open.", "The tray is closed and locked."
        ),
        StopCause.ANNOUNCING: CauseRule(
            Effect.HOLD,
            "The robot is about to move.",
            "Please step aside; it goes on in a moment.",
        ),
    }
)


def cause_of(source: StopSource) -> StopCause:
    """The cause that a stop from `source` shows while it is latched."""
    return StopCause.STOP_REQUESTED if source in ASKED_BY_PEOPLE else StopCause(source.value)


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
