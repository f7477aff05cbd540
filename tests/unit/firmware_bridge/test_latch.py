"""The latch on disk: real files."""

import json
import os
from pathlib import Path

import pytest

from edge.domain.errors import InvalidTransitionError
from edge.domain.stops import LatchState, StopSource
from firmware_bridge import latch as latch_module
from firmware_bridge.latch import Latch, LatchFileError, LatchStore

STOPPED = Latch().stopped("one", StopSource.API, "anna", "a child", 1_700_000_000.0)


def test_a_new_directory_is_clear(tmp_path: Path) -> None:
    assert LatchStore(tmp_path).load() == Latch()
    assert (tmp_path / "gate" / "latch.json").exists()


@pytest.mark.parametrize("latch", [Latch(), STOPPED, STOPPED.after_reset()])
def test_what_is_saved_is_loaded(tmp_path: Path, latch: Latch) -> None:
    LatchStore(tmp_path).load()
    LatchStore(tmp_path).save(latch)
    assert LatchStore(tmp_path).load() == latch


GOOD = {
    "format": 1,
    "state": "LATCHED",
    "event_id": "one",
    "source": "API",
    "who": "",
    "reason": "",
    "since": 1.0,
}


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"state": "OPEN"},
        {"state": "CLEAR"},
        {"event_id": None},
        {"event_id": 5},
        {"source": None},
        {"source": "NOBODY"},
        {"since": "yesterday"},
    ],
    ids=str,
)
def test_a_latch_that_makes_no_sense_is_not_believed(
    tmp_path: Path, change: dict[str, object]
) -> None:
    store = LatchStore(tmp_path)
    store.load()
    file = tmp_path / "gate" / "latch.json"
    file.write_text(json.dumps(GOOD))
    assert store.load().event_id == "one"
    file.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(LatchFileError):
        store.load()


@pytest.mark.parametrize("size", range(0, 120, 7))
def test_a_torn_file_is_not_believed(tmp_path: Path, size: int) -> None:
    store = LatchStore(tmp_path)
    store.load()
    store.save(STOPPED)
    file = tmp_path / "gate" / "latch.json"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(LatchFileError):
        store.load()


def test_a_lost_latch_file_beside_a_journal_is_not_a_new_directory(tmp_path: Path) -> None:
    store = LatchStore(tmp_path)
    store.load()
    store.record({"id": "1"})
    (tmp_path / "gate" / "latch.json").unlink()
    with pytest.raises(LatchFileError):
        store.load()


def test_an_unreadable_file_is_kept_for_whoever_looks(tmp_path: Path) -> None:
    store = LatchStore(tmp_path)
    store.load()
    (tmp_path / "gate" / "latch.json").write_text("?")
    store.put_aside()
    assert (tmp_path / "gate" / "latch.bad").read_text() == "?"


def test_the_journal_keeps_every_record_and_the_last_one_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latch_module, "JOURNAL_BYTES", 50)
    store = LatchStore(tmp_path)
    store.load()
    for number in range(5):
        store.record({"id": number, "text": "x" * 20})
    files = [tmp_path / "gate" / name for name in ("journal.1.jsonl", "journal.jsonl")]
    kept = [json.loads(line)["id"] for file in files for line in file.read_text().splitlines()]
    assert kept == sorted(kept) and kept[-1] == 4


@pytest.mark.parametrize(("size", "aside"), [(2**20, False), (2**20 + 1, True)])
def test_a_journal_of_over_a_mebibyte_is_put_aside(tmp_path: Path, size: int, aside: bool) -> None:
    store = LatchStore(tmp_path)
    store.load()
    (tmp_path / "gate" / "journal.jsonl").write_bytes(b"\n" * size)
    store.record({"id": "1"})
    assert (tmp_path / "gate" / "journal.1.jsonl").exists() is aside


def test_only_the_robot_sees_what_is_in_its_directory(tmp_path: Path) -> None:
    LatchStore(tmp_path / "made" / "too").load()
    assert (tmp_path / "made" / "too" / "gate").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | list[str]]]:
    """What a power cut would leave: each path that is synced, with its content at that moment."""
    found: list[tuple[str, str | list[str]]] = []
    real = os.fsync

    def fsync(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").resolve()
        names = sorted(one.name for one in path.iterdir()) if path.is_dir() else None
        found.append((path.name, path.read_text() if names is None else names))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_a_latch_is_on_disk_before_it_takes_its_name_and_the_name_before_it_counts(
    tmp_path: Path, synced: list[tuple[str, str | list[str]]]
) -> None:
    store = LatchStore(tmp_path)
    store.load()
    # A new directory: its own name too, and then the first latch.
    assert [name for name, _ in synced] == [tmp_path.name, "latch.new", "gate"]
    assert synced[0][1] == ["gate"]
    synced.clear()
    store.save(STOPPED)
    file, directory = synced
    assert file[0] == "latch.new" and json.loads(str(file[1]))["state"] == "LATCHED"
    assert directory == ("gate", ["latch.json"])


def test_a_record_is_on_disk_when_it_is_made(
    tmp_path: Path, synced: list[tuple[str, str | list[str]]]
) -> None:
    store = LatchStore(tmp_path)
    store.load()
    synced.clear()
    store.record({"id": "1"})
    # A new file: its name too.
    directory = ("gate", ["journal.jsonl", "latch.json"])
    assert [(name, sorted(seen)) for name, seen in synced[1:]] == [directory]
    assert synced[0] == ("journal.jsonl", '{"id": "1"}\n')
    synced.clear()
    store.record({"id": "2"})
    assert synced == [("journal.jsonl", '{"id": "1"}\n{"id": "2"}\n')]


def test_a_latch_file_that_is_lost_beside_an_old_journal_is_no_new_directory(
    tmp_path: Path,
) -> None:
    store = LatchStore(tmp_path)
    store.save(store.load())
    (tmp_path / "gate" / "journal.1.jsonl").write_text("{}\n")
    (tmp_path / "gate" / "latch.json").unlink()
    with pytest.raises(LatchFileError):
        store.load()


def test_the_journal_knows_the_stops_whose_beginning_it_tells(tmp_path: Path) -> None:
    store = LatchStore(tmp_path)
    store.load()
    assert not store.has_recorded("one")
    store.record({"kind": "STOP", "event_id": "one"})
    store.record({"kind": "RESET", "event_id": "two"})
    assert store.has_recorded("one")
    assert not store.has_recorded("two") and not store.has_recorded("three")


def test_the_journal_knows_a_stop_that_was_put_aside_and_beside_torn_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latch_module, "JOURNAL_BYTES", 50)
    store = LatchStore(tmp_path)
    store.load()
    store.record({"kind": "STOP", "event_id": "one", "reason": "x" * 50})
    store.record({"kind": "STOP", "event_id": "two"})
    with (tmp_path / "gate" / "journal.jsonl").open("ab") as journal:
        journal.write(b"\xff\xfe\n")
    store.record({"kind": "STOP", "event_id": "three"})
    assert (tmp_path / "gate" / "journal.1.jsonl").exists()
    assert all(store.has_recorded(event_id) for event_id in ("one", "two", "three"))


def test_the_end_of_the_journal_is_read_as_far_as_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latch_module, "JOURNAL_BYTES", 60)
    store = LatchStore(tmp_path)
    store.load()
    assert store.newest_records() == []
    for number in range(5):
        store.record({"id": number, "text": "x" * 20})
    with (tmp_path / "gate" / "journal.jsonl").open("ab") as journal:
        journal.write(b'\xff\xfe\n[1]\n{"id": ')
    assert [record["id"] for record in store.newest_records()] == [2, 3, 4]
    monkeypatch.setattr(latch_module, "END_BYTES", 20)
    assert store.newest_records() == []


@pytest.mark.parametrize(("size", "whole"), [(2**16, True), (2**16 + 1, False)])
def test_the_last_64_kib_of_the_journal_are_its_end(tmp_path: Path, size: int, whole: bool) -> None:
    store = LatchStore(tmp_path)
    store.load()
    first, last = b'{"id": "first"}\n', b'\n{"id": "last"}\n'
    padding = b"x" * (size - len(first) - len(last))
    (tmp_path / "gate" / "journal.jsonl").write_bytes(first + padding + last)
    found = [record["id"] for record in store.newest_records()]
    assert found == (["first", "last"] if whole else ["last"])


def test_a_latch_file_that_was_put_aside_is_not_forgotten(tmp_path: Path) -> None:
    store = LatchStore(tmp_path)
    store.load()
    (tmp_path / "gate" / "latch.json").write_text("?")
    store.put_aside()  # and the gate dies before it has saved the stop that this is
    with pytest.raises(LatchFileError):
        store.load()


def test_saving_leaves_nothing_open(tmp_path: Path) -> None:
    store = LatchStore(tmp_path)
    store.load()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        store.save(STOPPED)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_second_stop_changes_nothing_of_the_first() -> None:
    assert STOPPED.stopped("two", StopSource.CLI, "bob", "", 2.0) is STOPPED


def test_a_stop_after_a_reset_is_a_new_event() -> None:
    again = STOPPED.after_reset().stopped("two", StopSource.CLI, "bob", "", 2.0)
    assert (again.state, again.event_id, again.source) == (LatchState.LATCHED, "two", "CLI")


def test_only_what_is_reset_resumes() -> None:
    with pytest.raises(InvalidTransitionError):
        STOPPED.after_resume()
    assert STOPPED.after_reset().after_resume() == Latch()
    with pytest.raises(InvalidTransitionError):
        Latch().after_reset()
