"""The serial link to a board on a real pty: nothing stale is sent, a stop arrives, and a lost line is named."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from edge.domain.line_faults import LineFault
from firmware_bridge import link as link_module
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import (
    FaultCode,
    Heartbeat,
    Inputs,
    Motion,
    Stop,
    StopKind,
)
from firmware_bridge.simulator import SimulatedBoard
from tests.support.board import until

STEP_S = 0.01


class Line:
    """A link and the board at its other end, stepped together on a clock of their own.

    It runs no faster than time, for a pty's bytes pass a kernel worker, and jumps no further than `STEP_S`, for this
    process may be left without a turn.
    """

    def __init__(self, port: Path) -> None:
        self.now = 100.0
        self._stepped = time.monotonic()
        self.board = SimulatedBoard(port, clock=lambda: self.now, seed=1)
        nonces = itertools.count(1)
        self.link = BoardLink(port, new_nonce=lambda: next(nonces))

    def step(self) -> None:
        passed, self._stepped = time.monotonic() - self._stepped, time.monotonic()
        self.now += min(passed, STEP_S)
        self.board.step()
        self.link.service(self.now)

    def until_up(self) -> None:
        def up() -> bool:
            self.step()
            return self.link.up

        until(up, "the link is up")

    def until_lost(self) -> None:
        def lost() -> bool:
            self.step()
            return not self.link.up

        until(lost, "the link is lost")


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path / "board")
    yield made
    made.link.close()
    made.board.close()


def test_a_full_line_drops_what_repeats_instead_of_queueing_it(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.until_up()
    monkeypatch.setattr(link_module, "BACKLOG_BYTES", -1)  # a pty never tells of waiting bytes
    assert not line.link.send(Motion(0.1, 0.0), line.now)
    assert line.link.counters["frames_not_sent"] == 1


def test_a_driver_that_sends_nothing_is_given_no_more_than_the_backlog(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.until_up()
    waiting, asked, real = 0, 0, os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal waiting
        waiting += len(data)
        return real(fd, data)

    def out_waiting(_: object) -> int:
        nonlocal asked
        asked += 1
        return waiting

    monkeypatch.setattr("firmware_bridge.link.os.write", write)
    monkeypatch.setattr(serial.Serial, "out_waiting", property(out_waiting))
    taken = [line.link.send(Motion(0.1, 0.0), line.now) for _ in range(20)]
    assert taken == [True] * 10 + [False] * 10
    assert link_module.BACKLOG_BYTES - 24 < waiting <= link_module.BACKLOG_BYTES
    waiting, asked = 0, 0  # it is all sent
    assert all(line.link.send(Motion(0.1, 0.0), line.now) for _ in range(10))
    assert asked == 1  # it is not asked at each frame


def test_a_stop_goes_past_a_full_line(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.until_up()
    monkeypatch.setattr(link_module, "BACKLOG_BYTES", -1)
    assert line.link.send(Stop(StopKind.LATCH), line.now)

    def latched() -> bool:
        line.board.step()
        return bool(line.board.firmware.causes)

    until(latched, "the board is latched")


def stopped(line: Line) -> Callable[[], bool]:
    def told() -> bool:
        line.board.step()
        return Inputs.HOST_LATCH in line.board.firmware.causes

    return told


def test_a_stop_after_a_frame_that_was_cut_short_arrives(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.until_up()
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr("firmware_bridge.link.os.write", lambda fd, data: real(fd, data[:5]))
        assert not line.link.send(Heartbeat(), line.now)
    assert line.link.send(Stop(StopKind.LATCH), line.now)
    until(stopped(line), "the board took the stop")


def test_a_driver_that_takes_nothing_is_no_lost_link(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise BlockingIOError

    line.until_up()
    with monkeypatch.context() as patched:
        patched.setattr("firmware_bridge.link.os.write", full)
        assert not line.link.send(Heartbeat(), line.now)
    assert line.link.up and line.link.counters["frames_not_sent"] == 1
    assert line.link.send(Stop(StopKind.LATCH), line.now)
    until(stopped(line), "the board took the stop")


def test_a_backlog_that_is_let_go_moves_nothing(line: Line) -> None:
    line.until_up()
    line.board.faults.deaf = True
    for _ in range(50):
        line.link.send(Motion(0.3, 0.0), line.now)
        line.link.send(Heartbeat(), line.now)
        line.now += 0.02
    line.now += 0.2
    line.board.faults.deaf = False

    def all_refused() -> bool:
        line.board.step()
        assert line.board.firmware.target() == (0.0, 0.0)
        return line.board.firmware.faults[FaultCode.LATE] == 100

    until(all_refused, "all of the backlog is refused")


def test_a_board_that_takes_nothing_for_long_is_lost(line: Line) -> None:
    line.until_up()
    line.board.faults.deaf = True

    def lost() -> bool:
        for _ in range(50):
            line.link.send(Motion(0.1, 0.0), line.now)
        line.step()
        return not line.link.up

    until(lost, "the link is lost")


def test_nothing_from_before_a_lost_link_is_sent_or_believed_after_it(line: Line) -> None:
    line.until_up()
    before = line.board.firmware.session
    line.board.faults.silent = True
    line.until_lost()
    assert not line.link.send(Motion(0.1, 0.0), line.now)
    line.board.faults.silent = False
    line.until_up()
    assert line.board.firmware.session != before


def test_the_port_is_ours_alone(line: Line, tmp_path: Path) -> None:
    line.until_up()
    assert line.link.fault is None
    second = BoardLink(tmp_path / "board", new_nonce=lambda: 1)
    second.service(line.now)
    assert second.fileno() is None and "cannot be opened" in second.why
    assert second.fault is LineFault.PORT_IN_USE


def test_a_port_that_is_not_there_is_no_error_but_a_link_that_is_not_up(tmp_path: Path) -> None:
    link = BoardLink(tmp_path / "nothing", new_nonce=lambda: 1)
    for now in range(5):
        assert link.service(float(now)) == []
    assert not link.up and "cannot be opened" in link.why
    assert link.counters["link_open_failures"] == 5


@pytest.mark.parametrize(
    ("happens", "fault"),
    [
        (lambda board: setattr(board.faults, "silent", True), LineFault.SILENT),
        (lambda board: board.reboot(), LineFault.RESTARTED),
        (lambda board: board.unplug(), LineFault.BROKEN),
    ],
    ids=["silent", "rebooted", "unplugged"],
)
def test_how_a_board_was_lost_is_named_and_counted(
    line: Line, happens: Callable[[SimulatedBoard], None], fault: LineFault
) -> None:
    line.until_up()
    happens(line.board)
    line.until_lost()
    assert line.link.counters[f"link_{fault.lower()}"] == 1
