"""The api process as its supervisor starts it, with a real gate, and the live socket that ros would serve."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.live import LiveServer
from tests.support.ports import free_port

START_S = 45.0
TELL_S = 0.1


class Ros:
    """What ros tells the others, for as long as it is there. `navigation`: what it says of its drive, if anything."""

    def __init__(self, data_dir: Path) -> None:
        self.localised = True
        self.navigation: dict[str, object] = {}
        self.live = LiveServer(data_dir / "run" / "live.sock")
        self._ended = threading.Event()
        self._telling = threading.Thread(target=self._tell)
        self._telling.start()

    def close(self) -> None:
        self._ended.set()
        self._telling.join()
        self.live.close()

    def _tell(self) -> None:
        while not self._ended.wait(TELL_S):
            state = {"status": "IDLE", "localised": self.localised, "current_location": "DOCK"}
            self.live.publish("robot", **state)
            self.live.publish("navigation", **(self.navigation or {"state": "IDLE"}))
            self.live.publish("pose", x=1.0, y=2.0, theta=0.5, frame="map", stamp=0.0, v=0.0, w=0.0)


@dataclass
class ApiProcess:
    """`told` is what it told its service manager."""

    process: subprocess.Popen[bytes]
    port: int
    told: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_told(self, what: str, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        while what not in self.told:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"never {what}: {self.told[-3:]}"
            time.sleep(0.01)

    def wait_until_it_listens(self, timeout_s: float = START_S) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_S)


@contextlib.contextmanager
def api_process(data_dir: Path, port: int = 0) -> Iterator[ApiProcess]:
    """`python -m api` on a data directory as `tests.support.served` makes it; running, not yet ready."""
    port = port or free_port()
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        address = f"\0luna-test-{os.getpid()}-{port}"
        manager.bind(address)
        manager.settimeout(0.1)
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "--data-dir", str(data_dir)],
            start_new_session=True,  # as under the supervisor: Linux shares the cores by sessions
            env=os.environ
            | {
                "LUNA_API__PORT": str(port),
                "LUNA_REQUESTS__AUTO_APPROVE": "true",
                "NOTIFY_SOCKET": address.replace("\0", "@"),
                "LUNA_LOG": "file",
            },
        )
        api = ApiProcess(process, port)
        ended = threading.Event()
        listening = threading.Thread(target=_listen, args=(manager, api.told, ended))
        listening.start()
        try:
            yield api
        finally:
            process.kill()
            process.wait()
            ended.set()
            listening.join()


def _listen(manager: socket.socket, told: list[str], ended: threading.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            told.append(manager.recv(4096).decode())
