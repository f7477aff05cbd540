"""The store in use: one writer with group commit, readers apart, and whoever is refused harms nobody else."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.domain.errors import ConflictError, SetupError
from edge.domain.users import SYSTEM
from edge.store import sqlite
from edge.store.database import (
    GROUP_LIMIT,
    ChangeStandsError,
    Database,
    Reader,
    Transaction,
    create,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "luna.db", robot_id="luna-test")
    return tmp_path / "luna.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database.open(path)
    yield database
    database.close()


def put(tx: Transaction, key: str) -> str:
    tx.insert("state", key=key, value="")
    return key


def keys(database: Database) -> list[str]:
    return database.read(
        lambda reader: [row["key"] for row in reader.rows("SELECT key FROM state ORDER BY key")]
    )


def held_up(database: Database) -> tuple[threading.Event, "Future[None]"]:
    """Keep the writer busy until the event is set, so that what comes now waits together."""
    started, go_on = threading.Event(), threading.Event()

    def wait(tx: Transaction) -> None:
        started.set()
        assert go_on.wait(10)

    future = database.submit(SYSTEM, wait)
    assert started.wait(10)
    return go_on, future


def test_a_change_is_there_when_it_is_answered(database: Database, path: Path) -> None:
    assert database.write(SYSTEM, lambda tx: put(tx, "a")) == "a"
    other = Database.open(path)
    assert keys(other) == ["a"]
    other.close()


def test_all_who_wait_share_one_commit(path: Path) -> None:
    commits: list[None] = []
    database = Database.open(path, on_commit=lambda: commits.append(None))
    go_on, first = held_up(database)
    waiting = [database.submit(SYSTEM, partial(put, key=f"{number:03d}")) for number in range(20)]
    go_on.set()
    first.result(10)
    for future in waiting:
        future.result(10)
    database.close()
    assert len(commits) == 2


def test_no_group_grows_without_bound(path: Path) -> None:
    commits: list[None] = []
    database = Database.open(path, on_commit=lambda: commits.append(None))
    go_on, _ = held_up(database)
    for number in range(2 * GROUP_LIMIT):
        last = database.submit(SYSTEM, partial(put, key=f"{number:03d}"))
    go_on.set()
    last.result(10)
    database.close()
    assert len(commits) == 3


def test_a_change_that_raises_undoes_itself_and_not_its_neighbours(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        put(tx, "half")
        raise ConflictError("no")

    go_on, _ = held_up(database)
    before = database.submit(SYSTEM, lambda tx: put(tx, "before"))
    failed = database.submit(SYSTEM, fail)
    broken = database.submit(SYSTEM, lambda tx: tx.execute("not SQL"))
    after = database.submit(SYSTEM, lambda tx: put(tx, "after"))
    go_on.set()
    with pytest.raises(ConflictError):
        failed.result(10)
    with pytest.raises(sqlite.sqlite3.OperationalError):
        broken.result(10)
    before.result(10)
    after.result(10)
    assert keys(database) == ["after", "before"]


def test_a_change_may_stand_although_its_asker_is_refused(database: Database) -> None:
    def refuse(tx: Transaction) -> None:
        put(tx, "kept")
        raise ChangeStandsError(ConflictError("no"))

    with pytest.raises(ConflictError):
        database.write(SYSTEM, refuse)
    assert keys(database) == ["kept"]


def test_a_part_of_a_change_undoes_itself_alone(database: Database) -> None:
    def half(tx: Transaction) -> None:
        put(tx, "whole")
        with pytest.raises(ConflictError), tx.part():
            put(tx, "part")
            raise ConflictError("no")
        with tx.part():
            put(tx, "other part")

    database.write(SYSTEM, half)
    assert keys(database) == ["other part", "whole"]


def test_who_waits_no_longer_is_left_out_and_the_writer_lives(database: Database) -> None:
    go_on, _ = held_up(database)
    cancelled = database.submit(SYSTEM, lambda tx: put(tx, "cancelled"))
    assert cancelled.cancel()
    after = database.submit(SYSTEM, lambda tx: put(tx, "after"))
    go_on.set()
    after.result(10)
    assert keys(database) == ["after"]


def test_a_listener_that_fails_harms_nobody(path: Path) -> None:
    def fail() -> None:
        raise OSError("gone")

    database = Database.open(path, on_commit=fail)
    database.write(SYSTEM, lambda tx: put(tx, "a"))
    database.write(SYSTEM, lambda tx: put(tx, "b"))
    assert keys(database) == ["a", "b"]
    database.close()


def test_nobody_is_told_of_a_change_that_was_undone(path: Path) -> None:
    commits: list[None] = []
    database = Database.open(path, on_commit=lambda: commits.append(None))
    with pytest.raises(ConflictError):
        database.write(SYSTEM, _refused)
    database.close()
    assert commits == []


def _refused(tx: Transaction) -> None:
    raise ConflictError("no")


def test_a_reader_sees_one_view_while_others_write(database: Database) -> None:
    def look(reader: Reader) -> tuple[int, int]:
        before = reader.value("SELECT COUNT(*) FROM state")
        database.write(SYSTEM, lambda tx: put(tx, "new"))
        return before, reader.value("SELECT COUNT(*) FROM state")

    assert database.read(look) == (0, 0)
    assert keys(database) == ["new"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite.sqlite3.OperationalError):
        database.read(lambda reader: reader.rows("DELETE FROM state"))


def test_a_commit_of_another_process_is_noticed(database: Database, path: Path) -> None:
    before = database.data_version()
    assert database.data_version() == before
    other = Database.open(path)
    other.write(SYSTEM, lambda tx: put(tx, "a"))
    other.close()
    assert database.data_version() != before


def test_a_closed_store_takes_nothing_more(database: Database) -> None:
    accepted = database.submit(SYSTEM, lambda tx: put(tx, "a"))
    database.close()
    database.close()
    assert accepted.result(0) == "a"
    with pytest.raises(SetupError):
        database.submit(SYSTEM, lambda tx: put(tx, "b"))


def test_who_asks_while_the_store_closes_is_answered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted, go_on, asked = threading.Event(), threading.Event(), list[Future[str]]()
    refuse_closed = database._refuse_closed

    def slow() -> None:
        refuse_closed()
        accepted.set()
        assert go_on.wait(10)

    monkeypatch.setattr(database, "_refuse_closed", slow)
    work = partial(put, key="a")
    asking = threading.Thread(target=lambda: asked.append(database.submit(SYSTEM, work)))
    closing = threading.Thread(target=database.close)
    asking.start()
    assert accepted.wait(10)
    closing.start()
    closing.join(0.1)  # as far as it gets
    go_on.set()
    for thread in (asking, closing):
        thread.join()
    assert asked[0].result(10) == "a"


def test_all_of_a_change_has_one_time(path: Path) -> None:
    clock = ManualClock()
    database = Database.open(path, clock=clock)

    def dawdle(tx: Transaction) -> tuple[str, str]:
        before = tx.now
        clock.advance(5)
        return before, tx.now

    assert database.write(SYSTEM, dawdle) == ("2026-01-01T00:00:00.000Z",) * 2
    assert database.read(lambda reader: reader.now) == "2026-01-01T00:00:05.000Z"
    database.close()


def test_a_change_that_is_interrupted_leaves_nothing_behind(database: Database) -> None:
    def interrupted(tx: Transaction) -> None:
        put(tx, "half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(SYSTEM, interrupted)
    database.write(SYSTEM, partial(put, key="whole"))
    assert keys(database) == ["whole"]


def test_who_writes_alone_does_so_in_his_own_thread(database: Database) -> None:
    assert (
        database.write(SYSTEM, lambda tx: threading.current_thread()) is threading.current_thread()
    )
    by_another = database.submit(SYSTEM, lambda tx: threading.current_thread()).result()
    assert by_another.name == "store-writer"


def test_a_count_is_right_again_with_the_next_change_whoever_makes_it(path: Path) -> None:
    with (
        contextlib.closing(Database.open(path)) as one,
        contextlib.closing(Database.open(path)) as other,
    ):
        before = count(one)
        for number, writer in enumerate((one, other, one), start=1):
            writer.write(SYSTEM, partial(put, key=f"counted-{number}"))
            assert count(one) == count(other) == before + number
            assert one.read(count_beside) == (before + number, 1)
        assert one.write(SYSTEM, count_around_a_change) == (before + 3, before + 4)


def count(database: Database) -> int:
    return database.read(lambda reader: reader.count("FROM state"))


def count_beside(reader: Reader) -> tuple[int, int]:
    """Another number, of the same table."""
    return reader.count("FROM state"), reader.count("FROM state WHERE key = ?", "counted-1")


def count_around_a_change(tx: Transaction) -> tuple[int, int]:
    before = tx.count("FROM state")
    put(tx, "counted-last")
    return before, tx.count("FROM state")


def test_a_glance_sees_what_was_written_last(database: Database) -> None:
    put_one = partial(put, key="glanced-at")
    query = "SELECT EXISTS (SELECT 1 FROM state WHERE key = 'glanced-at')"
    assert database.glance(lambda reader: reader.value(query)) == 0
    database.write(SYSTEM, put_one)
    assert database.glance(lambda reader: reader.value(query)) == 1


def test_who_writes_again_and_again_holds_up_nobody(database: Database) -> None:
    written, over = [0], threading.Event()

    def again_and_again() -> None:
        while not over.is_set():
            database.write(
                SYSTEM, lambda tx: tx.execute("INSERT OR REPLACE INTO state VALUES ('a', 'b')")
            )
            written[0] += 1

    thread = threading.Thread(target=again_and_again)
    thread.start()
    waited = []
    for _ in range(300):
        future = database.submit(SYSTEM, lambda tx: written[0])
        asked = written[0]  # behind it, for this thread may wait for a core before it has asked
        waited.append(future.result() - asked)
    over.set()
    thread.join()
    assert max(waited) <= 3
