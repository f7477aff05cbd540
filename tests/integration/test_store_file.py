"""The store's file: opened as promised, made once, migrated as a whole or not at all, refused where it is no store."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from edge.domain.errors import SetupError
from edge.domain.users import SYSTEM
from edge.domain.waypoints import Lane
from edge.store import migrations, sqlite
from edge.store.database import Database, Reader, create
from edge.store.places import Places
from tests.support.store import first_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "luna.db", robot_id="luna-test")
    return tmp_path / "luna.db"


def test_the_file_is_opened_as_promised(path: Path) -> None:
    def pragmas(reader: Reader) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version")
        return {name: reader.value(f"PRAGMA {name}") for name in names}

    expected: dict[str, object] = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "application_id": migrations.APPLICATION_ID,
        "user_version": migrations.SCHEMA_VERSION,
    }
    with contextlib.closing(Database.open(path)) as database:
        assert database.read(pragmas) == expected
        assert database.write(SYSTEM, pragmas) == expected
    assert sqlite.library_version() >= sqlite.MINIMUM


def test_making_a_store_again_keeps_what_is_in_it(path: Path) -> None:
    birth = _meta(path)
    create(path, robot_id="another")
    assert _meta(path) == birth
    assert birth["robot_id"] == "luna-test" and birth["birth"]


def _meta(path: Path) -> dict[str, str]:
    database = Database.open(path)
    rows = database.read(lambda reader: reader.rows("SELECT * FROM meta"))
    database.close()
    return {row["key"]: row["value"] for row in rows}


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "luna.db"
    monkeypatch.setattr(migrations, "FIRST", (*migrations.FIRST, "CREATE nonsense"))
    with pytest.raises(sqlite.sqlite3.OperationalError):
        create(path)
    connection = sqlite.connect(str(path))
    tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert [row["name"] for row in tables if row["name"] in ("meta", "task", "book")] == []
    connection.close()
    monkeypatch.undo()
    create(path)
    Database.open(path).close()


def test_a_store_of_the_first_schema_keeps_its_lanes(tmp_path: Path) -> None:
    path = tmp_path / "luna.db"
    connection = first_store(path)
    for place in "ab":
        connection.execute(
            "INSERT INTO waypoint (id, name, location_code, x, y, z, theta, kind, created_at, updated_at)"
            " VALUES (?, '', '', 0, 0, 0, 0, 'junction', '', '')",
            (place,),
        )
    connection.execute("INSERT INTO lane VALUES ('ab', 'a', 'b', 1.0, 1.2, 0.5, 1, 0)")
    connection.commit()
    connection.close()
    with pytest.raises(SetupError, match="schema 1"):
        Database.open(path)
    create(path)
    create(path)
    database = Database.open(path)
    (lane,) = database.read(lambda reader: Places(reader).lanes())
    database.close()
    assert lane == Lane("ab", "a", "b", 1.0, 1.2, 0.5, one_way=True)


def test_a_store_of_a_newer_program_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite.connect(str(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    for act in (Database.open, create):
        with pytest.raises(SetupError, match="99"):
            act(path)
    assert path.read_bytes() == before


def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no store"):
        Database.open(tmp_path / "none.db")
    text = tmp_path / "text.db"
    text.write_text("no database at all, but long enough to look like something" * 100)
    other = tmp_path / "other.db"
    connection = sqlite.connect(str(other))
    connection.execute("CREATE TABLE recipe (name TEXT)")
    connection.close()
    for path in (text, other):
        before = path.read_bytes()
        for act in (Database.open, create):
            with pytest.raises(SetupError):
                act(path)
        assert path.read_bytes() == before


SECOND_LIBRARY = """
import importlib.util, sys
import _sqlite3
from edge.store import sqlite
from edge.domain.errors import SetupError
try:
    sqlite.check_library()
except SetupError as error:
    print(error)
"""


def test_a_second_sqlite_in_the_process_is_refused(root: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SECOND_LIBRARY], cwd=root, capture_output=True, text=True, check=True
    )
    assert "beside the store's SQLite" in said.stdout


ONE_LIBRARY = """
from pathlib import Path
from edge.services import catalogue, inbox, requests, returns, robot, sessions, tasks
from edge.store import database
import sqlite3
database.sqlite.check_library()
names = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
print([name for name in names if "sqlite" in name.lower()], sqlite3.sqlite_version)
"""


def test_all_services_together_load_one_sqlite(root: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ONE_LIBRARY], cwd=root, capture_output=True, text=True, check=True
    )
    libraries, _, version = said.stdout.strip().rpartition("] ")
    assert libraries.count(".so") == 1 and "pysqlite3" in libraries
    assert version == sqlite.sqlite3.sqlite_version
