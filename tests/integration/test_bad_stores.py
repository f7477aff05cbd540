"""What lies in the store's place and is none, or cannot be used now: a clear line, no change, and a way out."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api import errors as api_errors
from edge import db_command
from edge.clock import ManualClock
from edge.domain.errors import ClockNotSetError, LunaError, SetupError
from edge.domain.users import SYSTEM
from edge.services import trips
from edge.settings import load
from edge.store import backup, migrations, retention, sqlite
from edge.store.database import Database
from edge.store.keeper import Keeper
from tests.support.store import first_store, small_library

IN_1970_S = -56 * 365 * 86_400.0


def luna_db(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        db_command.command, [arguments[0], "--data-dir", str(directory), *arguments[1:]]
    )


def refused(directory: Path, what: str) -> str:
    """What `luna db` says, on one line."""
    found = luna_db(directory, what)
    assert isinstance(found.exception, LunaError), (what, found.output)
    return " ".join(str(found.exception).split())


def files(folder: Path) -> dict[str, bytes]:
    """All but what SQLite puts beside a store while it looks at it, in which nothing is."""
    found = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert not any(content for name, content in found.items() if name.endswith("-wal"))
    return {name: found[name] for name in found if not name.endswith(("-wal", "-shm"))}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """With a store, and a copy of it."""
    folder = tmp_path / "robot"
    folder.mkdir()
    with small_library(folder):
        pass
    assert luna_db(folder, "backup").exit_code == 0
    return folder


def half(store: Path) -> str:
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    return "is damaged, or only half of it is there"


def without_its_last_page(store: Path) -> str:
    store.write_bytes(store.read_bytes()[:-4096])
    return "is damaged, or only half of it is there"


def half_of_it_not_written(store: Path) -> str:
    middle = store.stat().st_size // 2
    store.write_bytes(store.read_bytes()[:middle] + bytes(middle))
    return "is damaged, or only half of it is there"


def a_piece_of_its_head(store: Path) -> str:
    store.write_bytes(store.read_bytes()[:60])
    return "is not a LUNA store"


def empty(store: Path) -> str:
    store.write_bytes(b"")
    return "is empty"


def a_text(store: Path) -> str:
    store.write_text("minutes of the meeting " * 1000)
    return "is not a LUNA store"


def of_another_program(store: Path) -> str:
    store.unlink()
    with contextlib.closing(sqlite.connect(str(store))) as connection:
        connection.execute("CREATE TABLE recipe (name TEXT)")
    return "is the database of another program"


def of_a_newer_program(store: Path) -> str:
    with contextlib.closing(sqlite.connect(str(store))) as connection:
        connection.execute("PRAGMA user_version = 99")
    return "has schema 99, newer than this program's"


def a_folder(store: Path) -> str:
    store.unlink()
    store.mkdir()
    return "is not a LUNA store"


@pytest.mark.parametrize(
    "spoil",
    [
        half,
        without_its_last_page,
        half_of_it_not_written,
        a_piece_of_its_head,
        empty,
        a_text,
        of_another_program,
        of_a_newer_program,
        a_folder,
    ],
)
def test_what_cannot_be_the_store_is_named_and_left_alone_and_a_copy_mends_it(
    directory: Path, spoil: Callable[[Path], str]
) -> None:
    store = directory / "luna.db"
    said = spoil(store)
    before = files(directory)
    with pytest.raises(SetupError) as refusal:
        Database.open(store)
    for line in (str(refusal.value), *(refused(directory, one) for one in COMMANDS)):
        assert said in line and "\n" not in line
        assert "luna db restore" in line or "Use the program that made it" in line
    assert files(directory) == before
    assert luna_db(directory, "restore").exit_code == 0
    assert "is sound" in luna_db(directory, "check").output
    Database.open(store).close()


COMMANDS = ("check", "backup", "stats", "vacuum", "migrate")


# ---- A migration that ends in the middle ----------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of the very first program, with a place in it."""
    store = tmp_path / "luna.db"
    with contextlib.closing(first_store(store)) as connection:
        connection.execute(
            "INSERT INTO waypoint (id, name, location_code, x, y, z, theta, kind, created_at, updated_at)"
            " VALUES ('a', 'Desk', 'DESK', 0, 0, 0, 0, 'desk', '', '')"
        )
        connection.commit()
    return store


def content(store: Path) -> tuple[int, list[str]]:
    """Its schema, and the names of its places."""
    with contextlib.closing(sqlite.connect(str(store))) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return version, [row["name"] for row in connection.execute("SELECT name FROM waypoint")]


def test_a_migration_whose_later_step_fails_leaves_the_store_to_its_own_program(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LONG_IMPORTS", ("CREATE nonsense",))
    said = refused(tmp_path, "migrate")
    assert "stays as it was" in said and "Use the program that made it" in said
    assert content(old) == (1, ["Desk"])
    assert {path.name for path in tmp_path.glob("*luna*")} <= {
        old.name,
        f"{old.name}-shm",
        f"{old.name}-wal",
    }
    monkeypatch.undo()
    assert luna_db(tmp_path, "migrate").exit_code == 0
    assert content(old) == (migrations.SCHEMA_VERSION, ["Desk"])


KILLED = """
import os, sys
from pathlib import Path
from edge.store import backup, seal
seal.put = lambda connection: os.kill(os.getpid(), 9)  # all steps are done, and not yet in their place
backup.migrate(Path(sys.argv[1]))
"""


def test_a_power_cut_in_the_middle_of_a_migration_leaves_the_store_as_it_was(
    tmp_path: Path, old: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(old)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(old) == (1, ["Desk"])
    said = luna_db(tmp_path, "migrate").output
    assert content(old) == (migrations.SCHEMA_VERSION, ["Desk"])
    (aside,) = tmp_path.glob("luna-before-*.db")
    assert str(aside) in said and content(aside) == (1, ["Desk"])
    assert not list(tmp_path.glob(".luna.db.new*"))


def test_a_store_that_somebody_has_open_is_not_migrated(tmp_path: Path, old: Path) -> None:
    with contextlib.closing(sqlite.connect(str(old))) as other:
        other.execute("SELECT * FROM waypoint").fetchall()
        assert "stays as it was" in refused(tmp_path, "migrate")
        assert content(old)[0] == 1
    assert not list(tmp_path.glob("luna-before-*"))


# ---- A clock that was never set -------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(directory: Path, clock: ManualClock) -> Iterator[Database]:
    with contextlib.closing(Database.open(directory / "luna.db", clock=clock)) as one:
        yield one


def test_in_1970_no_task_is_claimed_and_nothing_is_forgotten(
    database: Database, clock: ManualClock
) -> None:
    def counted() -> int:
        return int(database.read(lambda reader: reader.value("SELECT COUNT(*) FROM audit")))

    before = counted()
    clock.jump(IN_1970_S)
    with pytest.raises(ClockNotSetError, match="timedatectl"):
        database.write(SYSTEM, lambda tx: trips.claim(tx, robot_id="luna-test", lease_s=30))
    with pytest.raises(ClockNotSetError):
        retention.forget(database, retention.Ages(1, 1, 1, 1, tombstones_wait=False), clock=clock)
    assert counted() == before


def test_in_1970_no_copy_is_made_that_would_be_taken_for_the_oldest(
    directory: Path, database: Database, clock: ManualClock
) -> None:
    copies = backup.backups(directory / "backups")
    clock.jump(IN_1970_S)
    with pytest.raises(ClockNotSetError):
        backup.back_up(database.path, directory / "backups", clock=clock)
    time_s = [0.0]
    keeper = Keeper(load(directory), database, monotonic=lambda: time_s[0])
    for at in (1.0, 1000.0, 100_000.0):
        time_s[0] = at
        keeper.tick()
    assert backup.backups(directory / "backups") == copies


def test_in_1970_an_old_store_is_not_migrated(old: Path, clock: ManualClock) -> None:
    before = files(old.parent)
    clock.jump(IN_1970_S)
    with pytest.raises(ClockNotSetError):
        backup.migrate(old, clock=clock)
    assert files(old.parent) == before


def test_in_1970_luna_db_says_what_to_do(
    directory: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.jump(IN_1970_S)
    monkeypatch.setattr(db_command, "SystemClock", lambda: clock)
    said = luna_db(directory, "check")
    assert "is sound" in said.output
    assert isinstance(said.exception, ClockNotSetError) and "timedatectl" in str(said.exception)


def test_who_asks_for_something_in_1970_is_told_so_and_may_come_back() -> None:
    answer = api_errors.answer(ClockNotSetError("1970-01-01 00:01"))
    assert answer.status_code == 503 and "Retry-After" in answer.headers
    assert b"CLOCK_NOT_SET" in answer.body and b"The clock says 1970-01-01 00:01" in answer.body
