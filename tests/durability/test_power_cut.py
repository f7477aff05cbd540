"""The power goes at any moment: what was acknowledged is there, once and whole; and this test would notice if not."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.errors import SetupError, StorageFailedError
from edge.store import sqlite
from edge.store.database import Database
from tests.durability.conftest import Counts
from tests.durability.story import WrongStoreError, kept, tell
from tests.support.disk import Disk, Left, Record, environment, lay_out, read_trace

pytestmark = pytest.mark.timeout(1800)

CHANGES = 150
REPEATED = 20
"""Every so many cuts the story goes on after the cut."""


def recording(
    store: Path, root: Path, library: Path, *, synchronous: str = "FULL"
) -> tuple[Disk, list[Record]]:
    """The disk as it was before the story, and all that was done to it."""
    folder, trace = store.parent, store.parent.with_name("trace")
    disk = Disk(folder, {path.name: path.read_bytes() for path in folder.iterdir()})
    arguments = ("tests.durability.recorded", str(store), str(CHANGES), synchronous)
    subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=root,
        env={**os.environ, **environment(library, folder, trace)},
        check=True,
    )
    return disk, read_trace(trace)


def cuts(
    disk: Disk, records: list[Record], rng: random.Random, count: int
) -> Iterator[tuple[dict[str, bytes], int]]:
    """So many cuts at random moments, in their order: what is left, and the last change acknowledged before."""
    moments = Counter(rng.randrange(len(records) + 1) for _ in range(count))
    for done in range(len(records) + 1):
        for _ in range(moments[done]):
            yield disk.cut(rng, rng.choice(list(Left))), disk.acknowledged
        if done < len(records):
            disk.play(records[done])


def look(store: Path, acknowledged: int, *, go_on: bool, in_doubt: int = 1) -> str:
    """What became of the store: `whole`, or what is wrong with it. `in_doubt`: so many may be there without having
    been acknowledged."""
    try:
        database = Database.open(store)
    except SetupError as error:
        return f"cannot be opened: {error}"
    try:
        there = database.read(kept)
        if database.read(lambda reader: reader.value("PRAGMA quick_check")) != "ok":
            return "corrupt"
        if go_on:
            for number in range(there + 1, there + 9):
                tell(database, number)
            assert database.read(kept) == there + 8
    except WrongStoreError:
        return "half written"
    except (StorageFailedError, sqlite.sqlite3.Error):
        return "corrupt"
    finally:
        database.close()
    if there < acknowledged:
        return "lost"
    return "whole" if there <= acknowledged + in_doubt else "more than was said"


def outcomes(place: Path, disk: Disk, records: list[Record], count: int) -> Counter[str]:
    rng = random.Random(7)
    found: Counter[str] = Counter()
    for number, (files, acknowledged) in enumerate(cuts(disk, records, rng, count)):
        lay_out(place / "after", files)
        found[look(place / "after" / "luna.db", acknowledged, go_on=number % REPEATED == 0)] += 1
    return found


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    store: Path, fast: Path, root: Path, disk: Path, counts: Counts
) -> None:
    before, records = recording(store, root, disk)
    assert outcomes(fast, before, records, counts.cuts) == {"whole": counts.cuts}
    kinds = Counter(record.kind for record in records)
    assert kinds["A"] == CHANGES and kinds["S"] >= CHANGES
    assert sum(record.kind == "W" and record.at > 0 for record in records) > 1000


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF"])
def test_without_a_sync_a_power_cut_loses_what_was_acknowledged(
    store: Path, fast: Path, root: Path, disk: Path, synchronous: str
) -> None:
    """The control: a test that finds no loss here would find none at all."""
    found = outcomes(fast, *recording(store, root, disk, synchronous=synchronous), 200)
    assert sum(found.values()) - found["whole"] > 50, found
