"""Durable queues that one could have taken: run by an interpreter that has some of them, `store_peers.py COUNT`.

Stands alone. Prints JSON: for each that is installed, tasks a second of enqueueing and of claiming with completing,
each step durable (WAL, FULL), beside Python's own sqlite3 used as well as it can be.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TASK = {
    "kind": "deliver",
    "book": "978-3-16-148410-0",
    "from": "shelf-12",
    "to": "desk-3",
    "priority": 5,
    "patron": "u-10442",
    "note": "x" * 60,
}
TABLES = """CREATE TABLE task (id INTEGER PRIMARY KEY, state INT NOT NULL DEFAULT 0, priority INT NOT NULL DEFAULT 0,
 payload TEXT NOT NULL, claimed_at REAL, done_at REAL);
CREATE INDEX task_ready ON task(priority DESC, id) WHERE state = 0;"""
CLAIM = """UPDATE task SET state = 1, claimed_at = ? WHERE id =
 (SELECT id FROM task WHERE state = 0 ORDER BY priority DESC, id LIMIT 1) RETURNING id, payload"""

Way = tuple[Callable[[], object], Callable[[], object]]
"""Enqueue one, and claim and complete one."""


def opened(folder: Path) -> Any:
    import sqlite3  # not with this module, which others read too

    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(TABLES)
    return connection


def raw(folder: Path) -> Way:
    connection = opened(folder)

    def put() -> None:
        connection.execute(
            "INSERT INTO task (payload, priority) VALUES (?, 5)", (json.dumps(TASK),)
        )

    def take() -> None:
        number, payload = connection.execute(CLAIM, (time.time(),)).fetchone()
        json.loads(payload)
        connection.execute(
            "UPDATE task SET state = 2, done_at = ? WHERE id = ?", (time.time(), number)
        )

    return put, take


def litequeue(folder: Path) -> Way:
    found: Any = import_module("litequeue").LiteQueue(str(folder / "queue.db"))
    found.conn.execute("PRAGMA synchronous = FULL")
    return lambda: found.put(json.dumps(TASK)), lambda: found.done(found.pop().message_id)


def persist_queue(folder: Path) -> Way:
    found: Any = import_module("persistqueue").SQLiteAckQueue(str(folder), auto_commit=True)
    return lambda: found.put(TASK), lambda: found.ack(found.get(block=False))


def huey(folder: Path) -> Way:
    library = import_module("huey")
    found: Any = library.SqliteHuey("q", filename=str(folder / "q.db"), fsync=True, immediate=False)
    task = found.task()(lambda what: 1)
    return lambda: task(TASK), lambda: found.execute(found.dequeue())


def sqlalchemy(folder: Path) -> Way:
    import sqlalchemy as library
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    class Task(Base):
        __tablename__ = "task"
        id: Mapped[int] = mapped_column(primary_key=True)
        state: Mapped[int] = mapped_column(default=0, index=True)
        priority: Mapped[int]
        payload: Mapped[str]

    engine = library.create_engine(f"sqlite:///{folder / 'sa.db'}")

    @library.event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    Base.metadata.create_all(engine)

    def put() -> None:
        with Session(engine) as session:
            session.add(Task(priority=5, payload=json.dumps(TASK)))
            session.commit()

    def take() -> None:
        with Session(engine) as session:
            ready = library.select(Task).where(Task.state == 0)
            task = session.scalars(ready.order_by(Task.priority.desc(), Task.id).limit(1)).one()
            for state in (1, 2):
                task.state = state
                session.commit()

    return put, take


WAYS = {
    "raw": raw,
    "litequeue": litequeue,
    "persist-queue": persist_queue,
    "huey": huey,
    "SQLAlchemy": sqlalchemy,
}


def main() -> None:
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, way in WAYS.items():
            # In the folder where it was started: on the disk that is measured.
            with (
                contextlib.suppress(ImportError),
                tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
            ):
                put, take = way(Path(folder))
                found.setdefault(name, []).append((_rate(put, count), _rate(take, count)))
    print(json.dumps(found), flush=True)
    os._exit(0)  # some of them have threads that stay


def _rate(act: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        act()
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
