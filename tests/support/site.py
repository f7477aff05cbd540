"""A robot's store with its sync process, a broker and the central server, as real processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sync.wire.topics import Topics
from tests.support.broker import BrokerProcess, Probe, make_data_dir
from tests.support.ports import free_port
from tests.support.store import ROBOT, Library, small_library

T = TypeVar("T")

ADMIN = "admin@central.example"
WAIT_S = 20.0


def wait_for(look: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
    """What `look` gives as soon as it gives something true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    pytest.fail(f"waited {timeout_s} s in vain for {what}")


class Site:
    """Nothing runs at first but the broker. `library` is the robot's store, seen from outside of its processes."""

    def __init__(self, folder: Path, broker: BrokerProcess, library: Library) -> None:
        self.data_dir = folder
        self.broker = broker
        self.library = library
        self.topics = Topics("demo", ROBOT)
        self.central = Central(folder / "central", broker, folder / "secrets" / "mqtt-central")
        self._sync: subprocess.Popen[bytes] | None = None
        self._open = contextlib.ExitStack()

    def start_sync(self, **environment: str) -> None:
        command = [sys.executable, "-m", "sync", "--data-dir", str(self.data_dir)]
        settings = {
            "LUNA_LIBRARY__TIME_ZONE": "Europe/Berlin",
            "LUNA_ROBOT__ID": ROBOT,
            "LUNA_MQTT__PORT": str(self.broker.port),
            **environment,
        }
        self._sync = subprocess.Popen(command, env=os.environ | settings)

    @property
    def sync_pid(self) -> int:
        assert self._sync is not None
        return self._sync.pid

    def stop_sync(self) -> int:
        """Ask it to end; its exit code."""
        assert self._sync is not None
        self._sync.terminate()
        code = self._sync.wait(WAIT_S)
        self._sync = None
        return code

    def kill_sync(self) -> None:
        if self._sync is not None:
            self._sync.send_signal(signal.SIGCONT)
            self._sync.kill()
            self._sync.wait()
            self._sync = None

    def probe(self, account: str = "integrator", **options: Any) -> Probe:
        """Somebody else at the broker; hears everything of this robot unless told otherwise."""
        options.setdefault("subscriptions", [("luna/#", 1), ("uagv/#", 1)])
        options.setdefault("client_id", f"probe-{account}-{time.monotonic_ns()}")
        made = Probe(self.broker.port, account, **options)
        self._open.callback(made.stop)
        return made.wait_connected()

    def close(self) -> None:
        self._open.close()
        self.kill_sync()
        self.central.stop()


class Central:
    def __init__(self, folder: Path, broker: BrokerProcess, password_file: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._broker = broker
        self._password_file = password_file
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def start(self) -> None:
        """Start it, and log in as its admin."""
        options = {
            "--data-dir": self.folder,
            "--port": self.port,
            "--mqtt-port": self._broker.port,
            "--mqtt-password-file": self._password_file,
            "--site": "demo",
            "--admin-email": ADMIN,
        }
        arguments = [str(part) for option in options.items() for part in option]
        self._process = subprocess.Popen([sys.executable, "-m", "central", *arguments])
        self._token = ""
        wait_for(self._log_in, "central to take the admin's login")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, headers, method=method), timeout=5
            ) as got:
                return got.status, json.loads(got.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", f"/api/v1{path}")
        return answer["data"] if status == 200 else None

    def count(self, path: str) -> int:
        return int(self.call("GET", f"/api/v1{path}")[1]["pagination"]["total"])

    def _log_in(self) -> str:
        password = self.folder / "admin-password"
        if not password.exists():
            return ""
        body = {"email": ADMIN, "password": password.read_text().strip()}
        with contextlib.suppress(OSError):
            self._token = self.call("POST", "/api/v1/auth/login", body)[1]["data"]["access_token"]
        return self._token


@contextlib.contextmanager
def site(folder: Path, kind: str = "mosquitto") -> Iterator[Site]:
    make_data_dir(folder)
    (folder / "run").mkdir()
    with contextlib.ExitStack() as stack:
        library = stack.enter_context(small_library(folder))
        broker = BrokerProcess(folder, kind, robot_id=ROBOT)
        broker.start()
        stack.callback(broker.kill)
        made = Site(folder, broker, library)
        stack.callback(made.close)
        yield made
