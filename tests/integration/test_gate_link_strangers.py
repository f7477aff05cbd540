"""Whatever is at the other end of a port that is no board of ours: it is named, opens no session, and keeps nobody."""

import contextlib
import itertools
import os
import select
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.line_faults import LineFault
from firmware_bridge import frames
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import Stop, StopKind, Welcome
from tests.support.board import PATIENCE_S, until


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
            if said:
                with contextlib.suppress(BlockingIOError):
                    os.write(self.master, said)
                # A kernel worker brings it, at its own time, which must not count for the handshake.
                assert select.select([self.slave], [], [], PATIENCE_S)[0]
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


def _file_time_ns(directory: Path) -> int:
    probe = directory / "probe"
    probe.touch()
    return probe.stat().st_ctime_ns


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
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    reads, real = 0, os.read

    def talk() -> None:
        while not ended.is_set():
            with contextlib.suppress(BlockingIOError):
                os.write(stranger.master, b"blah blah\0" * 400)

    def read(descriptor: int, most: int) -> bytes:
        nonlocal reads
        reads += 1
        return real(descriptor, most)

    def named() -> bool:
        before = reads
        stranger.link.service(stranger.now)
        assert reads - before <= 1  # and then the gate does all else that is due
        return stranger.link.counters["link_too_much"] > 0

    monkeypatch.setattr("firmware_bridge.link.os.read", read)
    thread = threading.Thread(target=talk)
    thread.start()
    try:
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
