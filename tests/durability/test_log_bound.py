"""The log stays small: whoever reads for too long is told so, and everybody else goes on."""

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from edge.domain.errors import UnavailableError
from edge.domain.users import SYSTEM
from edge.store import views
from edge.store.database import LOOK_S, Database, Reader, Transaction
from tests.durability.conftest import Counts

pytestmark = pytest.mark.timeout(300)

LOG_BOUND = 16 << 20
READERS = 10
PAUSE_S = 0.001
PATIENCE_S = 60.0


def put(tx: Transaction, key: str = "filler") -> None:
    # Each time something else: SQLite writes no page that stays as it is.
    value = os.urandom(50_000).hex()
    tx.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", key, value)


def put_many(tx: Transaction) -> None:
    for number in range(150):
        put(tx, str(number))


def largest_log(database: Database, seconds: float, told: list[Exception]) -> int:
    """In bytes, while somebody writes so long, and on until somebody was `told`."""
    log, largest = Path(f"{database.path}-wal"), 0
    end = time.monotonic() + seconds
    last = end + PATIENCE_S  # a slow disk takes longer to fill the log
    while time.monotonic() < (last if not told else end):
        database.write(SYSTEM, put)
        largest = max(largest, log.stat().st_size)
        time.sleep(PAUSE_S)
    return largest


def stuck(reader: Reader, until: threading.Event) -> None:
    reader.value("SELECT COUNT(*) FROM state")
    while not until.wait(0.05):
        reader.value("SELECT 1")  # where it is told
    reader.value("SELECT COUNT(*) FROM state")


def with_readers(database: Database, seconds: float) -> tuple[int, list[Exception]]:
    """The largest log beside ten readers, of which one is stuck; and what that one was told."""
    over, told = threading.Event(), list[Exception]()

    def be_stuck() -> None:
        try:
            database.read(lambda reader: stuck(reader, over))
        except UnavailableError as error:
            told.append(error)

    def look() -> None:
        while not over.wait(0.005):
            with contextlib.suppress(UnavailableError):  # a thread without a turn is in the way too
                database.read(lambda reader: reader.value("SELECT COUNT(*) FROM task"))

    threads = [threading.Thread(target=be_stuck)]
    threads += [threading.Thread(target=look) for _ in range(READERS - 1)]
    for thread in threads:
        thread.start()
    largest = largest_log(database, seconds, told)
    over.set()
    for thread in threads:
        thread.join()
    return largest, told


def test_a_stuck_reader_is_ended_and_the_log_stays_small(store: Path, counts: Counts) -> None:
    database = Database.open(store)
    largest, told = with_readers(database, counts.stuck_s)
    database.close()
    assert largest <= LOG_BOUND
    assert len(told) == 1 and "too long" in str(told[0])


def test_a_reader_that_is_let_be_lets_the_log_grow(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(views.Views, "end_those_in_the_way", lambda self, log_bytes: 0)
    database = Database.open(store)
    over = threading.Event()
    reader = threading.Thread(target=lambda: database.read(lambda r: stuck(r, over)))
    reader.start()
    log, end = Path(f"{store}-wal"), time.monotonic() + PATIENCE_S
    while log.stat().st_size <= LOG_BOUND and time.monotonic() < end:
        database.write(SYSTEM, put)
    over.set()
    reader.join()
    assert log.stat().st_size > LOG_BOUND
    database.close()


def test_a_long_reader_that_is_in_nobodys_way_is_let_be(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large log that does not grow any more holds up nobody."""
    monkeypatch.setattr(views, "VIEW_HARD_S", 0.0)
    database = Database.open(store)
    database.write(SYSTEM, put_many)
    assert Path(f"{store}-wal").stat().st_size > views.LOG_HARD_BYTES

    def look_twice(reader: Reader) -> int:
        before = reader.value("SELECT COUNT(*) FROM state")
        time.sleep(2 * LOOK_S)
        return int(reader.value("SELECT COUNT(*) FROM state")) - int(before)

    assert database.read(look_twice) == 0
    database.close()


def test_the_last_process_leaves_no_log(store: Path) -> None:
    one, other = Database.open(store), Database.open(store)
    for database in (one, other):
        database.write(SYSTEM, put)
        database.read(lambda reader: reader.value("SELECT COUNT(*) FROM state"))
    one.close()
    other.close()
    assert not Path(f"{store}-wal").exists()


def test_a_view_that_is_over_is_not_ended_in_the_next_ones_stead(store: Path) -> None:
    database = Database.open(store)
    found = views.Views(store, database.clock)
    with found.view():
        (old,) = found._open.values()
    with found.view() as reader:
        before = reader.value("SELECT COUNT(*) FROM state")
        old.end(in_the_way=True)
        database.write(SYSTEM, put_many)
        assert reader.value("SELECT COUNT(*) FROM state") == before
    found.close()
    database.close()
