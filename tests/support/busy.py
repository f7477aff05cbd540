"""Every core loaded by processes that want it as much as ours do, and what that does to one that hardly wants it."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

_SPIN = """
import os
while os.getppid() == {parent}:
    for _ in range(100_000):
        pass
"""

_ECHO = """
import contextlib, os, socket
with contextlib.suppress(OSError):
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
line = socket.socket(fileno={fd})
while line.send(line.recv(1)):
    pass
"""


@contextlib.contextmanager
def all_cores_busy(each: int = 1) -> Iterator[None]:
    """`each` endless loops a core, of our own niceness; they end with the block, or with us.

    Each in a session of its own, as the supervisor starts its processes: Linux shares the cores by sessions.
    """
    script = _SPIN.format(parent=os.getpid())
    spinning = [
        subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
        for _ in range(each * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
        for process in spinning:
            process.wait()


@contextlib.contextmanager
def reads_first() -> Iterator[None]:
    """A clock must not wait for what it measures: before everything else, where the system lets us."""
    before = os.sched_getscheduler(0)
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(11))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


class Echo:
    """A process of the gate's priority that gives a byte back: what it takes for that, any process takes on this
    machine now."""

    def __init__(self) -> None:
        self._line, far = socket.socketpair()
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _ECHO.format(fd=far.fileno())],
                pass_fds=[far.fileno()],
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.round_trip()  # it is up

    def round_trip(self) -> float:
        """There and back, in s."""
        began = time.monotonic()
        self._line.send(b".")
        self._line.recv(1)
        return time.monotonic() - began

    def close(self) -> None:
        self._line.close()
        self._process.wait()
