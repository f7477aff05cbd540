"""What bare SQLite takes for the same writes: the statements of each change, recorded and then played again.

The store's own tables and indexes, the same values, one transaction a change, and nothing that decides what to write.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from edge.domain.inventory import BookDraft, CopyDraft
from edge.domain.users import SYSTEM, Role
from edge.domain.waypoints import Waypoint, WaypointKind
from edge.services import catalogue, places, users
from edge.store import opening
from edge.store.database import Database, Transaction, create

ROBOT, READER = "luna-01", "reader"
Change = list[tuple[str, tuple[Any, ...]]]
"""Statements with their values."""
NARROW = ("INSERT INTO task ", "INSERT INTO task_history ", "INSERT INTO outbox ")


def seed(folder: Path, books: int = 0) -> Path:
    """A store with two desks and a room; with books of one copy also a reader and a librarian."""
    path = folder / f"seed-{books}.db"
    create(path, robot_id=ROBOT)
    database = Database.open(path)
    database.write(SYSTEM, lambda tx: _fill(tx, books))
    database.close()
    return path


def _fill(tx: Transaction, books: int) -> None:
    kinds = {"DESK-1": WaypointKind.DESK, "DESK-2": WaypointKind.DESK, "ROOM-1": WaypointKind.ROOM}
    sites = [Waypoint(code.lower(), code, code, 0, 0, kind=kind) for code, kind in kinds.items()]
    places.load_site(tx, sites, [])
    for number in range(books):
        book = BookDraft(f"Book {number}", "Author")
        catalogue.add_book(tx, book, copies=[CopyDraft()], source_key=str(number))
    for name, role in ((READER, Role.STUDENT), ("librarian", Role.LIBRARIAN)) if books else ():
        users.register(
            tx,
            user_id=name,
            email=f"{name}@example.org",
            password_hash="x",
            first_name=name,
            last_name=name,
            role=role,
        )


@contextlib.contextmanager
def copied(seed: Path) -> Iterator[Path]:
    """Another store that begins as `seed` does."""
    with tempfile.TemporaryDirectory(dir=seed.parent) as folder:
        path = Path(folder) / "luna.db"
        shutil.copyfile(seed, path)
        yield path


@contextlib.contextmanager
def opened(seed: Path) -> Iterator[Database]:
    with copied(seed) as path:
        database = Database.open(path)
        try:
            yield database
        finally:
            database.close()


def recorded(seed: Path, acts: Sequence[Callable[[Transaction], object]]) -> list[Change]:
    """What these changes write, one after the other, each in its own transaction."""
    changes: list[Change] = []
    execute = Transaction.execute

    def spy(tx: Transaction, sql: str, *values: Any) -> int:
        changes[-1].append((sql, values))
        return execute(tx, sql, *values)

    with opened(seed) as database, mock.patch.object(Transaction, "execute", spy):
        for act in acts:
            changes.append([])
            database.write(SYSTEM, act)
    return changes


def narrow(changes: list[Change]) -> list[Change]:
    """Of orders: the rows of task, history and outbox alone."""
    return [[one for one in change if one[0].startswith(NARROW)] for change in changes]


@contextlib.contextmanager
def played(seed: Path, changes: list[Change]) -> Iterator[Callable[[], None]]:
    """Each call does the next change."""
    with copied(seed) as path, contextlib.closing(opening.connect(path, "rw")) as connection:
        to_come = iter(changes)

        def play() -> None:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in next(to_come):
                connection.execute(sql, values)
            connection.execute("COMMIT")

        yield play
