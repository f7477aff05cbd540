"""The store: durable steps of the queue, their syncs, their growth, and those who wait for them.

The limit is bare SQLite in the same process, by the same library and as durable. It is asked for three things: one row
of a table without indexes, which is the least that a durable step can be; the rows of task, history and outbox in the
store's own tables; and all that ours writes, statement by statement. Rates are medians of per-round ratios of what took
turns; syncs are counted by strace, which times nothing.
"""

import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import queues, store_peers, store_replay, store_waiters
from benchmarks.report import Row
from benchmarks.store_replay import READER, ROBOT
from edge.domain.tasks import TaskEvent, TaskType
from edge.domain.users import SYSTEM
from edge.services import requests, tasks, trips
from edge.store import sqlite
from edge.store.books import Books
from edge.store.database import Transaction

LEASE_S, BATCH, WAITING = 30.0, 50, 20
_PAYLOAD = json.dumps(store_peers.TASK)
FINISHED = """INSERT INTO task (id, task_type, priority, phase, source_location, destination_location,
        phase_since, created_at, completed_at)
    WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?)
    SELECT 'old-' || value, 'TRANSFER', 'NORMAL', 'COMPLETED', 'DESK-1', 'DESK-2', '',
        '2026-01-01T00:00:00.000Z', NULL FROM n"""
BACKLOG = FINISHED.replace("'old-'", "'new-'").replace("'COMPLETED'", "'QUEUED'")


def run(place: Path, *, quick: bool) -> list[Row]:
    count, rounds = (50, 1) if quick else (400, 5)
    seed, library = store_replay.seed(place), store_replay.seed(place, count)
    return [
        *_steps(seed, library, count, rounds),
        *_syncs(seed),
        *_growth(seed, (0, 10_000) if quick else (0, 100_000, 1_000_000)),
        *store_waiters.groups(seed, 80 if quick else 800, rounds),
        *store_waiters.slow_card(place, seed, 1.0 if quick else 5.0),
        *queues.beside_the_limit(place, count, rounds),
    ]


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("store", what, value, unit, aim, at_least=least)


# One step after the other


def order(tx: Transaction) -> None:
    """The queue's own enqueue: task, history, audit and outbox, and the clock of the outbox."""
    tasks.create_transfer(
        tx,
        task_type=TaskType.TRANSFER,
        source_location="DESK-1",
        destination_location="DESK-2",
        description=_PAYLOAD,
    )


def orders(tx: Transaction) -> None:
    for _ in range(BATCH):
        order(tx)


def ask(tx: Transaction) -> None:
    """A reader's whole order: request, copy, task, history, audit, what the reader and the staff are told, and all
    their events."""
    before = tx.value("SELECT ifnull(max(rowid), 0) FROM request")
    book = Books(tx).by_source_key(str(before))
    assert book is not None
    requests.create(tx, user_id=READER, book_id=book, request_location="ROOM-1", auto_approve=True)


def claim(tx: Transaction) -> str:
    (task,) = trips.claim(tx, robot_id=ROBOT, lease_s=LEASE_S).tasks
    return task.id


def end(tx: Transaction) -> None:
    (task,) = tx.rows("SELECT id FROM task WHERE phase = 'ASSIGNED' LIMIT 1")
    tasks.apply(tx, task["id"], TaskEvent.CANCEL)


def _twice(first: Callable[[], object], second: Callable[[], object]) -> None:
    first()
    second()


class _Bare:
    """A row of a table of its own."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite.connect(str(folder / "raw.db"))
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        for statement in store_peers.TABLES.split(";"):
            self.connection.execute(statement)

    def put(self) -> None:
        sql = "INSERT INTO task (payload, priority) VALUES (?, 5)"
        self.connection.execute(sql, (_PAYLOAD,))

    def take(self) -> None:
        (row,) = self.connection.execute(store_peers.CLAIM, (time.time(),)).fetchall()
        json.loads(row["payload"])
        sql = "UPDATE task SET state = 2, done_at = ? WHERE id = ?"
        self.connection.execute(sql, (time.time(), row["id"]))

    def batch(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(BATCH):
            self.put()
        self.connection.execute("COMMIT")


@contextlib.contextmanager
def _bare(place: Path) -> Iterator[_Bare]:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        found = _Bare(Path(folder))
        yield found
        found.connection.close()


Ways = dict[str, tuple[Callable[[], object], int]]
"""What is measured, and how often it is done a turn."""


def _steps(seed: Path, library: Path, count: int, rounds: int) -> list[Row]:
    """In turns of BATCH, so that what else the disk is doing meets all alike."""
    turns = count // BATCH
    story = store_replay.recorded(seed, [*[order] * BATCH, *[claim, end] * BATCH, orders] * turns)
    narrow = store_replay.narrow(
        [change for number, change in enumerate(story) if number % (3 * BATCH + 1) < BATCH]
    )
    asked = store_replay.recorded(library, [ask] * count)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            bare = stack.enter_context(_bare(seed.parent))
            rows = stack.enter_context(store_replay.played(seed, narrow))
            same = stack.enter_context(store_replay.played(seed, story))
            same_asked = stack.enter_context(store_replay.played(library, asked))
            write = partial(stack.enter_context(store_replay.opened(seed)).write, SYSTEM)
            write_there = partial(stack.enter_context(store_replay.opened(library)).write, SYSTEM)
            ways: Ways = {
                "row": (bare.put, BATCH),
                "narrow": (rows, BATCH),
                "same": (same, BATCH),
                "ours": (partial(write, order), BATCH),
                "row taken": (bare.take, BATCH),
                "same taken": (partial(_twice, same, same), BATCH),
                "ours taken": (partial(_twice, partial(write, claim), partial(write, end)), BATCH),
                "row batch": (bare.batch, 1),
                "same batch": (same, 1),
                "ours batch": (partial(write, orders), 1),
                "same asked": (same_asked, BATCH),
                "ours asked": (partial(write_there, ask), BATCH),
            }
            took = dict.fromkeys(ways, 0.0)
            for _ in range(turns):
                for name, (act, times) in ways.items():
                    took[name] += _seconds(act, times)
        for name, (_, times) in ways.items():
            found.setdefault(name, []).append(turns * times / took[name])
    return [
        *_beside("1a enqueue", found, "ours", {"row": 0.8, "narrow": 0.8, "same": 0.8}),
        *_beside("1a a reader's whole order", found, "ours asked", {"same asked": 0.8}),
        *_beside("1b claim and end", found, "ours taken", {"row taken": 0.8, "same taken": 0.8}),
        *_beside("1c 50 in one", found, "ours batch", {"row batch": 0.6, "same batch": 0.6}),
    ]


_LIMITS = {
    "row": "one row by bare SQLite",
    "narrow": "its task, history and outbox rows by bare SQLite",
    "same": "all that it writes by bare SQLite",
}


def _beside(
    what: str, found: dict[str, list[float]], ours: str, aims: dict[str, float]
) -> list[Row]:
    rows = [_row(f"{what}: ours", statistics.median(found[ours]), "/s")]
    for name, aim in aims.items():
        limit = _LIMITS[name.split()[0]]
        ratio = statistics.median(a / b for a, b in zip(found[ours], found[name], strict=True))
        rows += [
            _row(f"{what}: {limit}", statistics.median(found[name]), "/s"),
            _row(f"{what}: ours / {limit}", ratio, "x", aim, least=True),
        ]
    return rows


def _seconds(act: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        act()
    return time.perf_counter() - began


# Syncs

_COUNTED = """
import os, sys
from pathlib import Path
from benchmarks import bench_store as b
from edge.domain.users import SYSTEM
from edge.store import opening
opening.CHECKPOINT_PAGES = int(sys.argv[2])
with b.store_replay.opened(Path(sys.argv[1])) as database:
    database.write(SYSTEM, b.order)
    for act, times in ((b.order, 40), (b.claim, 20), (b.orders, 40)):
        os.kill(os.getpid(), 0)
        for _ in range(times):
            database.write(SYSTEM, act)
            if act is b.claim: database.write(SYSTEM, b.end)
    os.kill(os.getpid(), 0)
    os._exit(0)
"""


def _syncs(seed: Path) -> list[Row]:
    """Each sync a durable step takes; nothing where strace is not there or may not trace.

    Writing the log back takes syncs as well, each time that it has grown to its bound, whoever filled it. They are
    counted apart: by a second run in which it is left to grow.
    """
    own, all_of_them = _counted(seed, 0), _counted(seed, 1_000)
    if not own:
        return []
    return [
        _row("1a syncs an order, counted", own[0] / 40, "", 1.0),
        _row("1b syncs a step of claim and end, counted", own[1] / 40, "", 1.0),
        _row("1c syncs of 50 orders in one, counted", own[2] / 40, "", 1.0),
        _row(
            "1c writing the log back: syncs for each 50 orders", (all_of_them[2] - own[2]) / 40, ""
        ),
    ]


def _counted(seed: Path, checkpoint_pages: int) -> list[int]:
    strace, trace = shutil.which("strace"), seed.with_name("syncs")
    if strace is None:
        return []
    command = [strace, "-f", "-e", "trace=fsync,fdatasync,kill", "-o", str(trace), sys.executable]
    done = subprocess.run(
        [*command, "-c", _COUNTED, str(seed), str(checkpoint_pages)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        return []
    parts = re.split(r"kill\(\d+, 0\)", trace.read_text())[1:]
    return [len(re.findall(r"\b(?:fsync|fdatasync)\(", part)) for part in parts]


# Growth


def _growth(seed: Path, sizes: tuple[int, ...]) -> list[Row]:
    """The work of a claim without its sync: it is undone at the end."""
    finished = {size: _claim_us(seed, FINISHED, size) for size in sizes}
    waiting = {size: _claim_us(seed, BACKLOG, size) for size in (WAITING, 500 * WAITING)}
    many, most = sizes[-1], 500 * WAITING
    return [
        *(_row(f"1b a claim beside {n:,} finished tasks", us, "us") for n, us in finished.items()),
        _row(
            f"1b a claim beside {many:,} finished / beside none",
            finished[many] / finished[0],
            "x",
            1.3,
        ),
        *(_row(f"1b a claim where {n:,} more wait", us, "us") for n, us in waiting.items()),
        _row(
            f"1b a claim where {most:,} wait / where few do",
            waiting[most] / waiting[WAITING],
            "x",
            1.3,
        ),
    ]


def _claim_us(seed: Path, others: str, size: int) -> float:
    with store_replay.opened(seed) as database:
        if size:
            database.write(SYSTEM, lambda tx: tx.execute(others, size))
        for _ in range(WAITING):
            database.write(SYSTEM, order)
        database.write(SYSTEM, _claim_again_and_again)
        return database.write(SYSTEM, _claim_again_and_again)


def _claim_again_and_again(tx: Transaction) -> float:
    """Median, in µs."""
    took = []
    for _ in range(200):
        tx.connection.execute("SAVEPOINT again")
        began = time.perf_counter()
        claim(tx)
        took.append((time.perf_counter() - began) * 1e6)
        tx.connection.execute("ROLLBACK TO again")
        tx.connection.execute("RELEASE again")
    return statistics.median(took)
