"""The views of a process: readers, and the end of those that keep the log from being written back."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.domain.errors import UnavailableError
from edge.ports import Clock
from edge.store import opening, sqlite
from edge.store.transaction import Reader, timestamp

LOG_SOFT_BYTES, LOG_HARD_BYTES = 8 << 20, 12 << 20
VIEW_S, VIEW_HARD_S = 2.0, 0.1
"""A view may last this long while the log is over its soft and its hard limit. Else it may last as it likes."""


class View:
    """One connection's view; `end` may be called from any thread."""

    def __init__(
        self, connection: sqlite.Connection, now: str, counted: dict[Any, tuple[int, int]]
    ) -> None:
        self.since = time.monotonic()
        self.ended = self._over = False
        self._connection = connection
        self._lock = threading.Lock()
        connection.execute("BEGIN")
        self.reader = Reader(connection, now, self._check, counted)

    def end(self, *, in_the_way: bool = False) -> None:
        with self._lock:
            if self._over:
                return  # and its connection may have the next view by now
            self._over, self.ended = True, in_the_way
            if in_the_way:
                self._connection.interrupt()
            with contextlib.suppress(sqlite.sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _check(self) -> None:
        if self.ended:
            raise UnavailableError("STORE_BUSY")


class Views:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._connections = threading.local()
        self._open: dict[int, View] = {}
        self._all: list[sqlite.Connection] = []
        self._log_bytes, self._grown_at = 0, 0.0

    @contextlib.contextmanager
    def view(self) -> Iterator[Reader]:
        """Raises UnavailableError where it was ended because it kept the log from being written back."""
        connection = self.connection()
        view = View(connection, timestamp(self._clock), self._connections.counted)
        self._open[id(view)] = view
        try:
            yield view.reader
        except sqlite.sqlite3.Error:
            view._check()
            raise
        finally:
            del self._open[id(view)]
            view.end()

    def connection(self) -> sqlite.Connection:
        """This thread's own."""
        connection: sqlite.Connection | None = getattr(self._connections, "connection", None)
        if connection is None:
            connection = opening.connect(self._path, "ro", check_same_thread=False)
            connection.execute("PRAGMA query_only = ON")
            self._connections.connection = connection
            self._connections.counted = {}
            self._all.append(connection)
        return connection

    def close(self) -> None:
        """Those that nobody reads by."""
        for connection in self._all:
            if not connection.in_transaction:
                connection.close()

    def end_those_in_the_way(self, log_bytes: int) -> int:
        """How many were ended: those under which a log of this size has been growing for too long."""
        if log_bytes > self._log_bytes:
            self._grown_at = time.monotonic()
        self._log_bytes = log_bytes
        if log_bytes < LOG_SOFT_BYTES or not self._open:
            return 0
        limit_s = VIEW_HARD_S if log_bytes >= LOG_HARD_BYTES else VIEW_S
        old = [one for one in list(self._open.values()) if self._grown_at - one.since > limit_s]
        for view in old:
            view.end(in_the_way=True)
        return len(old)
