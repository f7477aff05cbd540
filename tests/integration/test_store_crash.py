"""What was acknowledged survives the death of its writer, and waiters share a sync."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.store import sqlite
from edge.store.database import Database, create

KILLS = 8
ACKNOWLEDGED_BEFORE_THE_KILL = 25

WRITER = """
import sys
from pathlib import Path
from edge.domain.users import SYSTEM
from edge.services import outbox
from edge.store.database import Database

database = Database.open(Path(sys.argv[1]))
start = int(sys.argv[2])

def story(tx, number):
    tx.insert("state", key=str(number), value="x" * 2000)
    outbox.emit(tx, "test", "test", str(number), {})

for number in range(start, start + 1_000_000):
    database.write(SYSTEM, lambda tx: story(tx, number))
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "luna.db"
    create(path)
    last = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(last + 1)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for _ in range(ACKNOWLEDGED_BEFORE_THE_KILL):
                last = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = writer.stdout.read().split("\n")
            last = max([last, *(int(line) for line in acknowledged[:-1])])
        kept = _numbers(path)
        assert kept[:last] == list(range(1, last + 1))
        # One more may be there: written, and killed before it could be said.
        assert len(kept) <= last + 1
        last = len(kept)


def _numbers(path: Path) -> list[int]:
    """What is in the store, each with its event, and the file sound."""
    database = Database.open(path)
    try:
        numbers = database.read(
            lambda reader: [row[0] for row in reader.rows("SELECT key + 0 FROM state ORDER BY 1")]
        )
        events = database.read(
            lambda reader: reader.rows("SELECT seq, entity_id + 0 FROM outbox ORDER BY seq")
        )
        sound = database.read(lambda reader: reader.value("PRAGMA quick_check"))
    finally:
        database.close()
    assert [tuple(event) for event in events] == [(number, number) for number in numbers]
    assert sound == "ok"
    return numbers


WAITERS = """
import os, sys
from pathlib import Path
from threading import Event
from edge.domain.users import SYSTEM
from edge.store.database import Database

database = Database.open(Path(sys.argv[1]))
# The first commit of a log that was begun anew syncs the log's header too.
database.write(SYSTEM, lambda tx: tx.insert("state", key="first", value=""))
started, go_on = Event(), Event()
database.submit(SYSTEM, lambda tx: (started.set(), go_on.wait()))
started.wait()
waiting = [
    database.submit(SYSTEM, lambda tx, n=n: tx.insert("state", key=str(n), value=""))
    for n in range(int(sys.argv[2]))
]
os.kill(os.getpid(), 0)  # a mark in the trace: what opening the store syncs is not counted
go_on.set()
for future in waiting:
    future.result()
os._exit(0)  # without the checkpoint at the end, which syncs too
"""


@pytest.mark.parametrize("waiters", [1, 32])
def test_all_who_wait_share_one_sync(tmp_path: Path, root: Path, waiters: int) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the syncs cannot be counted")
    path, trace = tmp_path / "luna.db", tmp_path / "trace"
    create(path)
    connection = sqlite.connect(str(path))  # so that the WAL is there and begun
    connection.execute("INSERT INTO state VALUES ('begun', '')")
    tracing = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,kill", "-o", str(trace)]
    done = subprocess.run(
        [*tracing, sys.executable, "-c", WAITERS, str(path), str(waiters)],
        cwd=root,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    connection.close()
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here: the syncs cannot be counted")
    assert done.returncode == 0, done.stderr
    _, _, counted = trace.read_text().partition("kill(")
    syncs = [line for line in counted.splitlines() if "luna.db" in line]
    # The first commit, which only waits, writes nothing and syncs nothing.
    assert len(syncs) == 1, syncs
