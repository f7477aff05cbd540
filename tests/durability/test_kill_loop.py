"""Kill -9 at any moment: what was acknowledged is there, once and whole, and the story goes on."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge.store import opening
from edge.store.database import Database
from tests.durability.conftest import FULL, Counts
from tests.durability.story import kept
from tests.support.figures import percentile

pytestmark = pytest.mark.timeout(1800)

CHECKPOINT_PAGES = 40
REOPEN_S = 1.0
"""Promised for a machine that has nothing else to do: in the small run half of them are as quick."""
MIGRATIONS = 30


class Teller:
    """Runs the story in children that can be killed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def until_killed(self, path: Path, after: int, delay_s: float) -> int:
        """Kill it so long after it has said `after` changes; the last that it said, 0 where none."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(path, file=self._process.stdin, flush=True)
        said = 0
        child = int(self._process.stdout.readline().split()[1])
        lines = iter(self._process.stdout.readline, "gone\n")
        for _, line in zip(range(after), lines, strict=False):
            said = int(line)
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        for line in lines:
            said = int(line)
        return said


@contextmanager
def teller(root: Path, *arguments: str) -> Iterator[Teller]:
    command = [sys.executable, "-m", "tests.durability.story", *arguments]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Teller(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_killed_writer_loses_nothing_does_nothing_twice_and_leaves_nothing_half(
    store: Path, fast: Path, root: Path, counts: Counts
) -> None:
    store = Path(shutil.copytree(store.parent, fast / "data")) / store.name
    rng = random.Random(1)
    said = there = 0
    took_s = []
    with teller(root, str(CHECKPOINT_PAGES)) as told:
        for _ in range(counts.kills):
            said = told.until_killed(store, rng.randrange(1, 5), rng.uniform(0, 0.02)) or there
            began = time.monotonic()
            database = Database.open(store)
            took_s.append(time.monotonic() - began)
            there = database.read(kept)
            sound = database.read(lambda reader: reader.value("PRAGMA quick_check"))
            database.close()
            # One more may be there: written, and killed before it could be said.
            assert there in (said, said + 1)
            assert sound == "ok"
    assert percentile(took_s, 100 if counts is FULL else 50) <= REOPEN_S
    assert there > counts.kills


MIGRATE = """
import os, sys
from pathlib import Path
from edge.store import sqlite
import sqlite_utils  # imported once: the children are killed in what comes after
sys.stdout.write("ready\\n"); sys.stdout.flush()
from edge.store import opening
for line in sys.stdin:
    if (child := os.fork()) == 0:
        opening.create(Path(line.strip()))
        os._exit(0)
    os.write(1, f"{child}\\n".encode())
    os.waitpid(child, 0)
    os.write(1, b"gone\\n")
"""


def test_a_migration_that_is_killed_is_done_by_the_next_one(fast: Path, root: Path) -> None:
    rng, begun = random.Random(2), 0
    with subprocess.Popen(
        [sys.executable, "-c", MIGRATE],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as migrating:
        assert migrating.stdin is not None and migrating.stdout is not None
        assert migrating.stdout.readline() == "ready\n"
        whole_s = migrate_undisturbed(migrating, fast / "whole.db")
        for number in range(MIGRATIONS):
            path = fast / f"{number}.db"
            print(path, file=migrating.stdin, flush=True)
            child = int(migrating.stdout.readline())
            time.sleep(rng.uniform(0, whole_s))
            with suppress(ProcessLookupError):  # it was faster
                os.kill(child, signal.SIGKILL)
            assert migrating.stdout.readline() == "gone\n"
            begun += path.exists()
            opening.create(path)
            database = Database.open(path)
            assert database.read(lambda reader: reader.value("PRAGMA quick_check")) == "ok"
            database.close()
        migrating.stdin.close()
    assert begun > MIGRATIONS / 3


def migrate_undisturbed(migrating: "subprocess.Popen[str]", path: Path) -> float:
    """How long a child takes, in s, on this machine now."""
    assert migrating.stdin is not None and migrating.stdout is not None
    began = time.monotonic()
    print(path, file=migrating.stdin, flush=True)
    migrating.stdout.readline()
    assert migrating.stdout.readline() == "gone\n"
    return time.monotonic() - began
