"""A whole robot for tests: `luna sim` as a user starts it, on ports and a ROS domain of its own."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.ros import own_domain

READY_S = 120.0
"""For a first start on a busy machine; how fast it is when alone is for the benchmarks."""
END_S = 5.0


class Robot:
    """A running `luna sim`. `lines` is what it has printed, `ended_with` its exit code."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        self.options = options
        self.lines: list[str] = []
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [*LUNA, "sim", "--data-dir", str(data_dir), *options],
            env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for_line(self, beginning: str, timeout_s: float = READY_S) -> str:
        """The first line that begins so. Fails where it does not come."""
        deadline = time.monotonic() + timeout_s
        while True:
            for line in self.lines:
                if line.startswith(beginning):
                    return line
            try:
                line_or_end = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line_or_end = None
            if line_or_end is None:
                raise AssertionError(f"no line {beginning!r}:\n" + "\n".join(self._state()))
            self.lines.append(line_or_end)

    def wait_until_ready(self, timeout_s: float = READY_S) -> str:
        """The URL of the robot."""
        return self.wait_for_line("ready ", timeout_s).removeprefix("ready ")

    @property
    def accounts(self) -> Any:
        return json.loads((self.data_dir / "demo-accounts.json").read_text())

    def children(self) -> dict[int, list[str]]:
        """Arguments of all processes that have the data directory among their arguments, by pid."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == self.process.pid:
                continue
            with contextlib.suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().decode().split("\0")
                if any(word.startswith(str(self.data_dir)) for word in arguments):
                    found[int(entry.name)] = arguments
        return found

    def pid_of(self, module: str) -> int:
        """The process of a module, as `-m` names it."""
        (pid,) = (pid for pid, words in self.children().items() if module in words)
        return pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End it; how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(END_S * 3)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        took = time.monotonic() - began
        self._close()
        return took

    def kill(self) -> None:
        """kill -9, whatever state it is in."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        while not self._news.empty():
            if (line := self._news.get()) is not None:
                self.lines.append(line)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._news.put(line.rstrip("\n"))
        self._news.put(None)

    def _state(self) -> Iterator[str]:
        """What there is to know of a robot that does not do what it should."""
        yield from self.lines
        yield f"exit code {self.process.poll()}"
        for log in sorted((self.data_dir / "logs").glob("*.log")):
            yield f"--- {log.name}"
            yield from log.read_text(errors="replace").splitlines()[-15:]


LUNA = [sys.executable, "-m", "edge.cli"]


@contextlib.contextmanager
def started(data_dir: Path, *options: str) -> Iterator[Robot]:
    """A robot that is on its way up, on free ports; ended, however that has to be done."""
    with own_domain() as domain:
        ours = ("--port", free_port(), "--mqtt-port", free_port(), "--domain-id", domain)
        robot = Robot(data_dir, *map(str, ours), *options)
        try:
            yield robot
        finally:
            if robot.process.poll() is None:
                robot.stop()
            else:
                robot.kill()


def refused(data_dir: Path, *options: str, timeout_s: float = READY_S) -> str:
    """What `luna sim` says where it should not start: one line, and an exit code that is not 0."""
    with own_domain() as domain:
        ours = ("--port", free_port(), "--mqtt-port", free_port(), "--domain-id", domain)
        done = subprocess.run(
            [*LUNA, "sim", "--data-dir", str(data_dir), *map(str, ours), *options],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    assert done.returncode != 0, done.stdout
    said = [line for line in done.stderr.splitlines() if "making a library" not in line]
    assert len(said) == 1, done.stderr
    return said[0]


class Http:
    """JSON over HTTP as one person, for the robot's API and for central's."""

    def __init__(self, url: str, email: str = "", password: str = "") -> None:
        self.url = url
        self._token = ""
        if email:
            answer = self.post("/api/v1/auth/login", email=email, password=password)
            self._token = str(answer["access_token"])

    def get(self, path: str) -> Any:
        return self._call("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", path, body)

    def put(self, path: str, **body: Any) -> Any:
        return self._call("PUT", path, body)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """`data` of the answer. Fails with the whole answer where it is an error."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
        return json.loads(text)["data"] if text else None
