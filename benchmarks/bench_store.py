"""The store: durable steps of the queue, group commit, and reads while a slow card syncs.

Our step is the whole story: task, history, audit and outbox rows, checked and stamped, in one transaction. The limit
is one row by bare SQLite in a transaction of its own, and the same rows by bare SQLite. Rates are medians of per-round
ratios of what took turns; syncs are counted by strace, which times nothing.
"""

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import queues, store_peers
from benchmarks.report import Row
from edge.domain.tasks import TaskEvent, TaskType
from edge.domain.users import SYSTEM
from edge.domain.waypoints import Waypoint, WaypointKind
from edge.services import places, tasks
from edge.store import sqlite
from edge.store.database import Database, Transaction, create

ROBOT, LEASE_S, BATCH = "luna-01", 30.0, 50
WAITERS = 8
SLOW_SYNC_MS = 20
FINISHED = """INSERT INTO task (id, task_type, priority, phase, source_location, destination_location,
        phase_since, created_at, completed_at)
    WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?)
    SELECT 'old-' || value, 'TRANSFER', 'NORMAL', 'COMPLETED', 'DESK-1', 'DESK-2', '', '2025', '2025' FROM n"""


def run(place: Path, *, quick: bool) -> list[Row]:
    count, rounds = (50, 1) if quick else (400, 5)
    return [
        *_steps(place, count, rounds),
        *_syncs(place),
        *_growth(place, (0, 10_000) if quick else (0, 100_000, 1_000_000)),
        *_groups(place, 80 if quick else 800, rounds),
        *_slow_card(place, 1.0 if quick else 5.0),
        *queues.beside_the_limit(place, count, rounds),
    ]


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("store", what, value, unit, aim, at_least=least)


# One step after the other


def order(tx: Transaction) -> None:
    tasks.create_transfer(
        tx,
        task_type=TaskType.TRANSFER,
        source_location="DESK-1",
        destination_location="DESK-2",
        description=json.dumps(store_peers.TASK),
    )


def claim(tx: Transaction) -> None:
    task = tasks.claim_next(tx, robot_id=ROBOT, lease_s=LEASE_S)
    assert task is not None
    tx.execute("UPDATE state SET value = ? WHERE key = 'claimed'", task.id)


def end(tx: Transaction) -> None:
    tasks.apply(
        tx, str(tx.value("SELECT value FROM state WHERE key = 'claimed'")), TaskEvent.CANCEL
    )


def _both(database: Database) -> None:
    database.write(SYSTEM, claim)
    database.write(SYSTEM, end)


def orders(tx: Transaction) -> None:
    for _ in range(BATCH):
        order(tx)


@contextlib.contextmanager
def opened(place: Path) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        path = Path(folder) / "luna.db"
        create(path, robot_id=ROBOT)
        database = Database.open(path)
        try:
            database.write(SYSTEM, _begin)
            yield database
        finally:
            database.close()


def _begin(tx: Transaction) -> None:
    desks = [
        Waypoint(f"desk-{n}", f"Desk {n}", f"DESK-{n}", n, 0, kind=WaypointKind.DESK)
        for n in (1, 2)
    ]
    places.load_site(tx, desks, [])
    tx.insert("state", key="claimed", value="")


class _Bare:
    """SQLite alone, in the same process and by the same library."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite.connect(str(folder / "raw.db"))
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        for statement in store_peers.TABLES.split(";"):
            self.connection.execute(statement)

    def put(self) -> None:
        sql = "INSERT INTO task (payload, priority) VALUES (?, 5)"
        self.connection.execute(sql, (json.dumps(store_peers.TASK),))

    def put_story(self) -> None:
        """The seven rows that an order of ours is: task, twice history, audit and outbox."""
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(7):
            self.put()
        self.connection.execute("COMMIT")

    def take(self) -> None:
        (row,) = self.connection.execute(store_peers.CLAIM, (time.time(),)).fetchall()
        json.loads(row["payload"])
        sql = "UPDATE task SET state = 2, done_at = ? WHERE id = ?"
        self.connection.execute(sql, (time.time(), row["id"]))

    def batch(self, act: Callable[[], None]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        for _ in range(BATCH):
            act()
        self.connection.execute("COMMIT")


@contextlib.contextmanager
def _bare(place: Path) -> Iterator[_Bare]:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        found = _Bare(Path(folder))
        yield found
        found.connection.close()


def _rate(act: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        act()
    return count / (time.perf_counter() - began)


def _steps(place: Path, count: int, rounds: int) -> list[Row]:
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with _bare(place) as bare, opened(place) as database:
            write = database.write
            ways: dict[str, tuple[Callable[[], object], int]] = {
                "raw": (bare.put, count),
                "raw story": (bare.put_story, count),
                "ours": (partial(write, SYSTEM, order), count),
                "raw taken": (bare.take, count),
                "ours taken": (partial(_both, database), count),
                "raw batch": (partial(bare.batch, bare.put), count // BATCH),
                "ours batch": (partial(write, SYSTEM, orders), count // BATCH),
            }
            for name, (act, times) in ways.items():
                found.setdefault(name, []).append(_rate(act, times))

    def ratio(ours: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(found[ours], found[other], strict=True))

    rates = {name: statistics.median(each) for name, each in found.items()}
    return [
        _row("1a enqueue: one row by bare SQLite (limit)", rates["raw"], "/s"),
        _row("1a enqueue: the same number of rows by bare SQLite", rates["raw story"], "/s"),
        _row("1a enqueue: ours", rates["ours"], "/s"),
        _row(
            "1a enqueue: ours / one row by bare SQLite", ratio("ours", "raw"), "x", 0.8, least=True
        ),
        _row("1a enqueue: ours / as many rows by bare SQLite", ratio("ours", "raw story"), "x"),
        _row("1b claim and end: bare SQLite (limit)", rates["raw taken"], "/s"),
        _row("1b claim and end: ours", rates["ours taken"], "/s"),
        _row(
            "1b claim and end: ours / limit", ratio("ours taken", "raw taken"), "x", 0.8, least=True
        ),
        _row("1c 50 orders in one: bare SQLite", BATCH * rates["raw batch"], "/s"),
        _row("1c 50 orders in one: ours", BATCH * rates["ours batch"], "/s"),
        _row(
            "1c 50 orders in one: ours / limit",
            ratio("ours batch", "raw batch"),
            "x",
            0.6,
            least=True,
        ),
    ]


# Syncs

_COUNTED = """
import os, sys
from pathlib import Path
from benchmarks import bench_store as b
from edge.domain.users import SYSTEM
with b.opened(Path(sys.argv[1])) as database:
    database.write(SYSTEM, b.order)
    for act in (b.order, b.claim, b.orders):
        os.kill(os.getpid(), 0)
        for _ in range(20 if act is not b.orders else 5):
            database.write(SYSTEM, act)
            if act is b.claim: database.write(SYSTEM, b.end)
    os.kill(os.getpid(), 0)
    os._exit(0)
"""


def _syncs(place: Path) -> list[Row]:
    """Each sync a durable step takes; nothing where strace is not there or may not trace."""
    strace = shutil.which("strace")
    trace = place / "syncs"
    if strace is None:
        return []
    command = [strace, "-f", "-e", "trace=fsync,fdatasync,kill", "-o", str(trace), sys.executable]
    done = subprocess.run(
        [*command, "-c", _COUNTED, str(place)], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr:
        return []
    parts = re.split(r"kill\(\d+, 0\)", trace.read_text())[1:]
    counts = [len(re.findall(r"\b(?:fsync|fdatasync)\(", part)) for part in parts]
    return [
        _row("1a syncs an order, counted", counts[0] / 20, "", 1.0),
        _row("1b syncs a step of claim and end, counted", counts[1] / 40, "", 1.0),
        _row("1c syncs of 50 orders in one, counted", counts[2] / 5, "", 1.0),
    ]


# Growth


def _growth(place: Path, sizes: tuple[int, ...]) -> list[Row]:
    """The work of a claim without its sync: it is undone at the end."""
    rows, first = [], 0.0
    for size in sizes:
        with opened(place) as database:
            if size:
                database.write(SYSTEM, lambda tx, n=size: tx.execute(FINISHED, n))  # type: ignore[misc]
            for _ in range(20):
                database.write(SYSTEM, order)
            took_us = database.write(SYSTEM, _claim_again_and_again)
        first = first or took_us
        rows.append(_row(f"1b a claim beside {size:,} finished tasks", took_us, "us"))
    rows.append(_row(f"1b a claim beside {sizes[-1]:,} / beside none", took_us / first, "x", 1.3))
    return rows


def _claim_again_and_again(tx: Transaction) -> float:
    """Median, in µs."""
    took = []
    for _ in range(200):
        tx.connection.execute("SAVEPOINT again")
        began = time.perf_counter()
        claim(tx)
        took.append((time.perf_counter() - began) * 1e6)
        tx.connection.execute("ROLLBACK TO again")
    return statistics.median(took)


# Many who wait


def _groups(place: Path, count: int, rounds: int) -> list[Row]:
    found: dict[str, list[float]] = {"one": [], "group": [], "own": []}
    for _ in range(rounds):
        for name, waiters, own in (
            ("one", 1, False),
            ("group", WAITERS, False),
            ("own", WAITERS, True),
        ):
            with opened(place) as database:
                found[name].append(_waiting(database, waiters, count, own=own))
    one, group, own_rate = (statistics.median(each) for each in found.values())
    to_one = statistics.median(a / b for a, b in zip(found["group"], found["one"], strict=True))
    to_own = statistics.median(a / b for a, b in zip(found["group"], found["own"], strict=True))
    return [
        _row("1d a row each: one waiter", one, "/s"),
        _row(f"1d a row each: {WAITERS} waiters, group commit", group, "/s"),
        _row(f"1d a row each: {WAITERS} waiters, a connection each", own_rate, "/s"),
        _row(f"1d {WAITERS} waiters / one", to_one, "x", 2.5, least=True),
        _row(f"1d {WAITERS} waiters / with a connection each", to_own, "x", 4.0, least=True),
    ]


def put(tx: Transaction, key: str) -> None:
    tx.insert("state", key=key, value=json.dumps(store_peers.TASK))


def _waiting(database: Database, waiters: int, count: int, *, own: bool) -> float:
    """Durable rows a second, each waited for."""

    def wait(name: int) -> None:
        mine = Database.open(database.path) if own else database
        for number in range(count // waiters):
            mine.write(SYSTEM, partial(put, key=f"{name}-{number}"))
        if own:
            mine.close()

    threads = [threading.Thread(target=wait, args=(name,)) for name in range(waiters)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - began)


# A slow card

_SLOW = """
import json, sys
from pathlib import Path
from benchmarks import bench_store as b
with b.opened(Path(sys.argv[1])) as database:
    print(json.dumps(b.reads_beside_writes(database, float(sys.argv[2]))))
"""


def _slow_card(place: Path, seconds: float) -> list[Row]:
    """Syncs take so much longer by a library that stands before libc."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return []
    library = place / "disk.so"
    source = Path(__file__).parents[1] / "tests" / "support" / "disk.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    slow = {
        "LD_PRELOAD": str(library),
        "DISK_FOLDER": str(place),
        "DISK_SYNC_MS": str(SLOW_SYNC_MS),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SLOW, str(place), str(seconds)],
        env={**os.environ, **slow},
        stdout=subprocess.PIPE,
        check=True,
    )
    idle, busy, group, alone = json.loads(done.stdout)
    what = f"2e a sync takes {SLOW_SYNC_MS} ms more:"
    return [
        _row(f"{what} read, p99, nobody writes", idle, "ms"),
        _row(f"{what} read, p99, {WAITERS} write", busy, "ms", idle + 5.0),
        _row(f"{what} durable rows of {WAITERS} writers", group, "/s"),
        _row(f"{what} {WAITERS} writers / one", group / alone, "x", 3.5, least=True),
    ]


def reads_beside_writes(database: Database, seconds: float) -> tuple[float, float, float, float]:
    """p99 of a read in ms without and beside writers, rows a second of all of them, and of one alone."""

    def reads(until: Callable[[], bool]) -> float:
        took = []
        while not until():
            began = time.perf_counter()
            database.read(lambda reader: reader.value("SELECT value FROM meta WHERE key = 'birth'"))
            took.append((time.perf_counter() - began) * 1e3)
            time.sleep(0.002)
        return statistics.quantiles(took, n=100)[98]

    ends = time.perf_counter() + seconds
    idle = reads(lambda: time.perf_counter() > ends)
    alone = _waiting(database, 1, max(8, int(seconds * 10)), own=False)
    rate: list[float] = []
    writing = threading.Thread(
        target=lambda: rate.append(_written(database, WAITERS, int(seconds * 150)))
    )
    writing.start()
    busy = reads(lambda: not writing.is_alive())
    writing.join()
    return idle, busy, rate[0], alone


def _written(database: Database, waiters: int, count: int) -> float:
    database.write(SYSTEM, lambda tx: tx.execute("DELETE FROM state WHERE key <> 'claimed'"))
    return _waiting(database, waiters, count, own=False)
