"""The supervisor's heartbeat on a real socket."""

import json
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import ipc
from edge.supervisor.heart import Heart


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[socket.socket]:
    with ipc.listen(tmp_path / "state.sock") as listener:
        yield listener


def _accept(gate: socket.socket) -> socket.socket:
    select.select([gate], [], [], 5)
    client, _ = gate.accept()
    client.settimeout(5)
    return client


def test_a_beat_is_a_stamped_heartbeat_of_the_supervisor(
    gate: socket.socket, tmp_path: Path
) -> None:
    heart = Heart(tmp_path)
    before = time.monotonic()
    heart.beat()
    with _accept(gate) as client:
        beat = json.loads(client.recv(1000))
    assert before <= beat.pop("sent") <= time.monotonic()
    assert beat == {"type": "heartbeat", "process": "supervisor"}
    heart.close()


def test_without_a_gate_nothing_happens(tmp_path: Path) -> None:
    Heart(tmp_path).beat()


def test_it_comes_back_to_a_gate_that_was_away(gate: socket.socket, tmp_path: Path) -> None:
    heart = Heart(tmp_path)
    heart.beat()
    _accept(gate).close()
    gate.close()
    heart.beat()
    with ipc.listen(tmp_path / "state.sock") as again:
        heart.beat()
        heart.beat()
        with _accept(again) as client:
            assert b"heartbeat" in client.recv(1000)
    heart.close()


def test_what_the_gate_tells_is_read_so_that_it_need_not_drop_us(
    gate: socket.socket, tmp_path: Path
) -> None:
    heart = Heart(tmp_path)
    heart.beat()
    with _accept(gate) as client:
        client.setblocking(False)
        for _ in range(2_000):  # far more than a socket buffers
            client.send(b"x" * 1_000)
            heart.beat()
            client.recv(1_000)
    heart.close()


def test_a_frozen_gate_never_blocks_it(gate: socket.socket, tmp_path: Path) -> None:
    heart = Heart(tmp_path)
    for _ in range(5_000):  # nobody reads: the buffer is full long before
        heart.beat()
    heart.close()
