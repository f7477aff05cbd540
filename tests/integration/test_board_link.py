"""The serial link on a pty, in this process, with a driver that misbehaves."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.link import BoardLink
from firmware_bridge.messages import Heartbeat, Inputs, Stop, StopKind
from firmware_bridge.simulator import SimulatedBoard
from tests.support.board import until


class Line:
    """A link and its board, moved on by hand."""

    def __init__(self, port: Path) -> None:
        self.board = SimulatedBoard(port, seed=1)
        nonces = iter(range(1, 1_000_000))
        self.link = BoardLink(port, new_nonce=lambda: next(nonces))
        until(self.is_up, "the board answers")

    def is_up(self) -> bool:
        self.link.service(time.monotonic())
        self.board.step()
        return self.link.up

    def stopped(self) -> bool:
        self.is_up()
        return Inputs.HOST_LATCH in self.board.firmware.causes


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path / "board")
    yield made
    made.link.close()
    made.board.close()


def test_a_stop_after_a_frame_that_was_cut_short_arrives(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr("firmware_bridge.link.os.write", lambda fd, data: real(fd, data[:5]))
        assert not line.link.send(Heartbeat(), time.monotonic())
    assert line.link.send(Stop(StopKind.LATCH), time.monotonic())
    until(line.stopped, "the board took the stop")


def test_a_driver_that_takes_nothing_is_no_lost_link(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise BlockingIOError

    with monkeypatch.context() as patched:
        patched.setattr("firmware_bridge.link.os.write", full)
        assert not line.link.send(Heartbeat(), time.monotonic())
    assert line.link.up and line.link.counters["frames_not_sent"] == 1
    assert line.link.send(Stop(StopKind.LATCH), time.monotonic())
    until(line.stopped, "the board took the stop")
