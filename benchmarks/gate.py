"""A real gate process to measure, with a simulated board behind its port, and all alive that it watches."""

import contextlib
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_bridge.simulator import SimulatedBoard
from firmware_bridge.sockets import MotionLink, StateWatcher

START_S = 15.0
TICK_S = 0.02
BEAT_TICKS = 5
"""A heartbeat each 100 ms."""
LIMITS = (
    *("--max-speed", "0.31", "--max-turn", "1.5"),
    *("--max-acceleration", "0.5", "--max-turn-acceleration", "2.0"),
)


class RunningGate:
    """Made by `running_gate`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._board = SimulatedBoard(data_dir / "run" / "board", seed=1)
        self._motion = MotionLink(data_dir / "run")
        self._driving = False
        self._state = ""
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._board.run, args=(self._ended,)),
            threading.Thread(target=self._live),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Raises RuntimeError where the robot could not drive soon."""
        for thread in self._threads:
            thread.start()
        where = ("--data-dir", str(self._data_dir), "--port", str(self._data_dir / "run" / "board"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmware_bridge.gate", *where, *LIMITS],
            stderr=subprocess.DEVNULL,
        )
        _await(lambda: self._state == "RUNNING", "the gate is RUNNING")

    def drive(self) -> None:
        """Command 0.3 m/s from now on. Raises RuntimeError where the wheels do not turn."""
        _await(self._motion.connect, "the motion socket is ours")
        self._driving = True
        _await(lambda: self._board.commanded()[0] > 0.29, "the wheels turn")

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._motion.close()
        self._board.close()

    def _live(self) -> None:
        """The base node, the supervisor, whoever watches, and the wheels."""
        with contextlib.closing(StateWatcher(self._data_dir / "run")) as watcher:
            for tick in itertools.count():
                if self._ended.wait(TICK_S):
                    return
                if tick % BEAT_TICKS == 0 and not _beat(watcher):
                    watcher.connect()
                state = watcher.receive()
                self._state = self._state if state is None else state.state
                if self._driving:
                    self._motion.send(0.3, 0.0)
                    self._motion.receive()
                v, w = self._board.commanded()
                self._board.set_odometry(0.0, 0.0, 0.0, v, w)


@contextlib.contextmanager
def running_gate(data_dir: Path) -> Iterator[RunningGate]:
    """A gate that is ready to drive. Raises RuntimeError where it does not come to that."""
    gate = RunningGate(data_dir)
    try:
        gate.start()
        yield gate
    finally:
        gate.end()


def _beat(watcher: StateWatcher) -> bool:
    return watcher.heartbeat("ros") and watcher.heartbeat("supervisor")


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {START_S:g} s in vain: {what}")
        time.sleep(TICK_S)
