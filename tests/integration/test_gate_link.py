"""The serial link on real ptys: what it opens, what it refuses, and what a full or foreign line does to it."""

import contextlib
import itertools
import os
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from edge.domain.line_faults import LineFault
from firmware_bridge import frames
from firmware_bridge import link as link_module
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import (
    FaultCode,
    Heartbeat,
    Inputs,
    Motion,
    Stop,
    StopKind,
    Welcome,
)
from firmware_bridge.simulator import SimulatedBoard
from tests.support.board import until

STEP_S = 0.01


class Line:
    """A link and the board at its other end, stepped together on a clock of their own."""

    def __init__(self, port: Path) -> None:
        self.now = 100.0
        self.board = SimulatedBoard(port, clock=lambda: self.now, seed=1)
        nonces = itertools.count(1)
        self.link = BoardLink(port, new_nonce=lambda: next(nonces))

    def forward(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            self.board.step()
            self.link.service(self.now)

    def until_up(self) -> None:
        """A pty's bytes pass a kernel worker in real time, whatever our clock says."""

        def up() -> bool:
            self.forward(STEP_S)
            return self.link.up

        until(up, "the link is up")


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
        line.forward(STEP_S)
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
    lost = False
    for _ in range(400):
        for _ in range(50):
            line.link.send(Motion(0.1, 0.0), line.now)
        line.forward(STEP_S)
        lost = lost or not line.link.up
    assert lost


def test_nothing_from_before_a_lost_link_is_sent_or_believed_after_it(line: Line) -> None:
    line.until_up()
    before = line.board.firmware.session
    line.board.faults.silent = True
    line.forward(1.0)
    assert not line.link.up and not line.link.send(Motion(0.1, 0.0), line.now)
    line.board.faults.silent = False
    line.until_up()
    assert line.board.firmware.session != before


def test_the_port_is_ours_alone(line: Line, tmp_path: Path) -> None:
    line.until_up()
    second = BoardLink(tmp_path / "board", new_nonce=lambda: 1)
    second.service(line.now)
    assert second.fileno() is None and "cannot be opened" in second.why
    second.close()


def test_a_port_that_is_not_there_is_no_error_but_a_link_that_is_not_up(tmp_path: Path) -> None:
    link = BoardLink(tmp_path / "nothing", new_nonce=lambda: 1)
    for now in range(5):
        assert link.service(float(now)) == []
    assert not link.up and "cannot be opened" in link.why
    assert link.counters["link_open_failures"] == 5


def test_a_strangers_pty_behind_a_leftover_link_is_not_opened(tmp_path: Path) -> None:
    leftover = tmp_path / "board"
    master, slave = os.openpty()
    leftover.symlink_to(os.ttyname(slave))
    os.close(slave)
    os.close(master)
    made = leftover.lstat().st_ctime_ns
    until(lambda: _file_time_ns(tmp_path) > made, "the kernel's clock ticked")
    strangers: list[tuple[int, int]] = []
    try:
        # The kernel gives the lowest free number: the stranger's pty gets the dead one's.
        while not leftover.exists() and len(strangers) < 64:
            strangers.append(os.openpty())
        if not leftover.exists():
            pytest.skip("other programs took the number")
        link = BoardLink(leftover, new_nonce=lambda: 1)
        link.service(1.0)
        assert link.fileno() is None and "left over" in link.why
    finally:
        for pair in strangers:
            for descriptor in pair:
                os.close(descriptor)


def test_a_port_that_echoes_is_no_board(tmp_path: Path) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def echo() -> None:
        while not ended.is_set():
            os.write(master, os.read(master, 4096))

    link = BoardLink(Path(os.ttyname(slave)), new_nonce=lambda: 1)
    thread = threading.Thread(target=echo, daemon=True)
    thread.start()

    def echoed() -> bool:
        link.service(time.monotonic())
        return sum(link.counters.values()) > 0 or "answer" in link.why

    until(echoed, "the echo came back")
    for _ in range(20):
        link.service(time.monotonic())
    assert not link.up
    ended.set()
    os.write(slave, frames.encode(frames.Frame(1, 0, 1, 0, 0, b"")))  # wakes the echo up
    thread.join()
    link.close()
    os.close(slave)
    os.close(master)


def _file_time_ns(directory: Path) -> int:
    probe = directory / "probe"
    probe.touch()
    return probe.stat().st_ctime_ns


class Stranger:
    """What is at the other end of a port that is no board: it sends what it likes."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.now = 100.0
        nonces = itertools.count(1)
        self.link = BoardLink(Path(os.ttyname(self.slave)), new_nonce=lambda: next(nonces))
        self.link.service(self.now)

    def fault_after(self, said: bytes) -> LineFault | None:
        """What the link makes of it when the handshake's time is over."""

        def named() -> bool:
            with contextlib.suppress(BlockingIOError):
                os.write(self.master, said)
            self.now += 0.05
            self.link.service(self.now)
            return self.link.counters["link_losses"] > 0

        until(named, "the link gave up")
        assert not self.link.up
        return self.link.fault

    def close(self) -> None:
        self.link.close()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"", LineFault.NO_ANSWER),
        (b"AT+OK\r\n\0", LineFault.NOT_A_BOARD),
        (b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9\r\n" * 3, LineFault.NOT_A_BOARD),
        (frames.encode(frames.Frame(3, 0, 1, 0, 0, bytes(4))), LineFault.NOT_A_BOARD),
        (frames.encode(frames.Frame(0x7F, 0, 1, 0, 0, b"")), LineFault.NOT_A_BOARD),
    ],
    ids=["nobody", "a modem", "a GPS", "an echo", "another protocol"],
)
def test_a_port_with_somebody_else_on_it_is_named(
    stranger: Stranger, said: bytes, fault: LineFault
) -> None:
    assert stranger.fault_after(said) is fault


WELCOME = frames.Frame(0x81, 7, 1, 0, 0, bytes(10))


def greeted(stranger: Stranger) -> None:
    """A session 7 is open, as the first HELLO has nonce 1."""
    stranger.link.service(stranger.now)
    welcome = Welcome(stranger.link._nonce, 1, 1.0, 1.0).pack()
    os.write(stranger.master, frames.encode(frames.Frame(0x81, 7, 1, 0, 0, welcome)))

    def up() -> bool:
        stranger.link.service(stranger.now)
        return stranger.link.up

    until(up, "the link is up")


@pytest.mark.parametrize(
    ("again", "counter"),
    [
        (frames.Frame(0x82, 7, 5, 0, 0, bytes(8)), "frames_repeated"),
        (frames.Frame(0x82, 7, 4, 0, 0, bytes(8)), "frames_repeated"),
        (frames.Frame(0x03, 7, 6, 0, 0, bytes(4)), "frames_unknown"),
        (frames.Frame(0x81, 7, 6, 0, 0, bytes(10)), "frames_unknown"),
    ],
    ids=["twice", "an older one", "an echo", "another welcome"],
)
def test_in_a_session_only_news_of_the_board_count(
    stranger: Stranger, again: frames.Frame, counter: str
) -> None:
    greeted(stranger)
    status = frames.encode(frames.Frame(0x82, 7, 5, 0, 0, bytes(8)))
    os.write(stranger.master, status + frames.encode(again))
    heard: list[object] = []

    def counted() -> bool:
        heard.extend(stranger.link.service(stranger.now))
        return stranger.link.counters[counter] > 0

    until(counted, "it is counted")
    assert len(heard) == 1 and stranger.link.up


def test_a_line_that_breaks_under_a_stop_is_lost(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "input/output error")

    greeted(stranger)
    with monkeypatch.context() as patched:
        patched.setattr("firmware_bridge.link.os.write", broken)
        assert not stranger.link.send(Stop(StopKind.LATCH), stranger.now)
    assert not stranger.link.up and stranger.link.fault is LineFault.BROKEN
    stranger.link.flush_output()  # there is nothing to throw away
    assert not stranger.link.send(Stop(StopKind.LATCH), stranger.now)


def test_a_board_of_another_version_is_named(stranger: Stranger) -> None:
    said = frames.encode(WELCOME, frames.VERSION + 1)
    assert stranger.fault_after(said) is LineFault.OTHER_VERSION


def test_a_welcome_that_answers_no_hello_opens_no_session(stranger: Stranger) -> None:
    stranger.link.close()
    os.write(stranger.master, frames.encode(WELCOME))
    stranger.now += 1.0
    stranger.link.service(stranger.now)  # opens, and throws away what waited

    def heard() -> bool:
        os.write(stranger.master, frames.encode(WELCOME))
        stranger.link.service(stranger.now)
        return stranger.link.counters["frames_unknown"] > 0

    until(heard, "the welcome came in")
    assert not stranger.link.up


def test_a_board_that_talks_without_end_is_named_and_does_not_keep_the_gate(
    stranger: Stranger,
) -> None:
    ended = threading.Event()

    def talk() -> None:
        while not ended.is_set():
            with contextlib.suppress(BlockingIOError):
                os.write(stranger.master, b"blah blah\0" * 400)

    thread = threading.Thread(target=talk)
    thread.start()
    try:

        def named() -> bool:
            began = time.monotonic()
            stranger.link.service(stranger.now)
            assert time.monotonic() - began < 0.5
            return stranger.link.counters["link_too_much"] > 0

        until(named, "the flood is named")
    finally:
        ended.set()
        thread.join()
    assert stranger.link.fault is LineFault.TOO_MUCH and stranger.link.fileno() is None


def test_what_is_no_serial_port_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a port")
    for path, fault in (
        (tmp_path / "file", LineFault.NOT_A_PORT),
        (tmp_path, LineFault.NOT_A_PORT),
        (tmp_path / "nothing", LineFault.PORT_MISSING),
    ):
        link = BoardLink(path, new_nonce=lambda: 1)
        link.service(1.0)
        assert link.fault is fault and link.fileno() is None


def test_a_port_that_another_program_has_is_named(line: Line, tmp_path: Path) -> None:
    line.until_up()
    assert line.link.fault is None
    second = BoardLink(tmp_path / "board", new_nonce=lambda: 1)
    second.service(line.now)
    assert second.fault is LineFault.PORT_IN_USE


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

    def lost() -> bool:
        line.now += STEP_S
        if line.board.fileno() >= 0:
            line.board.step()
        line.link.service(line.now)
        return not line.link.up

    until(lost, "the link is lost")
    assert line.link.counters[f"link_{fault.lower()}"] == 1
