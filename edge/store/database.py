"""The store's file: opening it, one writer with group commit, and readers.

Every change is a function that gets a Transaction. The writer's thread runs those that wait, each in a savepoint,
inside one BEGIN IMMEDIATE, syncs once, and only then answers: nothing is told before it is durable, and one sync
serves all who wait. Reads go by connections of their own and never wait for a writer.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from edge.clock import SystemClock
from edge.domain.errors import SetupError
from edge.domain.users import Actor
from edge.ports import Clock
from edge.store import sqlite
from edge.store.migrations import APPLICATION_ID, SCHEMA_VERSION
from edge.store.transaction import (
    ChangeStandsError,
    Reader,
    Transaction,
    new_id,
    timestamp,
    to_json,
)

__all__ = [
    "ChangeStandsError",
    "Database",
    "Reader",
    "Transaction",
    "create",
    "new_id",
    "timestamp",
    "to_json",
]

T = TypeVar("T")
log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process' commit; commits take milliseconds, a slow card's a second."""
GROUP_LIMIT = 64
"""Changes in one commit at most, so that the first of them does not wait for ever."""


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    actor: Actor
    work: Callable[[Transaction], T]
    future: "Future[T]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`kept`: the change stays in the commit."""

    result: Any = None
    raised: Exception | None = None
    kept: bool = True


class Database:
    """Open with `open`; `close` may be called twice. Safe to use from any thread."""

    def __init__(self, path: Path, clock: Clock, on_commit: Callable[[], None]) -> None:
        self.path = path
        self.clock = clock
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._readers = threading.local()
        self._closed = False
        connection = _connect(path, "rw", check_same_thread=False)  # opened here, used there
        self._origin = _meta(connection, "robot_id")
        self._writer = threading.Thread(
            target=self._write_all, args=(connection,), name="store-writer", daemon=True
        )
        self._writer.start()

    @classmethod
    def open(
        cls, path: Path, *, clock: Clock | None = None, on_commit: Callable[[], None] = lambda: None
    ) -> "Database":
        """Open a store that exists and has this program's schema. `on_commit` is called in the writer's thread.

        Raises SetupError.
        """
        sqlite.check_library()
        _check(path)
        return cls(path, clock or SystemClock(), on_commit)

    def submit(self, actor: Actor, work: Callable[[Transaction], T]) -> "Future[T]":
        """Have `work` done in a transaction; the future is done when it is durable, or holds what it raised."""
        if self._closed:
            raise SetupError("The store is closed.")
        future: Future[T] = Future()
        self._jobs.put(_Job(actor, work, future))
        return future

    def write(self, actor: Actor, work: Callable[[Transaction], T]) -> T:
        """`submit`, and wait."""
        return self.submit(actor, work).result()

    def read(self, query: Callable[[Reader], T]) -> T:
        """`query` on one consistent view, in the caller's thread."""
        with self._view() as reader:
            return query(reader)

    def data_version(self) -> int:
        """A number that changes when somebody else has committed. Cheap enough to ask once a second."""
        (version,) = self._reader_connection().execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()

    @contextlib.contextmanager
    def _view(self) -> Iterator[Reader]:
        connection = self._reader_connection()
        connection.execute("BEGIN")
        try:
            yield Reader(connection, timestamp(self.clock))
        finally:
            connection.execute("ROLLBACK")

    def _reader_connection(self) -> sqlite.Connection:
        connection: sqlite.Connection | None = getattr(self._readers, "connection", None)
        if connection is None:
            connection = _connect(self.path, "ro")
            connection.execute("PRAGMA query_only = ON")
            self._readers.connection = connection
        return connection

    def _write_all(self, connection: sqlite.Connection) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                group = [job, *self._waiting()]
                # Who waits no longer (a cancelled request) is left out; from here on nobody can cancel.
                wanted = [one for one in group if one.future.set_running_or_notify_cancel()]
                if wanted:
                    self._commit(connection, wanted)
        finally:
            connection.close()

    def _waiting(self) -> Iterator[_Job[Any]]:
        for _ in range(GROUP_LIMIT - 1):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._jobs.put(None)
                return
            yield job

    def _commit(self, connection: sqlite.Connection, group: list[_Job[Any]]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            now = timestamp(self.clock)
            outcomes = [self._run(connection, job, now) for job in group]
            connection.execute("COMMIT")
        except sqlite.sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in group:
                job.future.set_exception(error)
            return
        for job, outcome in zip(group, outcomes, strict=True):
            if outcome.raised is None:
                job.future.set_result(outcome.result)
            else:
                job.future.set_exception(outcome.raised)
        if any(outcome.kept for outcome in outcomes):
            self._tell()

    def _tell(self) -> None:
        try:
            self._on_commit()
        except Exception:
            log.exception("a listener to commits failed")  # its trouble, not the store's

    def _run(self, connection: sqlite.Connection, job: _Job[Any], now: str) -> "_Outcome":
        """One change in its savepoint: what it gave, or what it raised with all of it undone."""
        connection.execute("SAVEPOINT change")
        transaction = Transaction(
            connection, actor=job.actor, clock=self.clock, now=now, origin=self._origin
        )
        try:
            outcome = _Outcome(job.work(transaction))
            transaction.finish()
        except ChangeStandsError as refusal:
            transaction.finish()
            outcome = _Outcome(raised=refusal.error)
        except (
            Exception
        ) as error:  # whatever it is belongs to the one who asked, not to this thread
            connection.execute("ROLLBACK TO change")
            outcome = _Outcome(raised=error, kept=False)
        connection.execute("RELEASE change")
        return outcome


def create(path: Path, *, clock: Clock | None = None, robot_id: str = "") -> None:
    """Make the store at `path`, or bring it up to this program's schema. Raises SetupError."""
    from edge.store import migrations  # keeps sqlite-utils (and numpy) out of running processes

    sqlite.check_library()
    if path.exists():
        _refuse_newer(path)
    connection = sqlite.connect(f"file:{quote(str(path))}?mode=rwc", uri=True)
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        _configure(connection)
        migrations.apply(connection)
        birth = {
            "birth": new_id(),
            "robot_id": robot_id,
            "created_at": timestamp(clock or SystemClock()),
            "hlc": "",
        }
        connection.executemany(
            "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", birth.items()
        )
    finally:
        connection.close()


def _connect(path: Path, mode: str, **options: Any) -> sqlite.Connection:
    connection = sqlite.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, **options)
    _configure(connection)
    return connection


def _configure(connection: sqlite.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    # FULL, not NORMAL: in WAL mode NORMAL loses acknowledged commits in a power cut.
    connection.execute("PRAGMA synchronous = FULL")


def _meta(connection: sqlite.Connection, key: str) -> str:
    (value,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(value)


def _check(path: Path) -> None:
    if not path.exists():
        raise SetupError(f"There is no store at {path}.", hint="Run luna sim, or set the robot up.")
    found = _schema_version(path)
    if found != SCHEMA_VERSION:
        raise SetupError(
            f"The store {path} has schema {found}; this program has {SCHEMA_VERSION}.",
            hint="Use the program that made it, or another data directory.",
        )


def _refuse_newer(path: Path) -> None:
    found = _schema_version(path)
    if found > SCHEMA_VERSION:
        raise SetupError(
            f"The store {path} has schema {found}, newer than this program's {SCHEMA_VERSION}.",
            hint="Use the program that made it, or another data directory.",
        )


def _schema_version(path: Path) -> int:
    """0 for a file that is still empty."""
    other = "Use another data directory."
    try:
        with contextlib.closing(_connect(path, "rw")) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite.sqlite3.Error as error:
        raise SetupError(f"{path} is not a LUNA store: {error}.", hint=other) from error
    if tables and application != APPLICATION_ID:
        raise SetupError(f"{path} is the database of another program.", hint=other)
    return int(version)
