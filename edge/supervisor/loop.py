"""The supervisor's loop: which processes there should be, against which there are."""

import contextlib
import json
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.domain.errors import SetupError
from edge.supervisor.heart import PERIOD_S, Heart
from edge.supervisor.process import Child
from edge.supervisor.roster import Program

END_S = 2.0
"""From SIGTERM to kill -9 for a process that does not end. Two rounds of it stay below 5 s."""
ABORT_S = 0.5
"""What a hung process gets to write down where it hangs; a frozen one can't."""
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Seat:
    """A child, and what the loop remembers about it."""

    child: Child
    deaths: int = 0
    """In a row, without a steady time between them."""
    was_ready: bool = False
    start_at: float = 0.0
    kill_at: float | None = None
    away_since: float | None = None
    told: str = ""
    """Its status, as people last heard it."""


class Supervisor:
    """Runs `programs` until SIGINT or SIGTERM.

    `on_ready` is called once, when all are ready for the first time; `tell` gets a line for people
    about whatever happens to a process after that.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        facts: Mapping[str, str],
        environment: Mapping[str, str],
        data_dir: Path,
        on_ready: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        logs = data_dir / "logs"
        self._seats = [_Seat(Child(one, facts, environment, logs)) for one in programs]
        self._heart = Heart(data_dir / "run")
        self._on_ready = on_ready
        self._tell = tell
        self._all_were_ready = False
        self._ending_since: float | None = None
        self._failure: SetupError | None = None
        self._next_beat = 0.0

    def run(self) -> None:
        """Returns when all processes have ended. Raises SetupError where one never comes up."""
        with self._events() as selector:
            try:
                while self._ending_since is None or any(seat.child.pid for seat in self._seats):
                    self._step(selector)
            finally:
                for seat in self._seats:
                    seat.child.close()
                self._heart.close()
        if self._failure is not None:
            raise self._failure

    @contextlib.contextmanager
    def _events(self) -> Iterator[selectors.BaseSelector]:
        """A selector that wakes up for what children say, their deaths, and signals to us."""
        wake, waker = socket.socketpair()
        wake.setblocking(False)
        waker.setblocking(False)
        before = {number: signal.signal(number, self._end_on) for number in ENDING_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        old_waker = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector, wake, waker:
            selector.register(wake, selectors.EVENT_READ, None)
            for seat in self._seats:
                selector.register(seat.child.fileno(), selectors.EVENT_READ, seat.child)
            try:
                yield selector
            finally:
                signal.set_wakeup_fd(old_waker)
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _end_on(self, *_: object) -> None:
        """A first signal asks all to end; a second one is impatient."""
        if self._ending_since is None:
            self._end()
        else:
            for seat in self._seats:
                seat.child.kill()

    def _end(self) -> None:
        self._ending_since = time.monotonic()

    def _step(self, selector: selectors.BaseSelector) -> None:
        # What was said while we were away (or stopped) is heard before silence is judged.
        for key, _ in selector.select(self._timeout()):
            if isinstance(key.data, Child):
                key.data.listen(time.monotonic())
            elif isinstance(key.fileobj, socket.socket):
                key.fileobj.recv(4096)
        now = time.monotonic()
        if now >= self._next_beat:
            self._heart.beat()
            self._next_beat = now + PERIOD_S
        for seat in self._seats:
            self._tend(seat, now)
        if not self._all_were_ready and all(seat.was_ready for seat in self._seats):
            self._all_were_ready = True
            self._on_ready()

    def _timeout(self) -> float:
        """Until the next heartbeat: every other deadline is coarser than that."""
        return max(0.0, self._next_beat - time.monotonic())

    def _tend(self, seat: _Seat, now: float) -> None:
        """Bring one process nearer to how it should be."""
        child = seat.child
        if (code := child.poll()) is not None:
            seat.kill_at = None
            if self._ending_since is None:
                self._died(seat, code, now)
        if child.pid is None:
            if self._may_start(seat, now):
                child.start(now)
        elif self._ending_since is not None:
            self._see_out(seat, now)
        elif seat.kill_at is not None:
            if now >= seat.kill_at:
                child.kill()
        elif child.hung(now):
            self._tell(f"{child.program.name} gives no sign of life and is killed")
            child.abort()
            seat.kill_at = now + ABORT_S
        elif child.ready:
            self._arrived(seat, now)

    def _may_start(self, seat: _Seat, now: float) -> bool:
        if self._ending_since is not None or now < seat.start_at:
            return False
        ready = {one.child.program.name for one in self._seats if one.child.ready}
        return ready.issuperset(seat.child.program.needs)

    def _arrived(self, seat: _Seat, now: float) -> None:
        seat.was_ready = True
        if seat.child.program.tells and seat.child.status not in ("", seat.told):
            seat.told = seat.child.status
            self._tell(f"{seat.child.program.name}: {seat.told}")
        if seat.away_since is not None:
            self._tell(f"{seat.child.program.name} is back after {now - seat.away_since:.1f} s")
            seat.away_since = None
        if now - seat.child.started_at > seat.child.program.restart.steady_after_s:
            seat.deaths = 0

    def _died(self, seat: _Seat, code: int, now: float) -> None:
        program = seat.child.program
        seat.deaths += 1
        if not seat.was_ready and seat.deaths >= program.restart.attempts_to_start:
            self._give_up(seat, code)
            return
        delay_s = program.restart.delay_s(seat.deaths)
        seat.start_at = now + delay_s
        if seat.was_ready:
            seat.away_since = seat.away_since or now
            when = f"in {delay_s:g} s" if delay_s else "at once"
            self._tell(
                f"{program.name} died ({_in_words(code)}): {program.without} until it is back;"
                f" starting it again {when}"
            )

    def _give_up(self, seat: _Seat, code: int) -> None:
        said = last_words(seat.child.log)
        what = f"{seat.child.program.name} does not start ({_in_words(code)})"
        self._failure = SetupError(
            f"{what}: {said}" if said else f"{what}.", hint=f"Its log is {seat.child.log}."
        )
        self._end()

    def _see_out(self, seat: _Seat, now: float) -> None:
        """Ask it to end once its turn has come; kill it when it takes too long."""
        if seat.kill_at is None:
            others = (one for one in self._seats if not one.child.program.ends_last)
            if not seat.child.program.ends_last or not any(one.child.pid for one in others):
                seat.child.terminate()
                seat.kill_at = now + END_S
        elif now >= seat.kill_at:
            seat.child.kill()


def _in_words(code: int) -> str:
    """How a process ended: its exit code, or the signal (a negative code) that ended it."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def last_words(log: Path, *, tail_bytes: int = 4096) -> str:
    """The last line of a log, in plain text; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - tail_bytes))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict):
        return line
    reason = str(event.get("exception", "")).strip().rsplit("\n", 1)[-1]
    return " ".join(part for part in (str(event.get("event", "")), reason) if part)
