"""`luna db`: copies of a store in use, put back; and what is no copy of one is refused with nothing changed."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli import one_line
from edge.clock import ManualClock
from edge.db_command import command
from edge.domain.errors import LunaError, SetupError
from edge.domain.users import SYSTEM
from edge.services import outbox
from edge.settings import load
from edge.store import backup, examination, migrations, opening, sqlite
from edge.store.database import Database, Transaction, create
from edge.store.keeper import Keeper
from edge.supervisor import hold
from tests.support.store import first_store, small_library


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A robot's data directory with a small library."""
    folder = tmp_path / "robot"
    folder.mkdir()
    with small_library(folder):
        pass
    return folder


@pytest.fixture
def store(directory: Path) -> Path:
    return directory / "luna.db"


def luna_db(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [arguments[0], "--data-dir", str(directory), *arguments[1:]])


def done(directory: Path, *arguments: str) -> str:
    result = luna_db(directory, *arguments)
    assert result.exit_code == 0, result.exception
    return result.output


def refused(directory: Path, *arguments: str) -> str:
    """What is said, on one line."""
    result = luna_db(directory, *arguments)
    assert isinstance(result.exception, LunaError), result.output
    return one_line(result.exception)


def put(tx: Transaction, key: str) -> None:
    tx.insert("state", key=key, value="")


def change(store: Path, key: str) -> None:
    database = Database.open(store)
    database.write(SYSTEM, partial(put, key=key))
    database.close()


def keys(store: Path) -> list[str]:
    database = Database.open(store)
    rows = database.read(lambda reader: reader.rows("SELECT key FROM state ORDER BY key"))
    database.close()
    return [row["key"] for row in rows if row["key"] in "abc"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copy(directory: Path, store: Path) -> Path:
    """A copy of the store with `a` in it; `b` came later."""
    change(store, "a")
    made = Path(done(directory, "backup").strip())
    change(store, "b")
    return made


def test_a_copy_is_put_back_and_what_was_there_is_kept(
    directory: Path, store: Path, copy: Path
) -> None:
    said = done(directory, "restore")
    assert str(copy) in said
    assert keys(store) == ["a"]
    (aside,) = directory.glob("luna-replaced-*.db")
    assert str(aside) in said
    assert keys(aside) == ["a", "b"]
    assert "sound" in done(directory, "check")
    assert copy.stat().st_mode & 0o077 == 0


def test_a_restored_store_begins_a_new_stream_with_what_was_not_told_yet(
    directory: Path, store: Path
) -> None:
    database = Database.open(store)
    database.write(SYSTEM, lambda tx: outbox.acknowledge(tx, 3))
    before = database.read(outbox.stream)
    untold = [one.id for one in database.read(lambda r: outbox.pending(r, 3, 1000))]
    database.close()
    done(directory, "backup")

    done(directory, "restore")

    database = Database.open(store)
    events = database.read(lambda r: outbox.pending(r, 0, 1000))
    assert [one.id for one in events] == untold
    assert [one.seq for one in events] == list(range(1, len(untold) + 1))
    assert {one.stream for one in events} != {before}
    database.write(SYSTEM, lambda tx: outbox.emit(tx, "test", "test", "1", {}))
    assert database.read(outbox.newest) == len(untold) + 1
    database.close()


def test_a_copy_of_before_an_upgrade_is_brought_up_to_date(directory: Path, store: Path) -> None:
    old = directory / "backups" / "luna-20260101T000000Z.db"
    old.parent.mkdir()
    with contextlib.closing(first_store(old)) as connection:
        connection.execute("INSERT INTO state VALUES ('a', '')")
        connection.commit()
    content = old.read_bytes()
    assert str(old) in done(directory, "restore")
    assert keys(store) == ["a"] and _version(store) == migrations.SCHEMA_VERSION
    assert old.read_bytes() == content
    assert "sound" in done(directory, "check")


def test_a_damaged_copy_of_before_an_upgrade_changes_nothing(directory: Path) -> None:
    old = directory / "backups" / "luna-20260101T000000Z.db"
    old.parent.mkdir()
    first_store(old).close()
    content = old.read_bytes()
    old.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    before = files(directory)
    assert "is damaged" in refused(directory, "restore")
    assert files(directory) == before


def test_a_copy_is_whole_while_others_write(directory: Path, store: Path) -> None:
    database = Database.open(store)
    waiting = [
        database.submit(SYSTEM, partial(put, key=f"{number}-{half}"))
        for number in range(200)
        for half in ("first", "second")
    ]
    made = backup.back_up(store, directory / "backups")
    for future in waiting:
        future.result()
    database.close()
    assert examination.problems(made) == []


def half_copied(copy: Path) -> str:
    os.truncate(copy, copy.stat().st_size // 2)
    return "half"


def half_copied_without_its_digest(copy: Path) -> str:
    copy.with_name(f"{copy.name}.sha256").unlink()
    os.truncate(copy, copy.stat().st_size // 2 + 100)
    return "half copied"


def of_another_program(copy: Path) -> str:
    copy.with_name(f"{copy.name}.sha256").unlink()
    copy.unlink()
    connection = sqlite.connect(str(copy))
    connection.execute("CREATE TABLE recipe (name TEXT)")
    connection.close()
    return "another program"


def no_store(copy: Path) -> str:
    copy.with_name(f"{copy.name}.sha256").unlink()
    copy.write_text("minutes of the meeting " * 1000)
    return "not a LUNA store"


def of_a_newer_program(copy: Path) -> str:
    copy.with_name(f"{copy.name}.sha256").unlink()
    connection = sqlite.connect(str(copy))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    return "newer"


def with_another_byte(copy: Path) -> str:
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    return "not the backup that was made"


@pytest.mark.parametrize(
    "spoil",
    [
        half_copied,
        half_copied_without_its_digest,
        of_another_program,
        no_store,
        of_a_newer_program,
        with_another_byte,
    ],
)
def test_what_is_no_whole_copy_is_refused_and_nothing_is_changed(
    directory: Path, copy: Path, spoil: object
) -> None:
    assert callable(spoil)
    said = spoil(copy)
    before = files(directory)
    assert said in refused(directory, "restore", str(copy))
    assert files(directory) == before


def test_a_running_robot_keeps_its_store(directory: Path, copy: Path) -> None:
    lock = hold.take(directory)
    for what in ("restore", "vacuum", "migrate"):
        assert "A robot is running" in refused(directory, what)
    os.close(lock)
    assert "sound" in done(directory, "check")


def test_a_damaged_store_says_so_and_a_copy_mends_it(
    directory: Path, store: Path, copy: Path
) -> None:
    content = bytearray(store.read_bytes())
    for page in range(8, 30):
        content[page * 4096 : page * 4096 + 8] = b"\xff" * 8
    store.write_bytes(content)
    assert "luna db restore" in refused(directory, "check")
    with pytest.raises(SetupError, match="luna db restore"):
        Database.open(store)
    done(directory, "restore")
    assert keys(store) == ["a"]


def test_a_store_of_an_older_program_is_migrated_and_kept_as_it_was(
    directory: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite.connect(str(store))
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    with pytest.raises(SetupError, match="luna db migrate"):
        Database.open(store)
    assert "As it was before" in done(directory, "migrate")
    assert len(list(directory.glob("luna-before-*.db"))) == 1
    # All steps were on record, so none was run again.
    assert _version(store) == 0


def _version(store: Path) -> int:
    connection = sqlite.connect(str(store))
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(version)


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "luna.db"
    connection = sqlite.connect(str(store))
    connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    connection.execute("CREATE TABLE old (x)")
    connection.close()
    monkeypatch.setattr(migrations, "FIRST", (*migrations.FIRST, "CREATE nonsense"))
    assert "stays as it was" in refused(tmp_path, "migrate")
    connection = sqlite.connect(str(store))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert "old" in names and not names & {"task", "book", "waypoint"}


def test_a_clock_that_was_never_set_writes_nothing(tmp_path: Path, store: Path) -> None:
    clock = ManualClock()
    clock.jump(-56 * 365 * 86_400)
    with pytest.raises(SetupError, match=r"The clock says 1970.*timedatectl"):
        create(tmp_path / "new.db", clock=clock)
    assert not (tmp_path / "new.db").exists()
    before = store.read_bytes()
    with pytest.raises(SetupError, match="The clock says 1970"):
        Database.open(store, clock=clock)
    assert store.read_bytes() == before


def test_a_clock_that_falls_back_to_1970_stops_the_writing_and_not_the_reading(
    store: Path,
) -> None:
    clock = ManualClock()
    database = Database.open(store, clock=clock)
    clock.jump(-56 * 365 * 86_400)
    with pytest.raises(SetupError, match="The clock says 1970"):
        database.write(SYSTEM, partial(put, key="a"))
    clock.jump(56 * 365 * 86_400)
    database.write(SYSTEM, partial(put, key="b"))
    database.close()
    assert keys(store) == ["b"]


def test_vacuum_gives_room_back_and_stats_say_what_is_in_it(directory: Path, store: Path) -> None:
    database = Database.open(store)
    database.write(SYSTEM, lambda tx: tx.insert("state", key="large", value="x" * 3_000_000))
    database.write(SYSTEM, lambda tx: tx.execute("DELETE FROM state"))
    database.close()
    before = store.stat().st_size
    done(directory, "vacuum")
    assert store.stat().st_size < before - 2_000_000
    assert "rows of waypoint" in done(directory, "stats")


def test_copies_are_rotated(tmp_path: Path) -> None:
    names = [f"luna-202601{day:02d}T{hour:02d}0000Z.db" for day in range(1, 6) for hour in (8, 12)]
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / f"{name}.sha256").touch()
    backup.rotate(tmp_path, newest=3, days=3)
    kept = [path.name for path in backup.backups(tmp_path)]
    # The newest three, and the last of each of the last three days.
    assert kept == [names[9], names[8], names[7], names[5]]
    assert len(list(tmp_path.iterdir())) == 2 * len(kept)


@pytest.fixture
def time_s(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    yield [0.0]


def test_the_keeper_copies_every_quarter_of_an_hour_what_has_changed(
    directory: Path, store: Path, time_s: list[float]
) -> None:
    clock = ManualClock()
    database = Database.open(store, clock=clock)
    keeper = Keeper(load(directory), database, monotonic=lambda: time_s[0])

    def copies_at(seconds: float) -> int:
        time_s[0] = seconds
        clock.advance(1)
        keeper.tick()
        return len(backup.backups(directory / "backups"))

    assert copies_at(899) == 0
    assert copies_at(901) == 1
    assert copies_at(1802) == 1
    database.write(SYSTEM, partial(put, key="a"))
    assert copies_at(2703) == 2
    database.close()


def test_the_keeper_finds_a_damaged_store_and_nothing_more_is_written(
    directory: Path, store: Path, time_s: list[float]
) -> None:
    database = Database.open(store)
    keeper = Keeper(load(directory), database, monotonic=lambda: time_s[0])
    connection = sqlite.connect(str(store))
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("UPDATE copy SET book_id = 'nowhere'")
    connection.close()
    time_s[0] = 10.0
    keeper.tick()
    with pytest.raises(LunaError, match="names one of book that is not there"):
        database.write(SYSTEM, partial(put, key="a"))
    database.close()


def test_a_log_that_others_use_does_not_hold_up_an_opening(store: Path) -> None:
    database = Database.open(store)
    database.write(SYSTEM, partial(put, key="a"))
    began = time.monotonic()
    opening.secure_log(store)
    assert time.monotonic() - began < opening.BUSY_TIMEOUT_MS / 1000
    database.close()


def test_there_is_no_room_for_a_copy(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(directory)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    assert "no room" in refused(directory, "backup")
