"""The central server's file: opening it, and transactions on its one connection."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import StaticPool
from uuid_utils import compat as uuids

from central import tables
from sync.wire.stamps import HybridLogicalClock, SystemClock


class Store:
    """One connection that one thread has at a time: with SQLite before 3.51.3, two that write a WAL can corrupt it."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._engine = create_engine(
            f"sqlite:///{path}",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        event.listen(self._engine, "connect", _configure)
        with self.transaction() as tx:
            tables.metadata.create_all(tx)
            tx.execute(
                insert(tables.meta).values(key="birth", value=new_id()).on_conflict_do_nothing()
            )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Reads and writes of one story: all of it is durable at the end, or none."""
        with self._lock, self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        with self._lock:
            self._engine.dispose()


def new_id() -> str:
    return str(uuids.uuid7())


def timestamp() -> str:
    """Now: RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def get_meta(tx: Connection, key: str) -> str:
    value = tx.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()
    return str(value or "")


def stamp(tx: Connection) -> str:
    """The next stamp of this server's hybrid logical clock."""
    tick = HybridLogicalClock(SystemClock(), get_meta(tx, "hlc")).tick()
    row = insert(tables.meta).values(key="hlc", value=tick)
    tx.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": tick}))
    return tick


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}")
