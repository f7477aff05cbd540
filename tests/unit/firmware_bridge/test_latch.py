"""The latch on disk: real files."""

import json
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
