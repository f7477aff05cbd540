"""The gate's process, a simulated board on a real pty, and a thread that plays whom the gate watches."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from firmware_bridge.simulator import SimulatedBoard
from firmware_bridge.sockets import GateState, MotionLink, StateWatcher

START_S = 15.0
PATIENCE_S = 10.0
"""For what has no deadline of its own; long, because the machine may be busy."""
BEAT_S = 0.02
LIMITS = (
    *("--max-speed", "0.31", "--max-turn", "1.5"),
    *("--max-acceleration", "0.5", "--max-turn-acceleration", "2.0"),
)
"""What this gate may do at most."""


def until(condition: Callable[[], object], what: str, *, within_s: float = PATIENCE_S) -> float:
    """Wait for `condition`; gives how long it took, in s. Fails, saying `what`, after `within_s`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not within {within_s} s: {what}")
        time.sleep(0.001)
    return time.monotonic() - began


class Bench:
    """A gate with its board, and the life around them, which a test takes away piece by piece.

    `beating`: the processes whose heartbeat is sent. `command`: the velocity sent at 50 Hz, or None.
    """

    def __init__(self, data_dir: Path, program: str = "firmware_bridge.gate") -> None:
        self.data_dir = data_dir
        self._program = program
        self.run_dir = data_dir / "run"
        self.beating = {"ros", "supervisor"}
        self.command: tuple[float, float] | None = None
        self.gate: subprocess.Popen[bytes] | None = None
        self.board = SimulatedBoard(self.run_dir / "board", seed=1)
        self.motion = MotionLink(self.run_dir)
        self._beats = StateWatcher(self.run_dir)
        self._watcher = StateWatcher(self.run_dir)
        self._newest: GateState | None = None
        self._at_motion = threading.Lock()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self.board.run, args=(self._ended,)),
            threading.Thread(target=self._live),
        ]

    def start_gate(self) -> None:
        """Start the process and wait until its sockets listen."""
        self.gate = subprocess.Popen(
            [
                *(sys.executable, "-m", self._program, "--data-dir", str(self.data_dir)),
                *("--port", str(self.run_dir / "board"), "--holds-to-latch", "0", *LIMITS),
            ],
            stderr=subprocess.DEVNULL,
        )
        self._newest = None
        until(self._watcher.connect, "the gate listens", within_s=START_S)

    def kill_gate(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.gate is not None
        self.gate.kill()
        self.gate.wait()

    def end_gate(self) -> int:
        """SIGTERM; gives the exit code."""
        assert self.gate is not None
        self.gate.terminate()
        return self.gate.wait(PATIENCE_S)

    def state(self) -> GateState | None:
        """The newest that the gate told, or None when this gate has told nothing yet."""
        self._newest = self._watcher.receive() or self._newest
        return self._newest

    def until_state(self, name: str) -> GateState:
        """Wait until the gate says that it is in state `name`."""
        until(
            lambda: (now := self.state()) is not None and now.state == name, f"the gate is {name}"
        )
        assert self._newest is not None
        return self._newest

    def until_held_by(self, cause: str) -> GateState:
        """Wait until nothing but `cause` holds the robot; a busy machine may add others for a while."""

        def held() -> bool:
            now = self.state()
            return now is not None and [one.name for one in now.causes] == [cause]

        until(held, f"{cause} holds the robot")
        assert self._newest is not None and self._newest.state == "HOLD"
        return self._newest

    def drive(self, linear_m_s: float = 0.3) -> None:
        """Have the base node command, and wait until the wheels turn so."""
        self.until_state("RUNNING")
        until(self._connect_motion, "the motion socket is ours")
        self.command = (linear_m_s, 0.0)
        until(lambda: self.board.commanded()[0] > 0.9 * linear_m_s, "the wheels turn")

    def stands(self) -> bool:
        return self.board.commanded() == (0.0, 0.0)

    def commanded_zero(self) -> bool:
        """The board brakes or stands: it does not want to move any more."""
        return self.board.firmware.target() == (0.0, 0.0)

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self.gate is not None:
            self.gate.kill()
            self.gate.wait()
        for connection in (self.motion, self._beats, self._watcher):
            connection.close()
        self.board.close()

    def _live(self) -> None:
        while not self._ended.wait(BEAT_S):
            for process in list(self.beating):
                if not self._beats.heartbeat(process):
                    self._beats.connect()
            if self._at_motion.acquire(blocking=False):
                if self.command is not None:
                    self.motion.send(*self.command)
                self.motion.receive()
                self._at_motion.release()

    def _connect_motion(self) -> bool:
        """Alone, for the welcome is this call's to read."""
        with self._at_motion:
            return self.motion.connect()


@contextlib.contextmanager
def bench(data_dir: Path, program: str = "firmware_bridge.gate") -> Iterator[Bench]:
    """A bench with its gate started."""
    made = Bench(data_dir, program)
    try:
        made.begin()
        made.start_gate()
        yield made
    finally:
        made.end()
