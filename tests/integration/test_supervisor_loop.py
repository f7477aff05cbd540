"""The supervisor with real processes: restarts, hung ones, giving up, and the end within its time."""

import os
import select
import signal
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from edge.domain.errors import SetupError
from edge.supervisor import loop
from edge.supervisor.loop import Supervisor
from edge.supervisor.roster import Death, Program, Restart

WORKER = """
    import os, signal, sys, time
    from edge import ipc
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1], "a") as file:
        print(os.getpid(), file=file)
    ipc.notify("READY=1")
    while True:
        ipc.notify("WATCHDOG=1")
        time.sleep(0.05)
"""


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Desk:
    """A supervisor of programs given as source, and what it told."""

    path: Path
    told: list[str] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    on_ready: Callable[[], None] = _end
    on_word: Callable[[str], None] = lambda line: None

    def add(self, name: str, source: str = WORKER, **rules: object) -> None:
        (self.path / f"prog_{name}.py").write_text(textwrap.dedent(source))
        arguments = (f"{{data_dir}}/{name}.pids",)
        program = Program(name, f"prog_{name}", arguments, Death.STOPS, "the robot stands")
        self.programs.append(replace(program, **rules))  # type: ignore[arg-type]

    def run(self) -> float:
        """Seconds from the first signal to the end."""
        (self.path / "run").mkdir(exist_ok=True)
        Supervisor(
            self.programs,
            facts={"data_dir": str(self.path)},
            environment={**os.environ, "PYTHONPATH": str(self.path)},
            data_dir=self.path,
            on_ready=self._ready,
            tell=self._tell,
        ).run()
        return time.monotonic() - self._asked_at

    def pids(self, name: str) -> list[int]:
        return [int(line) for line in (self.path / f"{name}.pids").read_text().split()]

    def _ready(self) -> None:
        self._asked_at = time.monotonic()
        self.on_ready()

    def _tell(self, line: str) -> None:
        self.told.append(line)
        self._asked_at = time.monotonic()
        self.on_word(line)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Nobody is killed for being slow; how long it would take, s."""
    monkeypatch.setattr(loop, "END_S", 30.0)
    monkeypatch.setattr(loop, "ABORT_S", 30.0)
    return 30.0


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_when_all_are_ready_it_says_so_and_a_signal_ends_all(desk: Desk, patient: float) -> None:
    desk.add("one")
    desk.add("two")
    assert desk.run() < patient
    assert not any(_alive(pid) for name in ("one", "two") for pid in desk.pids(name))
    assert desk.told == []


def test_a_process_waits_for_what_it_needs(desk: Desk) -> None:
    desk.add("late", needs=("first",))
    desk.add("first")
    desk.run()
    written = [(desk.path / f"{name}.pids").stat().st_mtime_ns for name in ("first", "late")]
    assert written == sorted(written)


def test_a_killed_process_is_started_again_at_once(desk: Desk) -> None:
    desk.add("one")
    desk.on_ready = lambda: os.kill(desk.pids("one")[0], signal.SIGKILL)
    desk.on_word = lambda line: _end() if "is back after" in line else None
    desk.run()
    assert len(desk.pids("one")) == 2
    assert "died (signal SIGKILL): the robot stands until it is back" in desk.told[0]
    assert "at once" in desk.told[0]
    assert "one is back after" in desk.told[1]


def test_what_a_process_says_of_its_status_is_told_when_it_changes(desk: Desk) -> None:
    talks = WORKER.replace("time.sleep", "ipc.notify('STATUS=half way'); time.sleep")
    desk.add("one", talks, tells=True)
    desk.add("two", talks)
    desk.on_ready = lambda: None
    desk.on_word = lambda line: _end()
    desk.run()
    assert desk.told == ["one: half way"]


def test_a_frozen_process_is_killed_and_started_again(desk: Desk) -> None:
    desk.add("one", silence_s=0.5)
    desk.on_ready = lambda: os.kill(desk.pids("one")[0], signal.SIGSTOP)
    desk.on_word = lambda line: _end() if "is back after" in line else None
    desk.run()
    assert desk.told[0] == "one gives no sign of life and is killed"
    assert len(desk.pids("one")) == 2


@pytest.mark.usefixtures("patient")
def test_a_hung_process_leaves_in_its_log_where_it_hung(desk: Desk) -> None:
    endless = "def round_and_round():\n        while True: pass\n    "
    first = "if os.path.getsize(sys.argv[1]) < 9: round_and_round()\n    "
    hangs = WORKER.replace("while True:", f"{endless}{first}while True:")
    desk.add("one", hangs, silence_s=0.5, environment={"PYTHONFAULTHANDLER": "1"})
    desk.on_ready = lambda: None
    desk.on_word = lambda line: _end() if "is back after" in line else None
    desk.run()
    assert "died (signal SIGABRT)" in desk.told[1]
    assert "in round_and_round" in (desk.path / "logs" / "one.log").read_text()


def test_a_process_that_never_comes_up_ends_all_with_the_name_of_its_log(desk: Desk) -> None:
    rule = Restart(backoff_s=0.01, attempts_to_start=3)
    desk.add("good")
    desk.add("bad", "import sys; sys.exit('the port is taken')", restart=rule)
    with pytest.raises(SetupError, match="bad does not start") as raised:
        desk.run()
    assert "the port is taken" in str(raised.value)
    assert str(desk.path / "logs" / "bad.log") in str(raised.value)
    assert (desk.path / "logs" / "bad.log").read_text().count("the port is taken") == 3
    assert not any(_alive(pid) for pid in desk.pids("good"))


def test_a_process_that_was_ready_once_is_never_given_up(desk: Desk) -> None:
    rule = Restart(backoff_s=0.01, longest_s=0.05, attempts_to_start=2)
    dies = WORKER.replace(
        "ipc.notify", "open(sys.argv[1]).read().count('\\n') > 1 and sys.exit(1); ipc.notify", 1
    )
    desk.add("one", dies, restart=rule)
    desk.on_ready = lambda: os.kill(desk.pids("one")[0], signal.SIGKILL)
    desk.on_word = lambda line: _end() if len(desk.told) > 6 else None
    desk.run()
    assert len(desk.pids("one")) > 5


def test_one_that_ignores_sigterm_is_killed_in_time(desk: Desk) -> None:
    deaf = WORKER.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    desk.add("deaf", deaf)
    desk.add("last", deaf, ends_last=True)
    # On a busy machine; of the two, the last one waits for the other.
    assert desk.run() < 2 * loop.END_S + 10
    assert not any(_alive(pid) for name in ("deaf", "last") for pid in desk.pids(name))


def test_a_second_signal_ends_all_at_once(desk: Desk, patient: float) -> None:
    desk.add("deaf", WORKER.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN"))

    def twice() -> None:
        _end()
        select.select([], [], [], 0.01)
        _end()

    desk.on_ready = twice
    assert desk.run() < patient


def test_the_last_ones_end_after_all_others(desk: Desk) -> None:
    note = "open(sys.argv[1] + '.end', 'w').close()"
    slow = WORKER.replace(
        "lambda *_: sys.exit(0)", f"lambda *_: (time.sleep(0.3), {note}, sys.exit(0))"
    )
    desk.add("last", WORKER.replace("lambda *_:", f"lambda *_: {note} or"), ends_last=True)
    desk.add("slow", slow)
    desk.run()
    ends = [(desk.path / f"{name}.pids.end").stat().st_mtime_ns for name in ("slow", "last")]
    assert ends == sorted(ends)


def test_signal_handlers_are_as_before_when_it_has_ended(desk: Desk) -> None:
    before = [
        signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
    ]
    desk.add("one")
    desk.run()
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    assert after == before
