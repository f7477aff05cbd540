"""The store: one writer with group commit, and readers.

Every change is a function that gets a Transaction. Who finds the pen free writes his own; the writer's thread runs
those that came meanwhile, each in a savepoint, inside one BEGIN IMMEDIATE, syncs once, and only then answers: nothing
is told before it is durable, and one sync serves all who wait. Reads go by connections of their own and never wait
for a writer.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from edge.clock import SystemClock
from edge.domain.errors import SetupError
from edge.domain.users import Actor
from edge.ports import Clock
from edge.store import examination, opening, sqlite
from edge.store.opening import create
from edge.store.transaction import (
    ChangeStandsError,
    Reader,
    Transaction,
    new_id,
    timestamp,
    to_json,
)
from edge.store.trouble import in_words, trouble_of
from edge.store.views import Views
from edge.store.writing import Job, Outcome, WritingConnection

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
Waiting = tuple[Job[Any], Future[Any]]
log = logging.getLogger(__name__)

GROUP_LIMIT = 64
"""Changes in one commit at most, so that the first of them does not wait for ever."""
LOOK_S = 1.0
"""So often somebody looks whether a view is in the way, where nothing is written."""


class Database:
    """Open with `open`; `close` may be called twice. Safe to use from any thread."""

    def __init__(self, path: Path, clock: Clock, on_commit: Callable[[], None]) -> None:
        self.path = path
        self.clock = clock
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._views = Views(path, clock)
        self._closed = False
        self._accepting = threading.Lock()
        """So that nothing is accepted behind the end, where nobody would answer it."""
        connection = WritingConnection(path, clock)  # opened here, used there
        if not connection.sealed:
            connection.close()
            found = examination.UNSEALED
            raise SetupError(f"In the store {path} {found}.", hint=examination.RESTORE)
        self._connection = connection
        self._pen = threading.Lock()
        """Held by the thread that uses the connection."""
        self._claimed = False
        """The writer's thread wants the pen: who writes again and again does not take it first."""
        self._writer = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(
        cls, path: Path, *, clock: Clock | None = None, on_commit: Callable[[], None] = lambda: None
    ) -> "Database":
        """Open a store that exists and has this program's schema. `on_commit` is called in the thread that wrote.

        Raises SetupError.
        """
        clock = clock or SystemClock()
        sqlite.check_library()
        opening.check_clock(clock)
        opening.secure_log(path)
        opening.check(path)
        examination.refuse_damaged(path)
        try:
            return cls(path, clock, on_commit)
        except sqlite.sqlite3.Error as error:
            raise SetupError(
                f"The store {path} cannot be used: {error}.",
                hint="luna db check says what is wrong with it, luna db restore puts a backup in its place.",
            ) from error

    def submit(self, actor: Actor, work: Callable[[Transaction], T]) -> "Future[T]":
        """Have `work` done in a transaction; the future is done when it is durable, or holds what it raised.

        `work` may be called twice, where the disk was full the first time.
        """
        future: Future[T] = Future()
        with self._accepting:
            self._refuse_closed()
            self._jobs.put((Job(actor, work), future))
        return future

    def write(self, actor: Actor, work: Callable[[Transaction], T]) -> T:
        """`submit`, and wait. Where nobody writes this thread does it itself, for two changes of thread take as long as
        the rest."""
        somebody_waits = self._claimed or not self._jobs.empty()
        if somebody_waits or not self._pen.acquire(blocking=False):
            return self.submit(actor, work).result()
        try:
            self._refuse_closed()
            (outcome,) = self._connection.commit([Job(actor, work)])
            self._tell([outcome])
        finally:
            self._pen.release()
        if outcome.raised is not None:
            raise outcome.raised
        result: T = outcome.result
        return result

    def read(self, query: Callable[[Reader], T]) -> T:
        """`query` on one consistent view, in the caller's thread. Raises UnavailableError."""
        try:
            with self._views.view() as reader:
                return query(reader)
        except sqlite.sqlite3.Error as error:
            trouble = trouble_of(error, self.path)
            if trouble is None:
                raise  # the query's own mistake
            raise in_words(trouble, error) from error

    def glance(self, query: Callable[[Reader], T]) -> T:
        """`read` for a single short statement: it needs no view to be consistent. Raises UnavailableError."""
        try:
            return query(Reader(self._views.connection(), ""))
        except sqlite.sqlite3.Error as error:
            trouble = trouble_of(error, self.path)
            if trouble is None:
                raise
            raise in_words(trouble, error) from error

    def data_version(self) -> int:
        """A number that changes when somebody else has committed. Cheap enough to ask once a second."""
        (version,) = self._views.connection().execute("PRAGMA data_version").fetchone()
        return int(version)

    def refuse(self, found: list[str]) -> None:
        """The store was found damaged: nothing more is written, now and after a restart."""
        log.error("the store is damaged: %s", found[0])
        examination.mark(self.path, found)
        self._connection.refuse(found[0])

    def close(self) -> None:
        with self._accepting:
            if self._closed:
                return
            self._closed = True
        # The readers first: only who may write removes the log, as the last one.
        self._views.close()
        self._jobs.put(None)
        self._writer.join()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise SetupError("The store is closed.")

    def _write_all(self) -> None:
        try:
            while True:
                try:
                    first = self._jobs.get(timeout=LOOK_S)
                except queue.Empty:
                    with self._pen:
                        self._look()
                    continue
                if first is None:
                    return
                self._claimed = True
                with self._pen:
                    self._claimed = False
                    self._serve([first, *self._more()])
        finally:
            with self._pen:
                self._connection.close()

    def _more(self) -> Iterator[Waiting]:
        """Those that wait as well."""
        for _ in range(GROUP_LIMIT - 1):
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is None:
                self._jobs.put(None)
                return
            yield job

    def _serve(self, group: list[Waiting]) -> None:
        # Who waits no longer (a cancelled request) is left out; from here on nobody can cancel.
        wanted = [one for one in group if one[1].set_running_or_notify_cancel()]
        if not wanted:
            return
        try:
            outcomes = self._connection.commit([job for job, _ in wanted])
        except Exception as error:
            for _, future in wanted:
                future.set_exception(error)
            return
        for (_, future), outcome in zip(wanted, outcomes, strict=True):
            if outcome.raised is None:
                future.set_result(outcome.result)
            else:
                future.set_exception(outcome.raised)
        self._tell(outcomes)

    def _tell(self, outcomes: list[Outcome]) -> None:
        self._look()
        if any(outcome.kept for outcome in outcomes):
            try:
                self._on_commit()
            except Exception:
                log.exception("a listener to commits failed")  # its trouble, not the store's

    def _look(self) -> None:
        """Whether a view is in the way of the log."""
        self._views.end_those_in_the_way(self._connection.log_bytes())
