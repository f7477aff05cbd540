"""One child process: hearing from it, and that it never outlives us."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.supervisor.process import LOG_BYTES, Child
from edge.supervisor.roster import Death, Program

Start = Callable[..., Child]
DEADLINE_S = 20.0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program given as source, and ends it with the test."""
    children = []

    def start_one(source: str, **rules: float) -> Child:
        (tmp_path / "prog.py").write_text(textwrap.dedent(source))
        program = Program("prog", "prog", ("{data_dir}",), Death.STOPS, "", **rules)  # type: ignore[arg-type]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        child = Child(program, {"data_dir": str(tmp_path)}, environment, tmp_path / "logs")
        children.append(child)
        child.start(time.monotonic())
        return child

    yield start_one
    for child in children:
        child.close()


def _ended(child: Child) -> int | None:
    """The exit code of a child that ends by itself."""
    deadline = time.monotonic() + DEADLINE_S
    while child.pid is not None and time.monotonic() < deadline:
        if (code := child.poll()) is not None:
            return code
        select.select([], [], [], 0.01)
    return None


def _heard(child: Child, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        left = deadline - time.monotonic()
        assert left > 0, child.log.read_text()
        select.select([child], [], [], left)
        child.listen(time.monotonic())


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # dead, and its new parent has not looked yet
            return True
        select.select([], [], [], 0.01)
    return False


READY = "from edge import ipc; import time; ipc.notify('READY=1\\nSTATUS=at work')\n"


def test_a_child_that_says_ready_is_ready(start: Start) -> None:
    child = start(READY + "time.sleep(60)")
    assert not child.ready
    _heard(child, lambda: child.ready)
    assert child.status == "at work"


def test_a_child_that_died_is_not_ready_any_more(start: Start) -> None:
    child = start(READY + "time.sleep(0.2); raise SystemExit(3)")
    _heard(child, lambda: child.ready)
    assert _ended(child) == 3
    assert not child.ready and child.pid is None


def test_what_it_writes_is_in_its_log(start: Start) -> None:
    child = start("import sys; print('out'); print('err', file=sys.stderr)")
    _ended(child)
    assert sorted(child.log.read_text().split()) == ["err", "out"]


def test_a_log_too_large_is_put_aside_at_the_next_start(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "prog.log"
    log.parent.mkdir()
    with log.open("wb") as file:
        file.truncate(LOG_BYTES + 1)
    _ended(start("print('new')"))
    assert log.read_text() == "new\n"
    assert log.with_name("prog.log.1").stat().st_size == LOG_BYTES + 1


def test_a_silent_main_loop_counts_as_hung_only_after_its_time(start: Start) -> None:
    child = start(READY + "time.sleep(60)", silence_s=5.0, start_s=7.0)
    started = child.started_at
    assert not child.hung(started + 6.9)
    assert child.hung(started + 7.1)
    _heard(child, lambda: child.ready)
    assert not child.hung(child.heard_at + 4.9)
    assert child.hung(child.heard_at + 5.1)


def test_a_process_that_ignores_sigterm_is_killed_with_all_it_started(start: Start) -> None:
    child = start(
        """
        import signal, subprocess
        from edge import ipc
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        other = subprocess.Popen(["sleep", "60"])
        ipc.notify(f"STATUS={other.pid}")
        other.wait()
        """
    )
    _heard(child, lambda: bool(child.status))
    child.terminate()
    child.kill()
    assert _ended(child) == -signal.SIGKILL
    assert _gone(int(child.status))


def test_what_a_dead_process_left_running_goes_with_it(start: Start) -> None:
    child = start(
        """
        import subprocess
        from edge import ipc
        ipc.notify(f"STATUS={subprocess.Popen(['sleep', '60']).pid}")
        """
    )
    assert _ended(child) == 0
    child.listen(time.monotonic())
    assert _gone(int(child.status))


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text("import time; time.sleep(60)")
    program = textwrap.dedent(
        f"""
        import os, pathlib, time
        from edge.supervisor.process import Child
        from edge.supervisor.roster import Death, Program
        logs = pathlib.Path({str(tmp_path)!r})
        environment = {{**os.environ, "PYTHONPATH": str(logs)}}
        child = Child(Program("prog", "prog", (), Death.STOPS, ""), {{}}, environment, logs)
        child.start(0)
        print(child.pid, flush=True)
        time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    assert _gone(pid)
