"""S2: whichever process of a driving robot is killed or frozen, its wheels are commanded zero in time.

The robot is a whole one, on its way between two places, and really moving when it is hit. The clock runs from before
the signal until the board, by its own witness, is commanded zero for the first time: by the gate, or by its own
deadlines where there is no gate. Who is not needed for driving must not stop it: api, sync and central.

A figure of time is the machine's as well. The full run, on a machine of its own, asserts the promise as it is; the
small one, which may share its cores with strangers, twice that, and what the witness itself was kept from looking.
"""

import signal
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from random import Random

import pytest

from tests.safety.conftest import COUNTS, Counts
from tests.support import witness
from tests.support.board import until
from tests.support.figures import Figures
from tests.support.whole_robot import PROCESSES, WholeRobot, whole_robot

PROMISED_S = {"ros": 0.15, "supervisor": 0.35, "gate": 0.25}
WATCHED_S = 0.6
"""How long a robot that must go on, or must stand, is looked at: twice the longest deadline."""
STOOD_ANYHOW = 0.02 if COUNTS.full else 0.5
"""Most rounds in which it may stand though nobody was hit whom it needs."""
LONGEST_FREEZE_S = 0.5
"""On top of what it takes until the robot stands."""

pytestmark = pytest.mark.timeout(7200 if COUNTS.full else 300)


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory, ros_domain: int) -> Iterator[WholeRobot]:
    with whole_robot(tmp_path_factory.mktemp("robot") / "data") as one:
        yield one


class Record:
    """What came of all rounds. Times in s."""

    def __init__(self) -> None:
        self.late: list[str] = []
        self._took: dict[str, list[float]] = defaultdict(list)
        self._pauses: dict[str, list[float]] = defaultdict(list)
        self._stood: list[float] = []

    def stops(self, robot: WholeRobot, name: str, hit: float) -> None:
        """Wait for the wheels to be commanded zero, and see that they stay so. A zero before that was a late turn of
        who drives it, and not yet what the silence of `name` does."""
        robot.until_time(robot.witness.zero_after(hit) + WATCHED_S)
        zero = robot.witness.standing_since(hit)
        if zero is None:
            self.late.append(f"{name} moved on")
            return
        pause = robot.witness.longest_pause(hit, zero)
        self._took[name].append(zero - hit)
        self._pauses[name].append(pause)
        limit = PROMISED_S[name] if COUNTS.full else 2 * PROMISED_S[name] + pause
        if zero - hit > limit:
            self.late.append(f"{name} after {zero - hit:.3f} s")

    def goes_on(self, robot: WholeRobot, name: str, hit: float) -> None:
        """See that the wheels go on turning."""
        robot.until_time(hit + WATCHED_S)
        seen = robot.witness.between(hit, hit + WATCHED_S)
        pairs = pairwise(seen)
        self._stood.append(sum(after.at - one.at for one, after in pairs if not one.commanded))
        robot.until(lambda: robot.moves, f"the robot to move without {name}")

    def note(self, figures: Figures, what: str) -> None:
        for name, took in self._took.items():
            row = f"S2 {name} {what}"
            figures.note_times(row, took)
            late = sum(one > PROMISED_S[name] for one in took)
            pause_ms = round(max(self._pauses[name]) * 1e3, 1)
            figures.note(row, over_the_promise=late, witness_paused_ms=pause_ms)
        if self._stood:
            longest_ms = round(max(self._stood) * 1e3, 1)
            stood = sum(bool(one) for one in self._stood)
            row = f"S2 api, sync, central {what}"
            figures.note(row, n=len(self._stood), rounds_it_stood=stood, stood_ms=longest_ms)

    @property
    def mattered(self) -> float:
        """The share of rounds in which it stood though nobody was hit whom it needs. A drive may end in that
        half second, or have a late turn, for reasons of its own."""
        return sum(bool(one) for one in self._stood) / len(self._stood)


def test_a_killed_process_stops_the_wheels_in_time_or_does_not_matter(
    robot: WholeRobot, counts: Counts, figures: Figures
) -> None:
    record = Record()
    for name, number in rounds(counts.kills, (signal.SIGKILL, signal.SIGTERM)):
        robot.until_driving()
        holds = recorded(robot)
        hit = time.monotonic()
        process = robot.hit(name, number)
        if name in PROMISED_S:
            record.stops(robot, name, hit)
        else:
            record.goes_on(robot, name, hit)
        process.wait(5)
        robot.revive(name)
        if name == "gate":
            robot.until_driving()
            until_recorded(robot, holds + 1)
    record.note(figures, "killed")
    assert not record.late and record.mattered <= STOOD_ANYHOW


def test_a_frozen_process_stops_the_wheels_in_time_or_does_not_matter(
    robot: WholeRobot, counts: Counts, figures: Figures
) -> None:
    """Half of the frozen ones are thawed, and the robot goes on; the others are killed in the end."""
    record, random = Record(), Random(3)
    for name, end in rounds(counts.process_freezes, (signal.SIGKILL, signal.SIGCONT)):
        robot.until_driving()
        hit = time.monotonic()
        robot.send(name, signal.SIGSTOP)
        if name in PROMISED_S:
            record.stops(robot, name, hit)
        else:
            record.goes_on(robot, name, hit)
        robot.until_time(time.monotonic() + random.uniform(0.0, LONGEST_FREEZE_S))
        if end is signal.SIGCONT:
            robot.send(name, end)
        else:
            robot.revive(name)
    record.note(figures, "frozen")
    assert not record.late and record.mattered <= STOOD_ANYHOW


def test_the_witness_takes_no_pause_for_the_end(tmp_path: Path) -> None:
    with (tmp_path / "looks").open("wb", buffering=0) as file:
        for at, v in ((1.0, 0.3), (2.0, 0.0), (3.0, 0.3), (4.0, 0.0), (5.0, 0.0)):
            witness.write(file.fileno(), witness.Seen(at, v, 0.0, 0.0))
        looker = witness.Witness(tmp_path / "looks")
        assert (looker.zero_after(0.5), looker.standing_since(0.5)) == (2.0, 4.0)
        assert looker.standing_since(4.5) == 5.0
        witness.write(file.fileno(), witness.Seen(6.0, 0.0, 0.1, 0.0))
        assert looker.standing_since(0.5) is None


def rounds(count: int, ways: Sequence[signal.Signals]) -> Iterator[tuple[str, signal.Signals]]:
    """Each process in each way before any comes again, in random order."""
    random = Random(2)
    deck: list[tuple[str, signal.Signals]] = []
    for _ in range(count):
        if not deck:
            deck = list(product(PROCESSES, ways))
            random.shuffle(deck)
        yield deck.pop()


def recorded(robot: WholeRobot) -> int:
    """How many holds the gate's journal tells of, so far."""
    journal = robot.settings.data_dir / "gate" / "journal.jsonl"
    return journal.read_text().count('"kind": "HOLD"')


def until_recorded(robot: WholeRobot, holds: int) -> None:
    until(lambda: recorded(robot) >= holds, "the hold is recorded")
