"""How large a store is, and what is in it."""

import contextlib
from pathlib import Path

from edge.store import backup, opening
from edge.store.ballast import Ballast
from edge.store.migrations import SCHEMA_VERSION

Value = int | str


def of(store: Path, folder: Path) -> dict[str, Value]:
    """By name; sizes in bytes, and rows of each table. `folder`: where its copies are."""
    log = Path(f"{store}-wal")
    copies = backup.backups(folder)
    ballast = Ballast.beside(store)
    with contextlib.closing(opening.connect(store, "ro")) as connection:

        def value(sql: str) -> Value:
            (found,) = connection.execute(sql).fetchone()
            return found if isinstance(found, int) else str(found)

        tables = [
            str(name)
            for (name,) in connection.execute(
                """SELECT name FROM pragma_table_list
                WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"""
            )
        ]
        return {
            "file": str(store),
            "schema": SCHEMA_VERSION,
            "sqlite": value("SELECT sqlite_version()"),
            "bytes": store.stat().st_size,
            "bytes unused": int(value("PRAGMA freelist_count")) * int(value("PRAGMA page_size")),
            "bytes of log": log.stat().st_size if log.exists() else 0,
            "ballast": "given up"
            if ballast.spent
            else "there"
            if ballast.path.exists()
            else "none",
            "copies": len(copies),
            "newest copy": copies[0].name if copies else "none",
            **{f"rows of {name}": value(f'SELECT COUNT(*) FROM "{name}"') for name in tables},
        }
