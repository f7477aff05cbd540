"""The one connection of a process that writes: many changes in one durable commit, and what happens when it fails."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from edge.domain.errors import StorageFailedError
from edge.domain.users import Actor
from edge.ports import Clock
from edge.store import opening, seal, sqlite
from edge.store.ballast import Ballast
from edge.store.transaction import ChangeStandsError, Transaction, timestamp
from edge.store.trouble import Trouble, in_words, trouble_of

T = TypeVar("T")
log = logging.getLogger(__name__)

MEND_EVERY_S = 1.0
"""A disk that fails is asked so often whether it is well again."""


@dataclass(slots=True)
class Job(Generic[T]):
    actor: Actor
    work: Callable[[Transaction], T]


@dataclass(slots=True)
class Outcome:
    """`kept`: the change stays in the commit."""

    result: Any = None
    raised: Exception | None = None
    kept: bool = True


class WritingConnection:
    """Used by one thread at a time."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Raises sqlite3.Error."""
        self._path, self._clock = path, clock
        self._log = f"{path}-wal"
        self._ballast = Ballast.beside(path)
        self._connection = opening.connect(path, "rw", check_same_thread=False)
        self._failed: str | None = None
        self._damaged: str | None = None
        self._mend_at = 0.0
        self.origin = self._meta("robot_id")
        try:
            self._settle(wait_ms=0)
            self.sealed = seal.holds(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def commit(self, jobs: Sequence[Job[Any]]) -> list[Outcome]:
        """All of them in one transaction, durable when this returns. Raises Exception where none of them is."""
        if self._damaged is not None:
            raise StorageFailedError(self._damaged)
        if self._failed is not None:
            self._mend(self._failed)
        opening.check_clock(self._clock)
        try:
            return self._attempt(jobs)
        except sqlite.sqlite3.Error as error:
            self._roll_back()
            trouble = trouble_of(error, self._path)
            if trouble is Trouble.FULL and self._ballast.give_up():
                log.error("the disk is full: the ballast is given up, and nothing new is begun")
                return self.commit(jobs)
            if trouble is Trouble.DISK:
                log.error("the store fails: nothing is written until it is well again: %s", error)
                self._failed = str(error)
            if trouble is None:
                raise  # a mistake of ours
            raise in_words(trouble, error) from error
        except BaseException:  # Ctrl-C, in the thread of who asked
            self._roll_back()
            raise

    def refuse(self, why: str) -> None:
        """Write nothing more: the store is damaged."""
        self._damaged = why

    def log_bytes(self) -> int:
        """The size of the write-ahead log."""
        try:
            return os.stat(self._log).st_size  # noqa: PTH116 - thrice as fast, at each commit
        except OSError:
            return 0

    def close(self) -> None:
        """With the log written back, unless others are at it."""
        try:
            if self._failed is None:
                self._settle(wait_ms=0)
        except sqlite.sqlite3.Error as error:
            log.warning("the log is not written back: %s", error)
        finally:
            self._connection.close()

    def _attempt(self, jobs: Sequence[Job[Any]]) -> list[Outcome]:
        self._connection.execute("BEGIN IMMEDIATE")
        transaction = Transaction(
            self._connection,
            clock=self._clock,
            now=timestamp(self._clock),
            home=self.origin,
            room=lambda: not self._ballast.spent,
        )
        # One alone needs no savepoint, which takes a tenth of an order's time.
        run = self._run if len(jobs) == 1 else self._run_apart
        outcomes = [run(job, transaction) for job in jobs]
        if any(outcome.kept for outcome in outcomes):
            transaction.finish()
            self._connection.execute("COMMIT")
        else:
            self._connection.execute("ROLLBACK")
        return outcomes

    def _run_apart(self, job: Job[Any], transaction: Transaction) -> Outcome:
        """One change of several, so that it alone is undone."""
        self._connection.execute("SAVEPOINT change")
        outcome = self._run(job, transaction)
        if not outcome.kept:
            self._connection.execute("ROLLBACK TO change")
        self._connection.execute("RELEASE change")
        return outcome

    def _run(self, job: Job[Any], transaction: Transaction) -> Outcome:
        """What one change gave, or what it raised."""
        transaction.act_for(job.actor)
        try:
            return Outcome(job.work(transaction))
        except ChangeStandsError as refusal:
            return Outcome(raised=refusal.error)
        except Exception as error:  # it belongs to the one who asked, not to this thread
            if trouble_of(error, self._path):
                raise  # but this is everybody's
            return Outcome(raised=error, kept=False)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite.sqlite3.Error as error:
            self._failed = str(error)

    def _mend(self, why: str) -> None:
        """See whether the disk is well again. Raises StorageFailedError.

        After a sync that failed, the kernel takes what it could not write for written: what is read back looks well
        and is gone after a power cut. So all that is committed is written to the file once more, and the log is begun
        anew.
        """
        if time.monotonic() < self._mend_at:
            raise StorageFailedError(why)
        self._mend_at = time.monotonic() + MEND_EVERY_S
        try:
            fresh = opening.connect(self._path, "rw", check_same_thread=False)
            self._connection.close()
            self._connection = fresh
            self._settle(wait_ms=opening.BUSY_TIMEOUT_MS)
            (sound,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if sound != "ok" or not seal.holds(self._connection):
                raise StorageFailedError(why if sound == "ok" else str(sound))
        except sqlite.sqlite3.Error as error:
            raise StorageFailedError(str(error)) from error
        self._failed = None
        log.warning("the store is well again")

    def _settle(self, *, wait_ms: int) -> None:
        """Write the whole log back and begin it anew: what a process before us left in it may not be on the disk.

        With `wait_ms` 0 it is left where others have the store open: then it was begun by them.
        """
        self._connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
        try:
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {opening.BUSY_TIMEOUT_MS}")
        if busy and wait_ms:
            raise StorageFailedError("somebody keeps the log from being written back")

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0])
