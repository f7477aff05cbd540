"""What the board told in the open session, and what follows from it. A session's end forgets all of it."""

from typing import NamedTuple

from edge.domain.stops import Refusal, StopCause, StopSource
from firmware_bridge.gate_state import BatteryState, Pose
from firmware_bridge.messages import (
    SENSED,
    Battery,
    FromBoard,
    Inputs,
    InputsNow,
    Odometry,
    Status,
    Tray,
)
from firmware_bridge.moment import Moment
from firmware_bridge.runaway import Runaway, moves

_SENSED_SOURCES = (
    (Inputs.BUTTON, StopSource.BUTTON, "the stop button is pressed"),
    (Inputs.BUMPER, StopSource.BUMPER, "the bumper touched something"),
    (Inputs.TILT, StopSource.TILT, "the robot leans too far"),
    (Inputs.LIFTED, StopSource.LIFTED, "a wheel has left the floor"),
)


class Alarm(NamedTuple):
    """What the robot has to be stopped for."""

    source: StopSource
    who: str
    words: str


class BoardView:
    """The board as its messages show it."""

    def __init__(self, at: Moment) -> None:
        self.link_up = False
        self.tray: Tray | None = None
        self._odometry: Odometry | None = None
        self._battery: Battery | None = None
        self._runaway = Runaway(at)
        self._reset: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._status: Status | None = None
        self._cleared: int | None = None
        self.active = Inputs.NONE
        self.active_since: dict[StopSource, float] = {}

    def link(self, up: bool) -> None:
        """The session began or ended. Either is a cold start: nothing is known of the board, but that a
        person ended this latch of it, if it never heard the CLEAR."""
        self.link_up = up
        self._reset = self._reset if self._cleared is None else self._cleared
        self._forget()
        self._runaway.forget()

    def drove(self, at: Moment) -> None:
        """A motion is commanded now."""
        self._runaway.drove(at)

    def said(self, message: FromBoard, at: Moment, *, latched: bool) -> Alarm | None:
        """A message of the open session; gives what it has to be stopped for. `latched`: whether a
        stop is active already."""
        if isinstance(message, Odometry):
            self._odometry = message
            if self._runaway.seen(message, at):
                return Alarm(StopSource.RUNAWAY, "gate", "the robot moves without a command")
        elif isinstance(message, InputsNow):
            self._note_inputs(message.active & SENSED, at)
            return _alarm_of(self.active)
        elif isinstance(message, Status):
            self._status = message
            return None if latched else self._disagreement(message)
        elif isinstance(message, Battery):
            self._battery = message
        elif isinstance(message, Tray):
            self.tray = message
        return None

    @property
    def pose(self) -> Pose | None:
        told = self._odometry
        return None if told is None else Pose(told.x, told.y, told.theta, told.v, told.w)

    @property
    def battery(self) -> BatteryState | None:
        told = self._battery
        return None if told is None else BatteryState(told.fraction, told.charging, told.voltage)

    def holds(self, *, latched: bool) -> list[StopCause]:
        """Why the robot has to stand for now. A latched stop holds the board too, which is no cause
        of its own."""
        causes = []
        if not self.link_up or self._status is None:
            causes.append(StopCause.LINK_LOST)
        elif self._status.latched and not latched:
            causes.append(StopCause.BOARD_STOPPED)
        if self._battery is not None and self._battery.low:
            causes.append(StopCause.LOW_VOLTAGE)
        if self.tray is not None and not self.tray.locked:
            causes.append(StopCause.TRAY_OPEN)
        return causes

    def why_no_reset(self) -> Refusal | None:
        """What of the board speaks against a reset."""
        if not self.link_up or self._status is None:
            return Refusal.BOARD_SILENT
        if (alarm := _alarm_of(self.active)) is not None:
            return Refusal(f"STILL_{alarm.source}")
        if self._odometry is not None and moves(self._odometry):
            return Refusal.STILL_MOVING
        if not self._status.latched:
            # Its next STATUS, 50 ms from now at most, tells the number that CLEAR has to name.
            return Refusal.BOARD_NOT_CONFIRMED
        return None

    def clear(self) -> None:
        """The board's latch of this moment, and no later one, is to be cleared."""
        self._cleared = None if self._status is None else self._status.latch

    def clearing(self) -> int | None:
        """The number of the board's latch that is still to be cleared."""
        status = self._status
        wanted = status and status.latched and status.latch == self._cleared
        return self._cleared if wanted else None

    def _note_inputs(self, active: Inputs, at: Moment) -> None:
        self.active = active
        since = self.active_since
        self.active_since = {
            source: since.get(source, at.wall)
            for bit, source, _ in _SENSED_SOURCES
            if bit in active
        }

    def _disagreement(self, status: Status) -> Alarm | None:
        """The board's latch is the gate's latch, but for one that is being cleared, that was reset before
        the line was lost, or that a gate left on leaving."""
        if not status.latched or status.latch == self._cleared:
            return None
        if (alarm := _alarm_of(status.causes)) is not None:
            return alarm  # after a lost line perhaps one more press, that nobody heard of
        if Inputs.HOST_LATCH in status.causes and status.latch != self._reset:
            words = "the microcontroller remembers a stop that the gate lost"
            return Alarm(StopSource.BOARD, "board", words)
        self._cleared = status.latch
        return None


def _alarm_of(inputs: Inputs) -> Alarm | None:
    """The most urgent that the board senses."""
    for bit, source, words in _SENSED_SOURCES:
        if bit in inputs:
            return Alarm(source, "board", words)
    return None
