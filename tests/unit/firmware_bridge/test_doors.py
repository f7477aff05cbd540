"""Who may come in at a socket of the gate, and what becomes of clients that do not behave."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from selectors import DefaultSelector
from typing import Any

import pytest

from edge import ipc
from firmware_bridge.doors import MOST_AT_ONCE, Answer, Door


class Hall:
    """A door with the loop before it. `heard`: the messages; `left`: how many clients went."""

    def __init__(self, path: Path) -> None:
        self.heard: list[dict[str, Any]] = []
        self.left = 0
        self._selector = DefaultSelector()
        self._path = path
        self.door = Door(self._selector, path, self._on_message, most=2, on_leave=self._on_leave)

    def connect(self) -> socket.socket:
        client = ipc.connect(self._path, timeout_s=5.0)
        self.turn()
        return client

    def turn(self) -> None:
        """One pass of the loop."""
        for key, _ in self._selector.select(0.0):
            key.data()

    def callbacks(self) -> list[Callable[[], None]]:
        return [key.data for key in self._selector.get_map().values()]

    def close(self) -> None:
        self.door.close()
        self._selector.close()

    def _on_message(self, message: dict[str, Any], _pid: int) -> Answer:
        self.heard.append(message)
        return {"heard": len(self.heard)}

    def _on_leave(self) -> None:
        self.left += 1


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with closing(Hall(tmp_path / "test.sock")) as made:
        yield made


def received(client: socket.socket) -> Any:
    return json.loads(client.recv(4096))


def test_one_client_too_many_is_told_so_and_sent_away(hall: Hall) -> None:
    with hall.connect(), hall.connect(), hall.connect() as third:
        assert received(third) == {"type": "refused", "refused": "somebody else is connected"}
        assert third.recv(10) == b""
        assert hall.door.counters == {"test_turned_away": 1}


def test_a_place_that_is_left_is_free_again(hall: Hall) -> None:
    with hall.connect():
        hall.connect().close()
        hall.turn()
        assert hall.left == 1
        with hall.connect() as third:
            third.send(b"{}")
            hall.turn()
            assert received(third) == {"heard": 1}


def test_nobody_at_the_door_is_no_fault(hall: Hall) -> None:
    (accept,) = hall.callbacks()
    accept()  # who knocked left again


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b"[" * 4000, b"1"], ids=repr)
def test_what_is_no_message_is_refused_and_counted(hall: Hall, data: bytes) -> None:
    with hall.connect() as client:
        client.send(data)
        hall.turn()
        assert received(client)["type"] == "refused"
    assert hall.door.counters == {"test_malformed": 1} and hall.heard == []


def test_a_client_that_does_not_read_misses_what_is_told_and_holds_up_nobody(hall: Hall) -> None:
    with hall.connect(), hall.connect() as reader:
        reader.settimeout(0.0)
        while not hall.door.counters["test_missed"]:
            hall.door.tell({"text": "x" * 1000})
            reader.recv(4096)
        assert hall.left == 0


def test_a_client_that_left_is_told_nothing(hall: Hall) -> None:
    hall.connect().close()
    hall.door.tell({"news": 1})
    assert hall.left == 1


def test_a_client_that_is_gone_before_its_answer_is_forgotten(hall: Hall) -> None:
    client = hall.connect()
    for _ in range(3):
        client.send(b"{}")
    client.close()
    hall.turn()
    assert hall.left == 1 and len(hall.heard) == 1


def test_a_client_that_ends_with_something_unread_is_forgotten(hall: Hall) -> None:
    client = hall.connect()
    hall.door.tell({"news": 1})
    client.close()  # the gate reads "reset by peer"
    hall.turn()
    assert hall.left == 1


def test_a_chatterbox_has_so_many_messages_heard_a_turn(hall: Hall) -> None:
    with hall.connect() as client:
        for _ in range(MOST_AT_ONCE + 1):
            client.send(b"{}")
        hall.turn()
        assert len(hall.heard) == MOST_AT_ONCE
        hall.turn()
        assert len(hall.heard) == MOST_AT_ONCE + 1


def test_a_closed_door_leaves_no_name_and_no_clients(hall: Hall, tmp_path: Path) -> None:
    with hall.connect() as client:
        hall.door.close()
        assert client.recv(10) == b"" and not (tmp_path / "test.sock").exists()
        hall.door = Door(DefaultSelector(), tmp_path / "test.sock", lambda *_: None, most=1)
