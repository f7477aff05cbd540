"""What is wrong with a store: its pages, its references, its sealed rows. Looks, and changes nothing."""

import contextlib
from pathlib import Path

from edge.domain.errors import SetupError
from edge.store import opening, seal, sqlite

MOST = 20
"""Problems named at most."""
UNSEALED = f"the rows of {' and '.join(seal.SEALED)} are not what was written"
RESTORE = opening.RESTORE


def problems(path: Path) -> list[str]:
    """In words, the first of many; none for a store that is sound. Raises SetupError where it cannot be opened."""
    opening.check(path)
    try:
        with contextlib.closing(opening.connect(path, "ro")) as connection:
            return _problems(connection)
    except (sqlite.sqlite3.Error, UnicodeDecodeError) as error:
        return [str(error)]


def mark(path: Path, found: list[str]) -> None:
    """Note that the store is damaged, so that it is not opened again before somebody has looked; or that it is not."""
    note = _note(path)
    if found:
        note.write_text("\n".join(found) + "\n", encoding="utf-8")
    else:
        note.unlink(missing_ok=True)


def refuse_damaged(path: Path) -> None:
    """Raises SetupError where it was noted that the store is damaged."""
    note = _note(path)
    if not note.exists():
        return
    said = note.read_text(encoding="utf-8").partition("\n")[0]
    raise SetupError(
        f"The store {path} was found damaged: {said}.", hint=f"See luna db check. {RESTORE}"
    )


def _note(path: Path) -> Path:
    return path.with_name(f"{path.stem}.damaged")


def _problems(connection: sqlite.Connection) -> list[str]:
    found = [
        str(row[0])
        for row in connection.execute(f"PRAGMA integrity_check({MOST})")
        if row[0] != "ok"
    ]
    for row in connection.execute("PRAGMA foreign_key_check"):
        found.append(f"a row of {row[0]} names one of {row[2]} that is not there")
    if not found and not seal.holds(connection):
        found.append(UNSEALED)
    return found[:MOST]
