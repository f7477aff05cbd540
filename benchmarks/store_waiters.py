"""Many who wait for a durable row each: group commit, and reads while a slow card syncs."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import store_peers, store_replay
from benchmarks.report import Row
from edge.domain.users import SYSTEM
from edge.store.database import Database, Transaction

WAITERS = 8
SLOW_SYNC_MS = 20


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("store", what, value, unit, aim, at_least=least)


def groups(seed: Path, count: int, rounds: int) -> list[Row]:
    found: dict[str, list[float]] = {"one": [], "group": [], "own": []}
    for _ in range(rounds):
        for name, waiters, own in (
            ("one", 1, False),
            ("group", WAITERS, False),
            ("own", WAITERS, True),
        ):
            with store_replay.opened(seed) as database:
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
from benchmarks import store_replay, store_waiters
with store_replay.opened(Path(sys.argv[1])) as database:
    print(json.dumps(store_waiters.reads_beside_writes(database, float(sys.argv[2]))))
"""


def slow_card(place: Path, seed: Path, seconds: float) -> list[Row]:
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
        [sys.executable, "-c", _SLOW, str(seed), str(seconds)],
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
    database.write(SYSTEM, lambda tx: tx.execute("DELETE FROM state"))
    return _waiting(database, waiters, count, own=False)
