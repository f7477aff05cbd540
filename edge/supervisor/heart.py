"""The supervisor's heartbeat to the gate: as long as it beats, the gate believes that we watch."""

import json
import socket
import time
from pathlib import Path

from edge import ipc

PERIOD_S = 0.1
"""The gate holds the robot when it has heard nothing for 300 ms."""
CONNECT_TIMEOUT_S = 0.05


class Heart:
    """Beats on the gate's state socket, and connects again whenever the gate was away."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "state.sock"
        self._socket: socket.socket | None = None

    def beat(self) -> None:
        """Send one heartbeat; never waits longer than CONNECT_TIMEOUT_S, never raises."""
        if self._socket is None and not self._connect():
            return
        assert self._socket is not None
        try:
            self._drain(self._socket)
            self._socket.send(_packet(), socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return  # the gate is busy or frozen; it decides what silence means
        except OSError:
            self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> bool:
        try:
            self._socket = ipc.connect(self._path, timeout_s=CONNECT_TIMEOUT_S)
        except OSError:
            return False
        self._socket.setblocking(False)
        return True

    @staticmethod
    def _drain(connection: socket.socket) -> None:
        """Throw away what the gate tells: it drops who does not read. Raises OSError at its end."""
        while True:
            try:
                if not connection.recv(ipc.MAX_MESSAGE_BYTES):
                    raise ConnectionResetError("the gate has gone")
            except BlockingIOError:
                return


def _packet() -> bytes:
    """Stamped, so that beats which lay in a buffer while we were frozen count for nothing."""
    beat = {"type": "heartbeat", "process": "supervisor", "sent": time.monotonic()}
    return json.dumps(beat).encode()
