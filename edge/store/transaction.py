"""A view of the store, and a change in the making: what every query and every change is given."""

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import orjson
from uuid_utils import uuid7

from edge.clock import HybridLogicalClock
from edge.domain.errors import LunaError, StorageFullError
from edge.domain.times import format_time, later
from edge.domain.users import Actor
from edge.ports import Clock
from edge.store import seal, sqlite


def timestamp(clock: Clock) -> str:
    """Now, as records keep it: RFC 3339, UTC, milliseconds."""
    return format_time(clock.now())


def new_id() -> str:
    """A UUIDv7: unique everywhere, and sorted by time."""
    return str(uuid7())


def to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


class ChangeStandsError(Exception):
    """Raise it with `error`: the one who asked gets that error, and yet the change is kept."""

    def __init__(self, error: LunaError) -> None:
        super().__init__(str(error))
        self.error = error


COUNTS_KEPT = 64


class Reader:
    """One consistent view of the store. `now` is the time at which it was taken."""

    def __init__(
        self,
        connection: sqlite.Connection,
        now: str,
        check: Callable[[], None] = lambda: None,
        counted: dict[Any, tuple[int, int]] | None = None,
    ) -> None:
        """`check` raises where the view is no more; `counted`: this connection's counts, if it only reads."""
        self.connection = connection
        self.now = now
        self._check = check
        self._counted = counted

    def rows(self, sql: str, *values: Any) -> list[sqlite.Row]:
        self._check()
        rows: list[sqlite.Row] = self.connection.execute(sql, values).fetchall()
        return rows

    def row(self, sql: str, *values: Any) -> sqlite.Row | None:
        self._check()
        row: sqlite.Row | None = self.connection.execute(sql, values).fetchone()
        return row

    def value(self, sql: str, *values: Any) -> Any:
        row = self.row(sql, *values)
        return None if row is None else row[0]

    def count(self, rest: str, *values: Any) -> int:
        """`SELECT COUNT(*) {rest}`; counted again only once somebody has changed the store."""
        sql, version = f"SELECT COUNT(*) {rest}", 0
        if self._counted is not None:
            version = int(self.value("PRAGMA data_version"))
            known = self._counted.get((sql, values))
            if known is not None and known[0] == version:
                return known[1]
        found = int(self.value(sql, *values))
        if self._counted is not None:
            if len(self._counted) >= COUNTS_KEPT:
                self._counted.clear()
            self._counted[sql, values] = version, found
        return found


class Transaction(Reader):
    """Changes in the making: whoever gets one may write. `now` is the one time of all that one commit holds."""

    def __init__(
        self,
        connection: sqlite.Connection,
        *,
        clock: Clock,
        now: str,
        home: str,
        room: Callable[[], bool],
    ) -> None:
        super().__init__(connection, now)
        self._home = home
        self._clock = clock
        self._room = room
        self._seal = False
        self._hlc: HybridLogicalClock | None = None

    def act_for(self, actor: Actor) -> None:
        """From here on it is this one who changes something."""
        self.actor = actor
        self.origin = actor.origin or self._home
        """Whose change it is: the robot's id, or `central`."""

    def execute(self, sql: str, *values: Any) -> int:
        """Run one statement; the number of rows it changed."""
        self._seal = self._seal or seal.concerns(sql)
        return int(self.connection.execute(sql, values).rowcount)

    def insert(self, table: str, **columns: Any) -> None:
        self.execute(_insertion(table, tuple(columns)), *columns.values())

    def update(self, table: str, record_id: str, **columns: Any) -> int:
        """Set columns of the row with this id; the number of rows, 0 or 1."""
        return self.execute(_change(table, tuple(columns)), *columns.values(), record_id)

    def need_room(self) -> None:
        """For what begins something: on a full disk only what has begun is written. Raises StorageFullError."""
        if not self._room():
            raise StorageFullError()

    def later(self, seconds: float) -> str:
        """The time so many seconds from now."""
        return later(self.now, seconds)

    def stamp(self) -> str:
        """The next stamp of the store's hybrid logical clock."""
        return self._logical_clock().tick()

    def witness(self, stamp: str) -> bool:
        """Take note of another store's stamp. False where it is too far ahead to be believed."""
        return self._logical_clock().witness(stamp)

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """A part of the change that undoes itself alone where it raises."""
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:  # a full disk has undone all of it already
                self.connection.execute("ROLLBACK TO part")
                self.connection.execute("RELEASE part")
            raise
        self.connection.execute("RELEASE part")

    def finish(self) -> None:
        """Write down what was only counted in memory."""
        if self._seal:
            seal.put(self.connection)
        if self._hlc is not None:
            self.execute("UPDATE meta SET value = ? WHERE key = 'hlc'", self._hlc.last)

    def _logical_clock(self) -> HybridLogicalClock:
        if self._hlc is None:
            last = self.value("SELECT value FROM meta WHERE key = 'hlc'")
            self._hlc = HybridLogicalClock(self._clock, str(last or ""))
        return self._hlc


@cache
def _insertion(table: str, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(names))})"


@cache
def _change(table: str, names: tuple[str, ...]) -> str:
    settings = ", ".join(f'"{name}" = ?' for name in names)
    return f"UPDATE {table} SET {settings} WHERE id = ?"
