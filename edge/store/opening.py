"""The store's file: making it, opening it, and refusing what is not one of ours."""

import contextlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.clock import SystemClock
from edge.domain.errors import ClockNotSetError, SetupError
from edge.domain.times import CLOCK_WAS_SET
from edge.ports import Clock
from edge.store import seal, sqlite
from edge.store.ballast import Ballast
from edge.store.migrations import APPLICATION_ID, SCHEMA_VERSION
from edge.store.transaction import new_id, timestamp
from edge.store.trouble import Trouble, trouble_of

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process' commit; commits take milliseconds, a slow card's a second."""
SYNCHRONOUS = "FULL"
"""Not NORMAL: in WAL mode NORMAL loses acknowledged commits in a power cut."""
CHECKPOINT_PAGES = 1_000
"""The log is written back when it has grown to so many pages (of 4 KiB)."""
LOG_KEPT_BYTES = 4 << 20
"""A log that grew longer is cut back to this once it is written back."""

ANOTHER = "Use the program that made it, or another data directory."
RESTORE = "Put a backup in its place: luna db restore; what cannot be read is kept aside."
NOT_OURS = "Use another data directory, or put a backup in its place: luna db restore."


def create(path: Path, *, clock: Clock | None = None, robot_id: str = "") -> None:
    """Make the store at `path`, or bring it up to this program's schema. Raises SetupError."""
    from edge.store import migrations  # keeps sqlite-utils (and numpy) out of running processes

    clock = clock or SystemClock()
    sqlite.check_library()
    check_clock(clock)
    if path.exists():
        refuse_newer(path)
    connection = sqlite.connect(_uri(path, "rwc"), uri=True)
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        _configure(connection)
        migrations.apply(connection, before=seal.lift, after=seal.put)
        birth = {
            "birth": new_id(),
            "robot_id": robot_id,
            "created_at": timestamp(clock),
            "hlc": "",
        }
        connection.executemany(
            "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", birth.items()
        )
    finally:
        connection.close()
    sync_folder(path.parent)


def connect(path: Path, mode: str, **options: Any) -> sqlite.Connection:
    """`mode`: `rw` or `ro`, of a file that exists."""
    connection = sqlite.connect(_uri(path, mode), uri=True, **options)
    try:
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def check(path: Path) -> None:
    """Raises SetupError where the file is not a store of this program's schema."""
    if not path.exists():
        raise SetupError(
            f"There is no store at {path}.",
            hint="Run luna sim, or put a backup there: luna db restore.",
        )
    refuse_empty(path)
    found = schema_version(path)
    if found > SCHEMA_VERSION:
        refuse_newer(path)
    if found != SCHEMA_VERSION:
        raise SetupError(
            f"The store {path} has schema {found}; this program has {SCHEMA_VERSION}.",
            hint="Bring it up to date with luna db migrate, or use the program that made it.",
        )


def secure_log(path: Path) -> None:
    """After a sync that failed, what a process before us left in the log may be in the kernel's cache alone, which says
    that it is on the disk. So it is written once more before anybody builds on it; where others have the store open,
    they stand for it."""
    log = Path(f"{path}-wal")
    try:
        if not log.stat().st_size:
            return
    except OSError:
        return
    # Where others have it open, or it is no store, this fails; the latter is said later.
    with (
        contextlib.suppress(sqlite.sqlite3.Error),
        contextlib.closing(sqlite.connect(_uri(path, "rw"), uri=True, timeout=0)) as connection,
    ):
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
        with log.open("r+b", buffering=0) as file:
            content = file.read()
            file.seek(0)
            file.write(content)
            os.fsync(file.fileno())


def check_clock(clock: Clock) -> None:
    """Raises ClockNotSetError."""
    now = clock.now()
    if now < CLOCK_WAS_SET:
        raise ClockNotSetError(f"{now:%Y-%m-%d %H:%M}")


def schema_version(path: Path) -> int:
    """0 for a file that is still empty. Raises SetupError where it is not one of ours."""
    try:
        with contextlib.closing(_opened(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite.sqlite3.Error as error:
        if trouble_of(error, path) is Trouble.FULL:
            raise SetupError(f"The disk of {path} is full.", hint="Make room on it.") from error
        if _begins_as_ours(path):
            said = f"The store {path} is damaged, or only half of it is there: {error}."
            raise SetupError(said, hint=RESTORE) from error
        raise SetupError(f"{path} is not a LUNA store: {error}.", hint=NOT_OURS) from error
    if tables and application != APPLICATION_ID:
        raise SetupError(f"{path} is the database of another program.", hint=NOT_OURS)
    return int(version)


def _begins_as_ours(path: Path) -> bool:
    """By the head of the file, which half a copy has too."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        return False
    ours = head[68:] == APPLICATION_ID.to_bytes(4, "big")
    return head.startswith(b"SQLite format 3\0") and ours


def _opened(path: Path) -> sqlite.Connection:
    """On a disk without a free byte not even a reader can be opened: then the ballast goes first."""
    try:
        connection = connect(path, "rw")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite.sqlite3.Error as error:
        if trouble_of(error, path) is Trouble.FULL and Ballast.beside(path).give_up():
            return connect(path, "rw")
        raise
    return connection


def refuse_empty(path: Path) -> None:
    """Raises SetupError for a file in which nothing was ever written."""
    if path.is_file() and path.stat().st_size == 0:
        hint = f"{RESTORE} Where there is none, luna sim makes a new store."
        raise SetupError(f"The store {path} is empty.", hint=hint)


def refuse_newer(path: Path) -> None:
    """Raises SetupError."""
    found = schema_version(path)
    if found > SCHEMA_VERSION:
        raise SetupError(
            f"The store {path} has schema {found}, newer than this program's {SCHEMA_VERSION}.",
            hint=ANOTHER,
        )


def sync_folder(folder: Path) -> None:
    """A file that was made or renamed is still there after a power cut only when its folder is synced too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"


def _configure(connection: sqlite.Connection) -> None:
    for name, value in (
        ("busy_timeout", BUSY_TIMEOUT_MS),
        ("foreign_keys", "ON"),
        ("synchronous", SYNCHRONOUS),
        ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ("journal_size_limit", LOG_KEPT_BYTES),
    ):
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
