"""Who may move the robot, and whether now: the motion gate's decisions, without sockets, port,
files or clock.

Rules, in the order in which they win:
1. A latched stop: zero and STOP, until a reset that names its event; then standing until a separate
resume.
2. A hold: zero while any link of the chain is silent, the board is stopped, or the battery is low.
3. No command, or none younger than 100 ms: zero.
4. Else the command, within the limits, ramping up from zero after any of the above.

The owner of this class calls `tick` at 50 Hz or more, writes what it decides, saves `latch` when it
changed and the `records` that it made. Latching takes effect at once and is saved after; reset and
resume are saved first, then adopted.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from edge.domain.errors import InvalidTransitionError
from edge.domain.stops import LatchState, Refusal, StopCause, StopSource, cause_of, motion_state
from firmware_bridge.board_view import BoardView
from firmware_bridge.gate_state import Cause, GateState
from firmware_bridge.holds import WATCHABLE, Heartbeats, Holds
from firmware_bridge.latch import Latch
from firmware_bridge.limiter import LONGEST_STEP_S, Limiter, RefusedCommandError, check_command
from firmware_bridge.messages import FromBoard, Inputs, Limits
from firmware_bridge.moment import Moment

__all__ = ["WATCHABLE", "Authority", "Decision", "Moment", "RefusedError"]

COMMAND_S = 0.1
"""Oldest command that still drives. At 50 Hz the zero is then out within 150 ms of a dead source.
"""
RESET_S = 1.0
"""Oldest reset that counts. Its client waits less than that; a person's act is for the moment they
see."""


class Decision(NamedTuple):
    """What goes to the board now: a velocity, STOP beside it or not, and the number of the board's
    latch to clear."""

    linear_m_s: float
    angular_rad_s: float
    stop: bool
    clear: int | None


class RefusedError(Exception):
    """A reset or resume that must not be."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why


class _Command(NamedTuple):
    linear_m_s: float
    angular_rad_s: float
    sent: float


class Authority:
    """The decisions. Everything that happens is told to it with its moment."""

    def __init__(
        self,
        limits: Limits,
        latch: Latch,
        at: Moment,
        *,
        new_id: Callable[[float], str],
        holds_to_latch: int,
        announce_s: float,
        watched: Collection[str] = tuple(WATCHABLE),
    ) -> None:
        """`new_id`: makes the id of an event from its wall time. `holds_to_latch`: holds of one
        cause within 10 minutes that latch; 0 for never. `announce_s`: how long the robot says
        that it goes on, after a hold of over 2 s. `watched`: names of WATCHABLE."""
        self.latch = latch
        self._heartbeats = Heartbeats(watched)
        self._holds = Holds(announce_s)
        self.records: list[dict[str, object]] = []
        self.counters: Counter[str] = Counter()
        self._limiter = Limiter(limits)
        self._new_id = new_id
        self._holds_to_latch = holds_to_latch
        self._command: _Command | None = None
        self._stood = -math.inf
        self._ticked = at.mono
        self._board = BoardView(at)
        self._has_run = False

    def remember(self, records: Iterable[Mapping[str, Any]], at: Moment) -> None:
        """How often which hold came back, by the end of the last gate's journal. Its records have the
        wall time: where that jumped, some count that should not, or the other way round."""
        for record in records:
            if record.get("kind") == "RESET":
                self._holds.forget_counts()
            elif record.get("times"):
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    began = at.mono - (at.wall - float(record["at"]))
                    self._holds.recall(StopCause(record["cause"]), began, at)

    # What processes say

    def command(self, linear_m_s: float, angular_rad_s: float, sent: float, at: Moment) -> bool:
        """A velocity from the base node, stamped by its sender with the monotonic clock. False
        where it is refused: no numbers, too old, from before a stop or its end, out of order."""
        try:
            check_command(linear_m_s, angular_rad_s)
        except RefusedCommandError:
            self.counters["commands_not_finite"] += 1
            return False
        if not at.accepts(sent, COMMAND_S) or sent <= self._stood:
            self.counters["commands_untimely"] += 1
            return False
        if self._command is not None and sent <= self._command.sent:
            self.counters["commands_out_of_order"] += 1
            return False
        self._command = _Command(linear_m_s, angular_rad_s, sent)
        return True

    def source_gone(self) -> None:
        """The base node's connection ended: its last command counts no more."""
        self._command = None

    def heartbeat(self, process: str, sent: float, at: Moment) -> None:
        """A watched process is alive, or was at `sent`: a backlog read late is not life."""
        self._heartbeats.heard(process, sent, at)

    # What people say

    def stop(self, source: StopSource, who: str, reason: str, at: Moment) -> tuple[str, bool]:
        """Latch, at once. Gives the event's id, and whether it joined a stop that was active
        already."""
        joined = self._latched
        self.latch = self.latch.stopped(self._new_id(at.wall), source, who, reason, at.wall)
        self._stand(at)
        self._record("JOIN" if joined else "STOP", at, source=source, who=who, reason=reason)
        assert self.latch.event_id is not None  # every latch has one
        return self.latch.event_id, joined

    def record_again(self, at: Moment) -> None:
        """The journal has lost how the active stop began: write it once more, as the latch has it."""
        latch = self.latch
        began = at if latch.since is None else at._replace(wall=latch.since)
        self._record("STOP", began, source=latch.source, who=latch.who, reason=latch.reason)

    def plan_reset(self, event_id: str, sent: float, at: Moment) -> Latch:
        """The latch after a person at the robot reset `event_id`; save it, then `adopt` it. Raises
        RefusedError."""
        if not at.accepts(sent, RESET_S):
            raise RefusedError(Refusal.RESET_LATE)
        if self.latch.state is LatchState.CLEAR:
            raise RefusedError(Refusal.RESET_NO_STOP)
        if event_id != self.latch.event_id:
            raise RefusedError(Refusal.RESET_OTHER_STOP)
        if sent < self._stood:
            raise RefusedError(Refusal.RESET_OVERTAKEN)
        if self._latched and (why := self._board.why_no_reset()) is not None:
            raise RefusedError(why)
        return self.latch.after_reset()

    def plan_resume(self, sent: float, at: Moment) -> Latch:
        """The latch after the resume; save it, then `adopt` it. Raises RefusedError."""
        if not at.accepts(sent, RESET_S):
            raise RefusedError(Refusal.RESUME_LATE)
        if sent < self._stood:
            raise RefusedError(Refusal.RESUME_OVERTAKEN)
        try:
            return self.latch.after_resume()
        except InvalidTransitionError as error:
            raise RefusedError(Refusal.RESET_FIRST) from error

    def adopt(self, latch: Latch, who: str, at: Moment) -> None:
        """Take a planned latch, which is on disk now."""
        if latch == self.latch:
            return
        kind = "RESET" if latch.state is LatchState.RESET else "RESUME"
        self._record(kind, at, who=who, duration_s=_since(self.latch.since, at))
        self.latch = latch
        self._stand(at)
        if kind == "RESET":
            self._board.clear()
            self._holds.forget_counts()

    # What the board says

    def link(self, up: bool) -> None:
        """The board's session began or ended."""
        self._board.link(up)

    def board_said(self, message: FromBoard, at: Moment) -> None:
        """A message of the open session."""
        alarm = self._board.said(message, at, latched=self._latched)
        if alarm is not None and not self._latched:
            self.stop(alarm.source, alarm.who, alarm.words, at)

    # What follows

    def tick(self, at: Moment) -> Decision:
        """Decide. The time since the last tick is the step of the ramps."""
        dt_s, self._ticked = at.mono - self._ticked, at.mono
        if not 0.0 <= dt_s <= LONGEST_STEP_S:
            # This process itself was frozen or starved: nothing from before counts.
            self.counters["stalls"] += 1
            self._command = None
        self._update_holds(at)
        linear, angular = self._allowed(dt_s, at)
        if linear or angular:
            self._board.drove(at)
            self._has_run = True
        clear = None if self._latched else self._board.clearing()
        return Decision(linear, angular, self._latched, clear)

    @property
    def _latched(self) -> bool:
        return self.latch.state is LatchState.LATCHED

    def state(self, at: Moment, more_counters: Mapping[str, int] | None = None) -> GateState:
        """All of it, for whoever watches."""
        latch, board = self.latch, self._board
        return GateState(
            state=motion_state(latch.state, held=bool(self._holds.began)),
            event_id=latch.event_id,
            causes=self._causes(at),
            source=latch.source,
            reason=latch.reason if latch.event_id else None,
            who=latch.who if latch.event_id else None,
            since=latch.since,
            link="ok" if board.link_up else "lost",
            odometry=board.pose,
            battery=board.battery,
            tray_grams=board.tray.grams if board.tray else None,
            bumper=Inputs.BUMPER in board.active,
            button=Inputs.BUTTON in board.active,
            counters={**self.counters, **(more_counters or {})},
        )

    def face(self) -> tuple[object, ...]:
        """Changes whenever watchers should be told at once."""
        return self.latch, tuple(self._holds.began), self._board.active, self._board.link_up

    def _allowed(self, dt_s: float, at: Moment) -> tuple[float, float]:
        command = self._command
        standing = self.latch.state is not LatchState.CLEAR or bool(self._holds.began)
        if standing or command is None or at.mono - command.sent > COMMAND_S:
            self._limiter.stop()
            return 0.0, 0.0
        return self._limiter.step(command.linear_m_s, command.angular_rad_s, dt_s)

    def _stand(self, at: Moment) -> None:
        """What was commanded until now counts no more; only what is sent after it."""
        self._command, self._stood = None, at.mono
        self._limiter.stop()

    def _update_holds(self, at: Moment) -> None:
        causes = self._board.holds(latched=self._latched) + self._heartbeats.silent(at)
        if self._holds.announces(causes, at):
            causes.append(StopCause.ANNOUNCING)
        for cause, began in self._holds.end_all_but(causes).items():
            self._record("RELEASE", at, cause=cause, duration_s=round(at.mono - began.mono, 3))
        for cause in causes:
            if self._holds.begin(cause, at):
                self._begin_hold(cause, at)

    def _begin_hold(self, cause: StopCause, at: Moment) -> None:
        """Trouble that comes back again and again wants a person. Starting up is none, so only a
        robot that ran counts; `times` is 0 for what does not."""
        counts = self._has_run and self.latch.state is LatchState.CLEAR
        counts = counts and cause is not StopCause.ANNOUNCING
        times = self._holds.count(cause, at) if counts else 0
        self._record("HOLD", at, cause=cause, times=times)
        if 0 < self._holds_to_latch <= times:
            self.stop(
                StopSource.REPEATED_HOLD,
                "gate",
                f"{cause} {times} times within ten minutes",
                at,
            )

    def _causes(self, at: Moment) -> tuple[Cause, ...]:
        latch = self.latch
        causes: dict[StopCause, float] = {}
        if self._latched and latch.source is not None:
            causes[cause_of(latch.source)] = at.wall if latch.since is None else latch.since
        for source, since in self._board.active_since.items():
            causes.setdefault(cause_of(source), since)
        if latch.state is LatchState.RESET:
            causes[StopCause.AWAITING_RESUME] = at.wall if latch.since is None else latch.since
        for cause, began in self._holds.began.items():
            causes[cause] = began.wall
        return tuple(Cause(name, since) for name, since in causes.items())

    def _record(self, kind: str, at: Moment, **facts: object) -> None:
        self.records.append(
            {
                "id": self._new_id(at.wall),
                "kind": kind,
                "event_id": self.latch.event_id,
                "at": at.wall,
                **facts,
            }
        )


def _since(since: float | None, at: Moment) -> float | None:
    return None if since is None else round(at.wall - since, 3)
