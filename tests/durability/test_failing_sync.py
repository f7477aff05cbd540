"""A sync fails: nothing is acknowledged that a power cut would take, whatever the kernel says afterwards."""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.durability.conftest import Counts
from tests.durability.test_power_cut import look
from tests.support.disk import Disk, Left, environment, lay_out, read_trace

pytestmark = pytest.mark.timeout(1800)

CUTS = 5
"""After each failure."""


def outcomes(
    store: Path, place: Path, root: Path, library: Path, ending: str, failing: int, *control: str
) -> tuple[Counter[str], int]:
    """What power cuts after it leave of the store, for each of so many syncs that failed in a story of as many
    changes; and how many of the syncs made somebody be refused."""
    folder, trace = place / "data", place / "trace"
    found: Counter[str] = Counter()
    noticed, rng = 0, random.Random(1)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.durability.failing", *control],
        cwd=root,
        env={**os.environ, **environment(library, folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as story:
        assert story.stdin is not None and story.stdout is not None
        for number in range(1, failing + 1):
            shutil.rmtree(folder, ignore_errors=True)
            trace.unlink(missing_ok=True)
            shutil.copytree(store.parent, folder)
            disk = Disk(folder, {path.name: path.read_bytes() for path in folder.iterdir()})
            line = f"{folder / store.name} {trace} {number} {ending} {failing}"
            print(line, file=story.stdin, flush=True)
            noticed += int(story.stdout.readline()) > 0
            records = read_trace(trace)
            failed = max((at for at, one in enumerate(records) if one.kind == "F"), default=0)
            moments = {rng.randrange(failed, len(records)) for _ in range(CUTS)}
            for at, record in enumerate(records):
                disk.play(record)
                if at in moments:
                    lay_out(place / "after", disk.cut(rng, Left.NOTHING))
                    store_after = place / "after" / store.name
                    found[look(store_after, disk.acknowledged, go_on=False, in_doubt=2)] += 1
        story.stdin.close()
    return found, noticed


@pytest.mark.parametrize("ending", ["asks", "dies"])
def test_what_is_acknowledged_after_a_failed_sync_survives_a_power_cut(
    store: Path, fast: Path, root: Path, disk: Path, counts: Counts, ending: str
) -> None:
    found, noticed = outcomes(store, fast, root, disk, ending, counts.failing_syncs)
    assert found == {"whole": found.total()} and found.total() > counts.failing_syncs
    assert noticed > counts.failing_syncs / 2


def test_who_goes_on_as_if_it_had_not_failed_loses_what_was_acknowledged(
    store: Path, fast: Path, root: Path, disk: Path
) -> None:
    """The control: the log is not begun anew after the failure."""
    found, _ = outcomes(store, fast, root, disk, "dies", 25, "unsettled")
    assert found["lost"] > 0, found
