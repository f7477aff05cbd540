"""Rows that the robot drives by, sealed: SQLite notices a page that is broken, and not a number that is another.

A flipped bit in a width or a speed would pass every check of the file. So a digest of these rows is written with each
change of them, and compared when the store is opened.
"""

import hashlib
from functools import lru_cache

from edge.store.sqlite import Connection, sqlite3

SEALED = ("waypoint", "lane")
_KEY = "seal"


@lru_cache
def concerns(sql: str) -> bool:
    """Whether a statement may change sealed rows."""
    return any(table in sql for table in SEALED)


def put(connection: Connection) -> None:
    """Seal the rows as they are now, in the caller's transaction."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_KEY, _digest(connection)),
    )


def lift(connection: Connection) -> None:
    """Before the tables themselves change."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        connection.execute("DELETE FROM meta WHERE key = ?", (_KEY,))


def holds(connection: Connection) -> bool:
    """Also where nothing was sealed yet."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    try:
        return row is None or bool(row[0] == _digest(connection))
    except (sqlite3.Error, UnicodeDecodeError):
        return False


def _digest(connection: Connection) -> str:
    found = hashlib.sha256()
    for table in SEALED:
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY id"):
            found.update(repr(tuple(row)).encode())
    return found.hexdigest()
