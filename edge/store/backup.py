"""Copies of the store: made while it is in use, kept for a while, and put back.

A copy is called by its time, and has the digest of its bytes beside it, so that half of one is never taken for a whole.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from datetime import datetime
from pathlib import Path

from edge.clock import SystemClock
from edge.domain.errors import SetupError
from edge.ports import Clock
from edge.store import examination, opening, sqlite
from edge.store.migrations import SCHEMA_VERSION
from edge.store.transaction import new_id

FOLDER = "backups"
_STAMP = "%Y%m%dT%H%M%SZ"
_STEP_PAGES, _PAUSE_S = 256, 0.01
"""A mebibyte at a time, so that those who write meanwhile wait for no more than that."""
_ROOM_BYTES = 64 << 20
"""What must be free after a copy."""


def back_up(store: Path, folder: Path, *, clock: Clock | None = None) -> Path:
    """Copy a store that is in use, as it is at one moment. Raises SetupError, sqlite3.Error, OSError."""
    opening.check_clock(clock or SystemClock())  # it would be taken for the oldest
    folder.mkdir(mode=0o700, exist_ok=True)
    _need_room(folder, 2 * store.stat().st_size)
    name = f"{store.stem}-{(clock or SystemClock()).now():{_STAMP}}.db"
    draft = folder / f".{name}.partial"
    for left in folder.glob(".*.partial*"):
        left.unlink()
    try:
        _copy(store, draft)
        found = examination.problems(draft)
        if found:
            raise SetupError(f"The store is damaged: {found[0]}.", hint=examination.RESTORE)
        _write_digest(draft, folder / name)
        _sync(draft)
        draft.rename(folder / name)
        opening.sync_folder(folder)
    finally:
        draft.unlink(missing_ok=True)
    return folder / name


def backups(folder: Path) -> list[Path]:
    """The newest first."""
    return sorted(folder.glob("*-*.db"), reverse=True)


def rotate(folder: Path, *, newest: int, days: int) -> None:
    """Keep the newest, and of each of the last days that have any the last one; remove the others."""
    found = backups(folder)
    last_of_day: dict[str, Path] = {}
    for one in found:
        last_of_day.setdefault(one.stem.rpartition("-")[2][:8], one)
    keep = {*found[:newest], *list(last_of_day.values())[:days]}
    for one in set(found) - keep:
        one.unlink()
        _digest_file(one).unlink(missing_ok=True)


def migrate(store: Path, *, clock: Clock | None = None) -> Path | None:
    """Bring a store of an older program up to this one; where it is as it was, None where nothing had to be done.

    A copy is brought up, and takes the store's place only when it is whole: whatever fails in the middle, a power cut
    too, the store is as it was. Nobody may have it open. Raises SetupError with nothing changed.
    """
    clock = clock or SystemClock()
    if store.stat().st_size == 0 or opening.schema_version(store) == SCHEMA_VERSION:
        return None
    opening.check_clock(clock)
    opening.refuse_newer(store)
    draft = store.with_name(f".{store.name}.new")
    _remove(draft)
    try:
        _need_room(store.parent, 2 * store.stat().st_size)
        _copy(store, draft)
        opening.create(draft, clock=clock)
        _sync(draft)
        aside = _keep_aside(store, clock.now())
        draft.replace(store)
        opening.sync_folder(store.parent)
    except (sqlite.sqlite3.Error, OSError) as error:
        raise SetupError(
            f"The store {store} cannot be brought up to date and stays as it was: {error}.",
            hint="Use the program that made it, and report this.",
        ) from error
    finally:
        _remove(draft)
    return aside


def restore(backup: Path, store: Path, *, clock: Clock | None = None) -> Path | None:
    """Put a copy of `backup` in the store's place, brought up to this program's schema; where the store that was there
    is now, None where none was.

    Nobody may have the store open. Raises SetupError with nothing changed.
    """
    now = (clock or SystemClock()).now()
    _refuse_unfit(backup)
    _need_room(store.parent, backup.stat().st_size)
    draft = store.with_name(f".{store.name}.new")
    _remove(draft)
    try:
        shutil.copyfile(backup, draft)
        draft.chmod(0o600)
        if 0 < opening.schema_version(draft) < SCHEMA_VERSION:  # of before an upgrade
            opening.create(draft, clock=clock)
        found = examination.problems(draft)
        if found:
            raise SetupError(f"The backup {backup} is damaged: {found[0]}.", hint=_OLDER)
        _begin_new_life(draft)
        _sync(draft)
        aside = _move_aside(store, now)
        draft.rename(store)
        opening.sync_folder(store.parent)
    except OSError as error:
        raise SetupError(
            f"{store} cannot be replaced: {error}.", hint="Make room, or allow it."
        ) from error
    except sqlite.sqlite3.Error as error:
        raise SetupError(f"The backup {backup} is damaged: {error}.", hint=_OLDER) from error
    finally:
        _remove(draft)
    examination.mark(store, [])
    return aside


_OLDER = "Take an older one: luna db backups lists them."


def _copy(store: Path, draft: Path) -> None:
    with (
        contextlib.closing(opening.connect(store, "ro")) as source,
        contextlib.closing(sqlite.connect(str(draft))) as target,
    ):
        draft.chmod(0o600)
        # One view for the whole copy: else it begins anew whenever somebody writes.
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM meta").fetchone()
        with draft.open("rb") as file:
            # Bit by bit: a sync of all of it at the end would hold up everybody's.
            source.backup(
                target,
                pages=_STEP_PAGES,
                sleep=_PAUSE_S,
                progress=lambda *_: os.fdatasync(file.fileno()),
            )
        source.execute("ROLLBACK")


def _refuse_unfit(backup: Path) -> None:
    if not backup.is_file():
        raise SetupError(
            f"There is no backup {backup}.", hint="luna db backups lists those there are."
        )
    size = backup.stat().st_size
    wanted = _digest_file(backup)
    if wanted.exists() and wanted.read_text().split()[:1] != [_digest(backup)]:
        raise SetupError(
            f"{backup} is not the backup that was made: half of it, or damaged.", hint=_OLDER
        )
    with backup.open("rb") as file:
        header = file.read(100)
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if not header.startswith(b"SQLite format 3\0"):
        raise SetupError(f"{backup} is not a LUNA store.", hint=_OLDER)
    if size != (65_536 if page == 1 else page) * pages:
        raise SetupError(f"{backup} is only half copied.", hint=_OLDER)


def _begin_new_life(path: Path) -> None:
    """The other side knows more of the old life than this copy: its events would be taken for old ones. So what it has
    not got yet is told as the beginning of a new stream."""
    with contextlib.closing(opening.connect(path, "rw")) as connection:
        for act in _NEW_LIFE:
            connection.execute(act, {"birth": new_id()} if ":birth" in act else {})


_NEW_LIFE = (
    "BEGIN IMMEDIATE",
    """DELETE FROM outbox WHERE seq <= ifnull((SELECT through FROM sync_cursor, meta AS robot, meta AS life
        WHERE direction = 'up' AND robot.key = 'robot_id' AND life.key = 'birth'
        AND stream = robot.value || ':' || life.value), 0)""",
    "CREATE TEMP TABLE told AS SELECT seq AS old, row_number() OVER (ORDER BY seq) AS new FROM outbox",
    "UPDATE outbox SET seq = -(SELECT new FROM told WHERE old = seq)",
    "UPDATE outbox SET seq = -seq",
    "UPDATE sqlite_sequence SET seq = (SELECT COUNT(*) FROM told) WHERE name = 'outbox'",
    "UPDATE meta SET value = :birth WHERE key = 'birth'",
    "COMMIT",
)


def _move_aside(store: Path, now: datetime) -> Path | None:
    """The store with its log, whatever is in them."""
    if not store.exists():
        return None
    aside = store.with_name(f"{store.stem}-replaced-{now:{_STAMP}}.db")
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{store}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    return aside


def _keep_aside(store: Path, now: datetime) -> Path:
    """A second name of the store as it is; its log is written back first, so that no other file finds it."""
    with contextlib.closing(opening.connect(store, "rw")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if Path(f"{store}-wal").exists():
        raise OSError(errno.EBUSY, "somebody has it open")
    aside = store.with_name(f"{store.stem}-before-{now:{_STAMP}}.db")
    aside.hardlink_to(store)
    return aside


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _ROOM_BYTES:
        raise SetupError(
            f"There is no room for a copy in {folder}: {size >> 20} MiB, and {free >> 20} MiB are free.",
            hint="Make room on the disk.",
        )


def _write_digest(file: Path, name: Path) -> None:
    _digest_file(name).write_text(f"{_digest(file)}  {name.name}\n")
    _sync(_digest_file(name))


def _digest_file(backup: Path) -> Path:
    return backup.with_name(f"{backup.name}.sha256")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(file: Path) -> None:
    with file.open("rb") as content:
        os.fsync(content.fileno())


def _remove(draft: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)
