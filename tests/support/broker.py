"""Real brokers for tests, with the accounts of a robot, and a plain client to look at them with."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sync.broker import find_mosquitto
from sync.link import Link
from sync.link_events import Connected, Disconnected, LinkEvent, LinkSettings, Publication, Received
from tests.support.ports import free_port

START_S = 15.0
KINDS = ("mosquitto", "embedded")


def make_data_dir(path: Path) -> Path:
    """A data directory with secrets, as `luna sim` makes one."""
    secrets = path / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    for name in ("robot", "central", "integrator"):
        (secrets / f"mqtt-{name}").write_text(f"{name}-password\n")
    return path


class BrokerProcess:
    """`python -m sync.broker` on a free port of loopback; may be killed and started again."""

    def __init__(self, data_dir: Path, kind: str, robot_id: str = "luna-01") -> None:
        if kind == "mosquitto" and find_mosquitto() is None:
            pytest.skip("mosquitto is not installed")
        self.data_dir = data_dir
        self.port = free_port()
        self._kind = kind
        self._robot_id = robot_id
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "LUNA_MQTT__PORT": str(self.port), "LUNA_LOG_LEVEL": "ERROR"}
        environment["LUNA_BROKER"] = self._kind if self._kind == "embedded" else ""
        environment["LUNA_ROBOT__ID"] = self._robot_id
        environment.pop("NOTIFY_SOCKET", None)
        command = [sys.executable, "-m", "sync.broker", "--data-dir", str(self.data_dir)]
        self._process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 0.2),
            ):
                return
            if self._process.poll() is not None:
                pytest.fail(f"the {self._kind} broker ended with {self._process.returncode}")
            time.sleep(0.01)
        pytest.fail(f"the {self._kind} broker does not accept connections")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None


@contextlib.contextmanager
def running(data_dir: Path, kind: str) -> Iterator[BrokerProcess]:
    broker = BrokerProcess(data_dir, kind)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


class Probe:
    """A client that remembers all it got."""

    def __init__(
        self,
        port: int,
        username: str,
        *,
        password: str | None = None,
        client_id: str = "",
        subscriptions: Sequence[tuple[str, int]] = (),
        will: Publication | None = None,
        acknowledges: bool = True,
    ) -> None:
        secret = f"{username}-password" if password is None else password
        self._acknowledges = acknowledges
        self.seen: list[LinkEvent] = []
        self.link = Link(
            LinkSettings(
                "127.0.0.1",
                port,
                client_id or f"probe-{username}",
                username,
                secret,
                keepalive_s=5,
                will=will,
                subscriptions=subscriptions,
            )
        )
        self.link.start()

    @property
    def messages(self) -> list[Received]:
        return [event for event in self.seen if isinstance(event, Received)]

    def payloads(self, topic: str) -> list[bytes]:
        return [message.payload for message in self.messages if message.topic == topic]

    def take(self, timeout_s: float = 0.05) -> None:
        """Look what has come, waiting at most so long for the first."""
        select.select([self.link], [], [], timeout_s)
        for event in self.link.receive():
            self.seen.append(event)
            if self._acknowledges and isinstance(event, Received):
                event.done()

    def wait_for(
        self, condition: Callable[["Probe"], bool], what: str, timeout_s: float = 15.0
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition(self):
            if time.monotonic() > deadline:
                pytest.fail(f"waited {timeout_s} s in vain for {what}; seen: {self._short()}")
            self.take()

    def _short(self) -> str:
        last = [f"{message.topic} {message.payload[:300]!r}" for message in self.messages[-8:]]
        return "\n".join([f"{len(self.seen)} events, the last messages:", *last])

    def wait_connected(self) -> "Probe":
        self.wait_for(
            lambda me: any(isinstance(event, Connected) for event in me.seen), "a connection"
        )
        return self

    def wait_message(
        self, topic: str, payload: bytes | None = None, timeout_s: float = 15.0
    ) -> bytes:
        def arrived(me: "Probe") -> bool:
            return any(payload in (None, found) for found in me.payloads(topic))

        self.wait_for(arrived, f"a message on {topic}", timeout_s)
        return self.payloads(topic)[-1]

    def wait_disconnected(self) -> None:
        self.wait_for(lambda me: isinstance(me.seen[-1], Disconnected), "the connection's end")

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        def went(me: "Probe") -> bool:
            return me.link.publish(Publication(topic, payload, qos, retain))

        self.wait_for(went, f"publishing to {topic}")

    def stop(self) -> None:
        self.link.stop()
