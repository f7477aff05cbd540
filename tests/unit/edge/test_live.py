"""The live socket: the newest of each type, hints to everybody else, and clients that come and go."""

import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from edge import ipc
from edge.live import MAX_CLIENTS, LiveClient, LiveServer

DEADLINE_S = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.sock"


@pytest.fixture
def server(path: Path) -> Iterator[LiveServer]:
    server = LiveServer(path)
    yield server
    server.close()


def connected(path: Path) -> LiveClient:
    client = LiveClient(path)
    assert client.connect()
    return client


def next_message(client: LiveClient) -> dict[str, Any]:
    """The next one that comes, by itself."""
    messages: list[dict[str, Any]] = []
    until(lambda: bool(messages) or not client.connected, lambda: messages.extend(read(client)))
    assert len(messages) == 1, messages
    return messages[0]


def read(client: LiveClient) -> list[dict[str, Any]]:
    select.select([client], [], [], 0.05)
    return client.receive()


def until(done: Callable[[], bool], act: Callable[[], object] = lambda: None) -> None:
    end = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        act()


def test_what_is_published_comes_to_all(server: LiveServer, path: Path) -> None:
    clients = [connected(path), connected(path)]
    server.publish("pose", x=1.0)  # replayed to whom the server has not yet taken in
    for client in clients:
        assert next_message(client) == {"type": "pose", "x": 1.0}
        client.close()


def test_who_comes_later_gets_the_newest_of_each_type(server: LiveServer, path: Path) -> None:
    for x in range(3):
        server.publish("pose", x=x)
    server.publish("plan", points=[])
    client = connected(path)
    got: list[dict[str, Any]] = []
    until(lambda: len(got) >= 2, lambda: got.extend(read(client)))
    assert got == [{"type": "pose", "x": 2}, {"type": "plan", "points": []}]
    client.close()


def test_a_hint_goes_to_the_server_and_to_all_others(path: Path) -> None:
    hints: list[str] = []
    heard = Event()

    def hear(what: str) -> None:
        hints.append(what)
        heard.set()

    server = LiveServer(path, on_hint=hear)
    sender, other = connected(path), connected(path)
    server.publish("ready")
    assert next_message(sender)["type"] == next_message(other)["type"] == "ready"
    sender.hint("tasks")
    assert heard.wait(DEADLINE_S)
    assert next_message(other) == {"type": "hint", "what": "tasks"}
    assert hints == ["tasks"]
    assert sender.receive() == []
    for client in (sender, other):
        client.close()
    server.close()


def test_a_hint_is_not_replayed(server: LiveServer, path: Path) -> None:
    server.hint("tasks")
    server.publish("pose", x=0)
    client = connected(path)
    assert next_message(client)["type"] == "pose"
    client.close()


def test_rubbish_from_a_client_harms_nobody(server: LiveServer, path: Path) -> None:
    with ipc.connect(path) as rude:
        for packet in (b"{", b"[]", b"\xff", b'{"type": "pose"}', b'{"type": 7}'):
            rude.send(packet)
        client = connected(path)
        server.publish("pose", x=0)
        assert next_message(client) == {"type": "pose", "x": 0}
        client.close()


def test_a_client_that_never_reads_is_dropped_and_the_others_go_on(
    server: LiveServer, path: Path
) -> None:
    lazy, client = ipc.connect(path), connected(path)
    server.publish("ready")
    assert next_message(client)["type"] == "ready"
    lazy.settimeout(DEADLINE_S)
    assert lazy.recv(100)
    big = "x" * 50_000
    for number in range(40):
        server.publish("scan", number=number, points=big)
        assert next_message(client)["number"] == number
    while lazy.recv(ipc.MAX_MESSAGE_BYTES):
        pass  # what fitted into its buffer, and then the end: it was dropped
    lazy.close()
    client.close()


def test_a_client_notices_that_the_server_is_gone_and_comes_back(path: Path) -> None:
    client = LiveClient(path)
    assert not client.connect()
    client.hint("tasks")
    server = LiveServer(path)
    assert client.connect()
    server.publish("pose", x=1)
    assert next_message(client)["x"] == 1
    server.close()
    until(lambda: not client.connected, lambda: read(client) if client.connected else None)
    assert client.receive() == [] and not client.connect()
    with pytest.raises(OSError, match="not connected"):
        client.fileno()
    again = LiveServer(path)
    assert client.connect()
    client.close()
    again.close()


def test_there_is_an_end_to_the_clients(server: LiveServer, path: Path) -> None:
    clients = []
    for number in range(MAX_CLIENTS):
        clients.append(connected(path))
        server.publish("count", number=number)
        until(lambda: bool(clients[-1].receive()))
    one_more = connected(path)
    until(lambda: not one_more.connected, lambda: read(one_more))
    for client in clients:
        client.close()


def test_it_is_known_whether_anybody_listens(server: LiveServer, path: Path) -> None:
    assert not server.listened_to
    client = connected(path)
    until(lambda: server.listened_to)
    client.close()
    until(lambda: not server.listened_to)
