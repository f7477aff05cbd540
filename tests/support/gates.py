"""A real gate process with a simulated board behind its port."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from edge.domain.stops import Refusal
from firmware_bridge.simulator import SimulatedBoard
from firmware_bridge.sockets import (
    GateUnavailableError,
    ResetRefusedError,
    StateWatcher,
    StopReceipt,
    request_reset,
    request_resume,
    request_stop,
)

START_S = 30.0
PATIENCE_S = 5.0
"""For an answer of the gate: a person wants it in half a second, a busy machine may take longer."""


@contextlib.contextmanager
def gate(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The gate of this data directory, once it is linked to its board."""
    board = SimulatedBoard(data_dir / "run" / "board")
    ended = threading.Event()
    stepping = threading.Thread(target=board.run, args=(ended,))
    stepping.start()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "firmware_bridge.gate", "--data-dir", str(data_dir)),
            *("--port", str(data_dir / "run" / "board"), "--max-speed", "0.5"),
            *("--max-turn", "1.5", "--max-acceleration", "0.5", "--max-turn-acceleration", "3.0"),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_linked(data_dir)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(START_S)
        ended.set()
        stepping.join()
        board.close()


def end_stop(data_dir: Path) -> None:
    """Reset and resume whatever stop there is, as soon as the gate lets us."""
    run_dir, deadline = data_dir / "run", time.monotonic() + START_S
    while True:
        try:
            # Stopping joins a stop that there is, so it tells the one to reset.
            event_id = stop(run_dir, source="CLI", who="test").event_id
            request_reset(run_dir, event_id=event_id, who="test", timeout_s=PATIENCE_S)
            request_resume(run_dir, who="test", timeout_s=PATIENCE_S)
            return
        except (ResetRefusedError, GateUnavailableError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def stop(run_dir: Path, source: str = "API", who: str = "anna", reason: str = "") -> StopReceipt:
    return request_stop(run_dir, source=source, who=who, reason=reason, timeout_s=PATIENCE_S)


def reset(run_dir: Path, event_id: str, who: str = "a person") -> None:
    """Reset a stop as soon as the board has answered and confirmed it, the robot stands, and the disk is not slow."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            request_reset(run_dir, event_id=event_id, who=who, timeout_s=PATIENCE_S)
            return
        except ResetRefusedError as refusal:
            early = refusal.sentence in (
                Refusal.BOARD_NOT_CONFIRMED,
                Refusal.BOARD_SILENT,
                Refusal.STILL_MOVING,
                Refusal.NOT_WRITTEN_DOWN,
            )
            if not early or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def resume(run_dir: Path, who: str = "a person") -> None:
    """Let a robot that was reset go on, as soon as the disk takes it."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            request_resume(run_dir, who=who, timeout_s=PATIENCE_S)
            return
        except ResetRefusedError as refusal:
            if refusal.sentence != Refusal.NOT_WRITTEN_DOWN or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _wait_until_linked(data_dir: Path) -> None:
    """One connection, on which the gate tells its state: who connects anew each time may each time look too early."""
    watcher, connected = StateWatcher(data_dir / "run"), False
    deadline = time.monotonic() + START_S
    with contextlib.closing(watcher):
        while time.monotonic() < deadline:
            connected = connected or watcher.connect()
            state = watcher.receive() if connected else None
            if state is not None and state.link == "ok":
                return
            time.sleep(0.01)
    raise AssertionError("the gate is not linked to its board")
