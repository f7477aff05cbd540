"""What is written when, on a disk that hangs and refuses as the test wants it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edge.domain.stops import StopSource
from firmware_bridge import disk_writer
from firmware_bridge.disk_writer import DiskWriter
from firmware_bridge.latch import Latch, LatchStore
from tests.support.board import until

STOPPED = Latch().stopped("one", StopSource.API, "anna", "a child", 1_700_000_000.0)
NEVER_S = 3.0


class Disk(LatchStore):
    """It hangs while `runs` is cleared. `refuses`: how often it still does. `asked`: how often it was. `written`:
    latches, and ids of records."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.runs = threading.Event()
        self.runs.set()
        self.refuses = self.asked = 0
        self.written: list[object] = []

    def save(self, latch: Latch) -> None:
        self._write(latch)

    def record(self, record: dict[str, object]) -> None:
        self._write(record["id"])

    def _write(self, what: object) -> None:
        self.asked += 1
        assert self.runs.wait(10.0)
        if self.refuses:
            self.refuses -= 1
            raise OSError(28, "the disk is full")
        self.written.append(what)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiskWriter]:
    monkeypatch.setattr(disk_writer, "RETRY_S", 0.01)
    made = DiskWriter(disk, Latch())
    yield made
    disk.runs.set()
    made.close()


def test_the_latch_goes_before_the_records_and_they_go_in_order(
    disk: Disk, writer: DiskWriter
) -> None:
    disk.runs.clear()
    writer.record([{"id": 0}])
    until(lambda: disk.asked, "it writes the first")
    writer.record([{"id": 1}, {"id": 2}])
    writer.save(STOPPED)
    disk.runs.set()
    until(writer.has_recorded, "all is written")
    assert disk.written == [0, STOPPED, 1, 2]


def test_only_the_newest_latch_is_written(disk: Disk, writer: DiskWriter) -> None:
    disk.runs.clear()
    writer.record([{"id": 0}])
    until(lambda: disk.asked, "it writes")
    for latch in (STOPPED, STOPPED.after_reset()):
        writer.save(latch)
        assert writer.wanted is latch
    disk.runs.set()
    until(writer.has_saved, "the latch is written")
    assert disk.written == [0, STOPPED.after_reset()]


def test_what_is_on_the_disk_already_is_not_written(disk: Disk) -> None:
    writer = DiskWriter(disk, STOPPED)
    assert writer.has_saved() and writer.has_recorded() and writer.why == ""
    writer.close()
    assert disk.written == [] and not writer._thread.is_alive()


def test_one_waits_for_a_disk_that_hangs_and_who_comes_later_waits_less(
    disk: Disk, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_writer, "PATIENCE_S", 0.2)
    disk.runs.clear()
    began = time.monotonic()
    writer.save(STOPPED)
    assert not writer.has_saved()
    assert time.monotonic() - began > 0.19
    assert writer.why == "the disk does not answer"
    monkeypatch.setattr(disk_writer, "PATIENCE_S", NEVER_S)
    writer._began = time.monotonic() - NEVER_S
    assert not writer.has_saved()


def test_a_disk_that_refuses_is_not_waited_for_and_asked_again(
    disk: Disk,
    writer: DiskWriter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(disk_writer, "PATIENCE_S", NEVER_S)
    monkeypatch.setattr(disk_writer, "RETRY_S", 0.5)  # so that it is looked at before that
    disk.refuses = 2
    writer.save(STOPPED)
    assert not writer.has_saved()
    assert "full" in writer.why
    assert [one.name for one in caplog.records if "full" in one.getMessage()][:1] == ["gate"]
    until(lambda: disk.written == [STOPPED], "it is asked again")
    assert writer.has_saved() and writer.refusals == 2
    writer.record([{"id": 1}])
    assert writer.has_recorded()  # it is waited for again


def test_a_latch_whose_save_failed_is_written_again_even_where_it_is_the_old_one(
    disk: Disk, writer: DiskWriter
) -> None:
    old = writer.wanted
    disk.refuses = 1
    writer.save(STOPPED)  # perhaps it was in place when the disk refused
    until(lambda: writer.refusals, "it is refused")
    writer.save(old)
    until(writer.has_saved, "it is saved")
    assert disk.written[-1] == old


def test_a_latch_that_is_taken_back_before_it_is_written_harms_nobody(
    disk: Disk, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, begun, taken_back = writer.wanted, threading.Event(), threading.Event()
    real = DiskWriter._write

    def late(one: DiskWriter, *work: Any) -> None:
        begun.set()
        assert taken_back.wait(10.0)
        real(one, *work)

    monkeypatch.setattr(DiskWriter, "_write", late)
    writer.save(STOPPED)
    assert begun.wait(10.0)
    writer.save(old)
    taken_back.set()
    until(lambda: disk.written[-1:] == [old], "the old one is written")
    assert writer._thread.is_alive()


def test_while_the_disk_hangs_the_oldest_records_but_one_are_given_up(
    disk: Disk, writer: DiskWriter
) -> None:
    disk.runs.clear()
    for number in range(266):
        writer.record([{"id": number}])
    assert writer.lost == 10
    disk.runs.set()
    until(writer.has_recorded, "all are written")
    assert disk.written == [0, *range(11, 266)]


def test_who_waits_waits_less_than_clients_do_and_a_disk_that_refuses_rests(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    real = threading.Condition.wait_for

    def wait_for(
        one: threading.Condition, done: Callable[[], bool], most_s: float | None = None
    ) -> bool:
        waits.append(most_s)
        return real(one, done, most_s and 0.001)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Condition, "wait_for", wait_for, raising=True)
        writer = DiskWriter(disk, Latch())
        disk.runs.clear()
        writer.save(STOPPED)
        until(lambda: disk.asked, "it writes")
        del waits[:]
        assert not writer.has_saved()
        assert len(waits) == 1 and 0.0 <= (waits[0] or 0.0) <= 0.3
        monkeypatch.setattr(writer, "_began", None)
        assert not writer.has_saved()
        assert waits[1] == pytest.approx(0.3)
        monkeypatch.setattr(writer, "_began", time.monotonic() - 1.0)
        assert not writer.has_saved()
        assert waits[2] == 0.0
        monkeypatch.setattr(writer, "_began", None)
        assert not writer.has_saved(by=time.monotonic())
        assert waits[3] == 0.0
        disk.refuses = 1
        disk.runs.set()
        until(lambda: disk.written, "it is asked again")
        assert 1.0 in waits
    joined: list[float | None] = []
    with monkeypatch.context() as patched:
        patched.setattr(writer._thread, "join", joined.append)
        writer.close()
    assert joined == [2.0]
    writer.close()


def test_the_end_writes_what_is_left(disk: Disk, writer: DiskWriter) -> None:
    disk.runs.clear()
    writer.record([{"id": number} for number in range(3)])
    threading.Timer(0.05, disk.runs.set).start()
    writer.close()
    assert disk.written == [0, 1, 2]
    assert not writer._thread.is_alive()


def test_the_end_waits_for_no_disk_that_hangs_or_refuses(
    disk: Disk, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_writer, "LEAVE_S", 0.05)
    disk.runs.clear()
    writer.save(STOPPED)
    writer.close()
    assert disk.written == []
    disk.refuses = 1_000_000
    disk.runs.set()
    until(lambda: not writer._thread.is_alive(), "the thread ends")


def test_a_thread_that_has_ended_is_no_secret(
    disk: Disk, writer: DiskWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with suppress(RuntimeError):  # no id: the thread fails
        writer.record([{}])
    until(lambda: not writer._thread.is_alive(), "the thread ends")
    with pytest.raises(RuntimeError, match="ended"):
        writer.record([{"id": 1}])
    with pytest.raises(RuntimeError, match="ended"):
        writer.save(STOPPED)


def test_signals_are_left_to_the_loop(disk: Disk, writer: DiskWriter) -> None:
    writer.record([{"id": 1}])
    until(writer.has_recorded, "it writes")
    thread = writer._thread
    assert thread.daemon  # a disk that hangs for ever does not keep the process
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    (blocked,) = [line for line in status.splitlines() if line.startswith("SigBlk:")]
    assert int(blocked.split()[1], 16) >> 14 & 1  # SIGTERM
