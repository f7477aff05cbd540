"""Judges what the gate writes on the line by what it was told: the invariants I1 to I9, on every frame.

    I1  moving, so no stop is latched or awaits its resume
    I2  moving, so a command is at most 150 ms old
    I3  moving, so every watched process was heard within 300 ms
    I4  speed, turn and acceleration within the caps
    I5  only a reset with the stop's own id ends it: until then STOP goes on, and there is no CLEAR
    I6  the first motion after a stop has a command that is younger than the stop
    I7  the sequence rises within a session, no session comes again, and each begins at standing
    I8  after a stop the next word to the board is STOP
    I9  after the link was lost the board hears HELLO alone, until its WELCOME

It knows the protocol's page and nothing of the product. It keeps no history, so it can watch a million cycles.
"""

from collections import Counter, deque
from dataclasses import dataclass

from tests.support.wire_format import (
    CLEAR,
    HELLO,
    LATCH_STOP,
    LEAVING_STOP,
    MOTION,
    STOP,
    WELCOME,
    WireFrame,
    WireReader,
)

COMMAND_S, HEARTBEAT_S = 0.15, 0.3
LONGEST_GAP_S = 0.35
"""Time between two MOTION over which a velocity may have grown: a line that takes nothing for 300 ms is lost, and
after a longer silence motion begins at zero."""
STEP = 1
"""mm/s or mrad/s: a velocity is cut to whole ones, so a difference may show one more."""
KEPT = 20


@dataclass(frozen=True)
class Caps:
    """m/s, rad/s, m/s², rad/s²."""

    speed: float
    turn: float
    acceleration: float
    turn_acceleration: float


class Trace:
    """Tell it everything in the order in which it happened. All times are s of one clock.

    `breaches` holds the first few violations in words, `counts` how many there were of each.
    """

    def __init__(
        self, caps: Caps, *, by_stamp: bool = True, watched: tuple[str, ...] = ("ros", "supervisor")
    ) -> None:
        """`by_stamp`: a frame was decided when its header says, as seen by a reader in another process; False: when
        it is told here. A stamp is cut to ms, so a frame stamped after an event surely came after it."""
        self.breaches: list[str] = []
        self.counts: Counter[str] = Counter()
        self.frames = self.moving = self.stops = 0
        self._caps = caps
        self._by_stamp = by_stamp
        self._read, self._heard = WireReader(), WireReader()
        self._command = float("-inf")
        self._alive = dict.fromkeys(watched, float("-inf"))
        self._event: str | None = None
        self._latched = self._standing = self._stop_due = False
        self._stopped_at = self._lost_at = float("-inf")
        self._session: int | None = None
        self._offered: set[int] = set()
        self._past: deque[int] = deque(maxlen=1000)
        self._sequence = 0
        self._drove = (0.0, 0, 0)
        self._stop_written = False

    # What the gate is told

    def command(self, sent: float) -> None:
        """A velocity that is a pair of numbers was offered, stamped `sent`."""
        self._command = max(self._command, sent)

    def heartbeat(self, process: str, sent: float) -> None:
        self._alive[process] = max(self._alive[process], sent)

    def stop(self, event_id: str, now: float) -> None:
        """The gate took, or confirmed, a stop."""
        if not self._latched:
            self._event, self._stopped_at = event_id, now
            self._stop_due, self._stop_written = True, False
            self.stops += 1
        self._latched = self._standing = True

    def reset(self, event_id: str, now: float) -> None:
        """The gate took a reset."""
        if event_id != self._event:
            self._breach("I5", f"{event_id} reset {self._event}", now)
        self._latched = self._stop_due = False

    def resume(self, now: float) -> None:
        """The gate took a resume."""
        if self._latched:
            self._breach("I6", "a resume before the reset", now)
        self._standing = False

    def link_lost(self, now: float) -> None:
        """The gate knows that the line is gone."""
        self._leave_session()
        self._offered.clear()
        self._lost_at = now

    def gate_started(self, now: float) -> None:
        """Another process writes from now on, and has been told nothing."""
        self._read = WireReader()
        self._command = float("-inf")
        self._alive = dict.fromkeys(self._alive, float("-inf"))
        self.link_lost(now)

    # What goes over the line

    def board_wrote(self, data: bytes) -> None:
        """To the gate. A WELCOME offers a session, which the gate may take or leave."""
        self._offered |= {
            frame.session for frame in self._heard.feed(data) if frame.type == WELCOME
        }

    def gate_wrote(self, data: bytes, now: float) -> list[WireFrame]:
        """To the board; `now` is when it was read. Gives the frames that it completed."""
        frames = self._read.feed(data)
        for frame in frames:
            self.frames += 1
            at = int(now * 1e3) / 1e3 - frame.age_s(now) if self._by_stamp else now
            self._judge(frame, at)
        if self._read.broken:
            self._breach("format", "bytes that are no frame", now)
            self._read.broken = 0
        return frames

    # The judgement

    def _judge(self, frame: WireFrame, at: float) -> None:
        if frame.type == HELLO:
            return
        self._judge_session(frame, at)
        if frame.type == STOP:
            self._stop_written = True
            if frame.payload[0] == LATCH_STOP:
                self._stop_due = False
            elif frame.payload[0] != LEAVING_STOP:
                self._breach("format", f"{frame}", at)
            return
        after_stop = self._latched and at >= self._stopped_at
        if after_stop and self._stop_due:
            self._breach("I8", f"{frame} before any STOP", at)
        if frame.type == CLEAR and after_stop:
            self._breach("I5", "CLEAR of a stop that nobody reset", at)
        if frame.type == MOTION:
            if after_stop and not self._stop_written:
                self._breach("I5", "no STOP beside the zero of a latched stop", at)
            self._stop_written = False
            self._judge_motion(*frame.motion(), at)

    def _judge_session(self, frame: WireFrame, at: float) -> None:
        if frame.session != self._session:
            if frame.session not in self._offered:
                if at >= self._lost_at:
                    self._breach("I9", f"{frame} in no session that is open", at)
                return
            self._leave_session()
            self._session = frame.session
            if frame.session in self._past:
                self._breach("I7", f"session {frame.session} came again", at)
        if frame.sequence <= self._sequence:
            self._breach("I7", f"sequence {frame.sequence} after {self._sequence}", at)
        self._sequence = frame.sequence

    def _judge_motion(self, v: int, w: int, at: float) -> None:
        then, old_v, old_w = self._drove
        self._drove = (at, v, w)
        if not (v or w):
            return
        self.moving += 1
        if self._standing and at >= self._stopped_at:
            self._breach("I1", f"{v} mm/s, {w} mrad/s under stop {self._event}", at)
        if at - self._command > COMMAND_S:
            self._breach("I2", f"the command is {at - self._command:.3f} s old", at)
        if self._command < self._stopped_at <= at:
            self._breach("I6", "by a command from before the stop", at)
        for process, heard in self._alive.items():
            if at - heard > HEARTBEAT_S:
                self._breach("I3", f"{process} was silent for {at - heard:.3f} s", at)
        # A stamp is cut to the ms, so two of them may lie one ms closer than the decisions.
        dt_s = min(at - then, LONGEST_GAP_S) + (1e-3 if self._by_stamp else 0.0)
        caps = self._caps
        self._judge_step(v, old_v, caps.speed, caps.acceleration * dt_s, at)
        self._judge_step(w, old_w, caps.turn, caps.turn_acceleration * dt_s, at)

    def _judge_step(self, value: int, before: int, cap: float, faster: float, at: float) -> None:
        """Velocities in thousandths, `cap` and `faster` in whole units."""
        if abs(value) > round(cap * 1e3, 6):
            self._breach("I4", f"{value} is over the cap of {cap}", at)
        start = abs(before) if (value > 0) == (before > 0) else 0
        if abs(value) - start > faster * 1e3 + STEP:
            self._breach("I4", f"from {before} to {value} at once", at)

    def _leave_session(self) -> None:
        """The next one begins at standing, and counts anew."""
        if self._session is not None:
            self._past.append(self._session)
        self._session, self._sequence = None, 0
        self._drove = (self._drove[0], 0, 0)

    def _breach(self, which: str, words: str, at: float) -> None:
        self.counts[which] += 1
        if len(self.breaches) < KEPT:
            self.breaches.append(f"{which} at {at:.3f}: {words}")
