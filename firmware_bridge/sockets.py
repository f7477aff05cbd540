"""The gate's clients: what api, ros, sync and the command line use of it. Nothing here knows the
port or the board.

Each message is a JSON object in one packet. Stamps are CLOCK_MONOTONIC, which all processes of a
machine share, so the gate sees how old a message is even when it lay in a socket while somebody was
frozen.
"""

import contextlib
import json
import socket
import time
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from edge import ipc
from edge.domain.errors import ConflictError, UnavailableError
from edge.domain.stops import StopSource
from firmware_bridge.gate_state import BatteryState, Cause, GateState, Pose

__all__ = [
    "BatteryState",
    "Cause",
    "GateState",
    "GateUnavailableError",
    "MotionLink",
    "Pose",
    "ResetRefusedError",
    "StateWatcher",
    "StopReceipt",
    "request_reset",
    "request_resume",
    "request_stop",
]

MOTION, STOP, RESET, STATE = "motion.sock", "stop.sock", "reset.sock", "state.sock"
GREETING_S = 0.1
"""How long the motion socket may take to say whether it is ours: a frozen gate must not freeze the
base node."""
MESSAGE_BYTES = 16 * 1024
"""Longest message of the gate; a full state has 2 KiB."""
MOST_AT_ONCE = 64
"""Messages read in one go, so that a reader that fell behind still comes back to its own loop."""


class GateUnavailableError(UnavailableError):
    """The gate did not confirm. The stop may or may not have reached it: use the red button."""

    code: ClassVar[str] = "GATE_UNAVAILABLE"


class ResetRefusedError(ConflictError):
    """The gate refuses this reset or resume; `sentence` says why, mostly one of Refusal."""

    code: ClassVar[str] = "RESET_REFUSED"


class StopReceipt(NamedTuple):
    """The gate stands and stays. `joined`: a stop was active already, and this is its id."""

    event_id: str
    joined: bool


def request_stop(
    run_dir: Path, *, source: str, who: str, reason: str, timeout_s: float = 0.5
) -> StopReceipt:
    """Stop the robot. Returns once the gate confirmed; raises GateUnavailableError."""
    source = StopSource(source)
    answer = _ask(
        run_dir / STOP, {"type": "stop", "source": source, "who": who, "reason": reason}, timeout_s
    )
    if "event_id" not in answer:
        raise GateUnavailableError("STOP_NOT_CONFIRMED", why=str(answer.get("refused", answer)))
    return StopReceipt(str(answer["event_id"]), bool(answer["joined"]))


def request_reset(run_dir: Path, *, event_id: str, who: str, timeout_s: float = 0.5) -> None:
    """End the latch of `event_id`; the robot still stands. Only for an act of a person at the
    robot.

    Raises ResetRefusedError or GateUnavailableError.
    """
    _order(run_dir, {"type": "reset", "event_id": event_id, "who": who}, timeout_s)


def request_resume(run_dir: Path, *, who: str, timeout_s: float = 0.5) -> None:
    """After a reset: take commands again. Raises ResetRefusedError or GateUnavailableError."""
    _order(run_dir, {"type": "resume", "who": who}, timeout_s)


def _order(run_dir: Path, message: dict[str, object], timeout_s: float) -> None:
    answer = _ask(run_dir / RESET, {**message, "sent": time.monotonic()}, timeout_s)
    if "refused" in answer:
        raise ResetRefusedError(str(answer["refused"]))


def _ask(path: Path, message: dict[str, object], timeout_s: float) -> dict[str, Any]:
    try:
        with ipc.connect(path, timeout_s=timeout_s) as client:
            client.send(_dump(message))
            answer = _load(client.recv(MESSAGE_BYTES))
    except OSError as error:
        raise GateUnavailableError("GATE_SILENT") from error
    if answer is None:
        raise GateUnavailableError("GATE_SILENT")
    return answer


class _Connection:
    """A lasting connection that may be gone at any time; then `connect` again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def fileno(self) -> int:
        """Raises ConnectionError while there is no connection."""
        if self._socket is None:
            raise ConnectionError(f"not connected to {self._path}")
        return self._socket.fileno()

    def close(self) -> None:
        """May be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: dict[str, object]) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.send(_dump(message), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False  # a frozen gate; what it does not take now would be too old later
        except OSError:
            self.close()
            return False
        return True

    def _receive(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while self._socket is not None and len(messages) < MOST_AT_ONCE:
            try:
                data = self._socket.recv(MESSAGE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            message = _load(data)
            if message is None:
                self.close()
                break
            messages.append(message)
        return messages


class MotionLink(_Connection):
    """The base node's way to the wheels. There is one at a time: the gate refuses a second."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(run_dir / MOTION)

    def connect(self) -> bool:
        """True once the gate takes this client's commands. Waits 0.1 s at most; never raises."""
        self.close()
        with contextlib.suppress(OSError):
            client = ipc.connect(self._path, timeout_s=GREETING_S)
            self._socket = client
            greeting = _load(client.recv(MESSAGE_BYTES))
            if greeting is not None and greeting.get("type") == "welcome":
                client.setblocking(False)  # a socket with a timeout would wait in spite of DONTWAIT
                return True
        self.close()
        return False

    def send(self, linear_m_s: float, angular_rad_s: float) -> bool:
        """Command a velocity for the next 100 ms. False where it did not reach the gate."""
        return self._send(
            {
                "type": "velocity",
                "linear": linear_m_s,
                "angular": angular_rad_s,
                "sent": time.monotonic(),
            }
        )

    def receive(self) -> list[dict[str, Any]]:
        """What the board told, without waiting: `{"type": "odometry", x, y, theta, v, w, stamp}` at
        50 Hz, `{"type": "battery", fraction, charging, voltage}` twice a second. `stamp`: monotonic
        seconds at which the gate heard it."""
        return self._receive()


class StateWatcher(_Connection):
    """Sees what the gate tells, and tells it that a process lives."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(run_dir / STATE)

    def connect(self) -> bool:
        """False where no gate listens; never raises."""
        self.close()
        with contextlib.suppress(OSError):
            self._socket = ipc.connect(self._path, timeout_s=GREETING_S)
            self._socket.setblocking(False)
        return self._socket is not None

    def heartbeat(self, process: str) -> bool:
        """Say every 100 ms that `process` is alive. False where it did not reach the gate."""
        return self._send({"type": "heartbeat", "process": process, "sent": time.monotonic()})

    def receive(self) -> GateState | None:
        """The newest state that has come since the last call, without waiting; None where there is
        none."""
        newest = None
        while messages := self._receive():
            newest = messages[-1]
        return None if newest is None else GateState.from_json(newest)

    def receive_all(self) -> list[GateState]:
        """All states that have come since the last call, the oldest first, without waiting: for who
        must miss no stop, not even one that came and went while they were frozen."""
        states = []
        while messages := self._receive():
            states += [GateState.from_json(message) for message in messages]
        return states


def _dump(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode()


def _load(data: bytes) -> dict[str, Any] | None:
    """The message, or None at the end of the connection, or of any sense in it."""
    try:
        message = json.loads(data)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
