"""The one SQLite library of the process.

Two copies of SQLite in a process silently drop each other's file locks, and copies before 3.51.3
can corrupt a WAL that two connections write (SQLite, "WAL-reset bug"). So the library is chosen
here, once, and checked.
"""

import sys
from typing import Any

import pysqlite3
import pysqlite3.dbapi2 as sqlite3
from pysqlite3.dbapi2 import Connection, Cursor, Row

from edge.domain.errors import SetupError

MINIMUM = (3, 51, 3)

STATEMENTS = 256
"""Kept prepared by each connection: about as many as the program has."""

# Whoever asks for Python's sqlite3 after us gets the same library; who asked before is found by
# check_library().
sys.modules.setdefault("sqlite3", pysqlite3)
sys.modules.setdefault("sqlite3.dbapi2", sqlite3)

__all__ = [
    "MISFIT",
    "Connection",
    "Cursor",
    "Row",
    "check_library",
    "connect",
    "library_version",
    "sqlite3",
]

MISFIT = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    OverflowError,
)
"""Raised for a value that its column cannot hold. All others (busy, full, broken) are the store's own trouble."""


def library_version() -> tuple[int, ...]:
    """Version of the SQLite in this process."""
    return tuple(int(part) for part in sqlite3.sqlite_version.split("."))


def check_library() -> None:
    """Raises SetupError where SQLite is too old, or a second one is loaded beside it."""
    if library_version() < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise SetupError(
            f"SQLite {sqlite3.sqlite_version} can corrupt the store; {wanted} or newer is needed.",
            hint="Run make setup.",
        )
    if "_sqlite3" in sys.modules:
        raise SetupError(
            "Python's own sqlite3 is loaded beside the store's SQLite; together they lose locks.",
            hint="Remove the import of sqlite3 from this process.",
        )


def connect(path: str, **options: Any) -> Connection:
    """A connection in autocommit mode: transactions begin where the store says BEGIN."""
    connection = sqlite3.connect(
        path, isolation_level=None, cached_statements=STATEMENTS, **options
    )
    connection.row_factory = Row
    return connection
