"""The gate on a disk that hangs: it drives on, stops at once, and writes all of it down when the disk is back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.domain.stops import Refusal
from firmware_bridge.sockets import (
    GateUnavailableError,
    ResetRefusedError,
    request_reset,
)
from tests.support import gates
from tests.support.board import Bench, bench, until

ZERO_S = 1.0
"""Within this the commanded zero is out, while the disk hangs. The promise is 0.15 s; tests/safety has the figures."""


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, program="tests.support.slow_disk_gate") as made:
        yield made


@contextmanager
def hanging(robot: Bench) -> Iterator[None]:
    """The disk, with a line of the journal on it that it does not take."""
    flag = robot.data_dir / "hangs"
    robot.drive()
    flag.touch()
    robot.beating.discard("supervisor")
    until(lambda: held_by_supervisor(robot), "the silence holds it")
    robot.beating.add("supervisor")
    yield
    flag.unlink()


def held_by_supervisor(robot: Bench) -> bool:
    now = robot.state()
    return now is not None and "SUPERVISOR_SILENT" in [one.name for one in now.causes]


def told(robot: Bench) -> list[str]:
    """What the journal tells of, by kind."""
    journal = robot.data_dir / "gate" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    return [json.loads(line)["kind"] for line in lines if line.endswith("\n")]


def latch_on_disk(robot: Bench) -> object:
    return json.loads((robot.data_dir / "gate" / "latch.json").read_text())["state"]


def test_it_drives_on_and_a_stop_waits_for_no_line_of_the_journal(robot: Bench) -> None:
    with hanging(robot):
        released = told(robot).count("RELEASE")
        robot.drive()  # a gate that waited could not
        event_id = gates.stop(robot.run_dir).event_id
        until(robot.commanded_zero, "the board brakes", within_s=ZERO_S)
        assert robot.until_state("LATCHED").event_id == event_id
        assert latch_on_disk(robot) == "CLEAR"
    until(lambda: latch_on_disk(robot) == "LATCHED", "the latch is on the disk")
    until(lambda: "STOP" in told(robot), "the stop is recorded")
    before = told(robot)[: told(robot).index("STOP")]
    assert before.count("RELEASE") > released  # what hanged before it is there, in its turn


def test_a_reset_counts_only_once_it_is_written_down(robot: Bench) -> None:
    with hanging(robot):
        event_id = gates.stop(robot.run_dir).event_id
        until(robot.stands, "the robot stands")
        until(lambda: robot.board.firmware.causes, "the board has the stop")
        with pytest.raises(ResetRefusedError) as refused:
            reset_by_hand(robot, event_id)
        assert refused.value.sentence == Refusal.NOT_WRITTEN_DOWN
        assert robot.until_state("LATCHED").event_id == event_id
    until(lambda: latch_on_disk(robot) == "LATCHED", "the latch is on the disk")
    until(lambda: "STOP" in told(robot), "the stop is recorded")
    gates.reset(robot.run_dir, event_id)
    assert latch_on_disk(robot) == "RESET"
    assert robot.end_gate() == 0  # all is written
    assert told(robot).count("RESET") == 1


def test_a_reset_that_the_disk_did_not_take_in_time_is_not_on_it_in_the_end(robot: Bench) -> None:
    robot.drive()
    event_id = gates.stop(robot.run_dir).event_id
    until(robot.stands, "the robot stands")
    until(lambda: robot.board.firmware.causes, "the board has the stop")
    until(lambda: "STOP" in told(robot), "the stop is recorded")
    (robot.data_dir / "hangs").touch()
    with pytest.raises(ResetRefusedError) as refused:
        reset_by_hand(robot, event_id)
    assert refused.value.sentence == Refusal.NOT_WRITTEN_DOWN
    (robot.data_dir / "hangs").unlink()
    assert robot.end_gate() == 0  # all is written
    assert latch_on_disk(robot) == "LATCHED"


def test_a_stop_that_neither_board_nor_disk_took_is_not_confirmed(robot: Bench) -> None:
    robot.drive()
    (robot.data_dir / "hangs").touch()
    robot.board.unplug()
    until(lambda: (now := robot.state()) is not None and now.link == "lost", "the link is lost")
    with pytest.raises(GateUnavailableError) as refused:
        gates.stop(robot.run_dir)
    assert refused.value.sentence == "STOP_NOT_CONFIRMED"  # answered, and not just silent
    assert robot.until_state("LATCHED").source == "API"  # though it stands
    (robot.data_dir / "hangs").unlink()


def reset_by_hand(robot: Bench, event_id: str) -> None:
    """Again and again, until it is refused for another reason than that the robot rolls or the board is behind."""

    def refused_for_good() -> bool:
        try:
            request_reset(robot.run_dir, event_id=event_id, who="bob", timeout_s=gates.PATIENCE_S)
        except ResetRefusedError as refusal:
            if refusal.sentence in (Refusal.BOARD_NOT_CONFIRMED, Refusal.STILL_MOVING):
                return False
            raise
        return True

    until(refused_for_good, "the reset is answered")


def test_a_stop_while_the_disk_hangs_outlives_kill_9(robot: Bench) -> None:
    with hanging(robot):
        gates.stop(robot.run_dir)
        until(lambda: robot.board.firmware.causes, "the board has the stop")
        robot.kill_gate()
    robot.start_gate()
    assert robot.until_state("LATCHED").source == "BOARD"
    until(lambda: "STOP" in told(robot), "the stop is recorded")
