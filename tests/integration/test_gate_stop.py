"""The gate's process against a board on a real pty: stops, resets, and what survives what."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge import ipc
from firmware_bridge.sockets import (
    GateUnavailableError,
    MotionLink,
    ResetRefusedError,
    request_reset,
    request_resume,
)
from tests.support import gates
from tests.support.board import Bench, bench, until

ZERO_S = 1.0
"""Within this the commanded zero is out. The promise is 0.15 s; tests/safety has the figures. Here the board is a
thread of a process that may wait for a core."""
ask_reset, ask_resume = (
    partial(ask, timeout_s=gates.PATIENCE_S) for ask in (request_reset, request_resume)
)


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def stop(robot: Bench) -> str:
    return gates.stop(robot.run_dir, reason="a child").event_id


def reset(robot: Bench, event_id: str) -> None:
    """As a person does it: once the robot stands and the board, which answers, said so."""
    until(robot.stands, "the robot stands")
    gates.reset(robot.run_dir, event_id)


def test_a_stop_is_at_the_board_when_it_is_confirmed(robot: Bench) -> None:
    robot.drive()
    event_id = stop(robot)
    until(robot.commanded_zero, "the board brakes", within_s=ZERO_S)
    until(robot.stands, "the robot stands")
    state = robot.until_state("LATCHED")
    assert (state.event_id, state.source, state.reason) == (event_id, "API", "a child")
    assert state.who is not None and state.who.startswith("anna")


def test_a_second_stop_joins_the_first(robot: Bench) -> None:
    first = gates.stop(robot.run_dir)
    second = gates.stop(robot.run_dir, source="MQTT", who="central")
    assert not first.joined and second.joined
    assert second.event_id == first.event_id


def test_reset_needs_the_stops_id_and_resume_is_a_step_of_its_own(robot: Bench) -> None:
    robot.drive()
    event_id = stop(robot)
    with pytest.raises(ResetRefusedError, match="not the id of the active stop"):
        ask_reset(robot.run_dir, event_id="another", who="bob")
    with pytest.raises(ResetRefusedError, match="must be reset first"):
        ask_resume(robot.run_dir, who="bob")
    reset(robot, event_id)
    robot.until_state("RESET")
    until(lambda: not robot.board.firmware.causes, "the board's latch is cleared")
    assert robot.stands()  # though the base node commands on
    gates.resume(robot.run_dir, who="bob")
    robot.until_state("RUNNING")
    until(lambda: not robot.stands(), "the robot drives on")


def test_a_stop_survives_kill_9_of_the_gate(robot: Bench) -> None:
    latch = robot.data_dir / "gate" / "latch.json"
    robot.drive()
    event_id = stop(robot)
    # The board has it anyhow.
    until(lambda: event_id in latch.read_text(), "the latch is on the disk")
    robot.kill_gate()
    robot.start_gate()
    assert robot.until_state("LATCHED").event_id == event_id
    reset(robot, event_id)
    robot.until_state("RESET")


def test_a_reset_survives_kill_9_and_still_awaits_its_resume(robot: Bench) -> None:
    event_id = stop(robot)
    reset(robot, event_id)
    until(lambda: not robot.board.firmware.causes, "the board's latch is cleared")
    robot.kill_gate()
    robot.start_gate()
    assert robot.until_state("RESET").event_id == event_id


def test_the_button_latches_and_is_not_reset_while_it_is_pressed(robot: Bench) -> None:
    robot.drive()
    robot.board.set_inputs(button=True)
    until(robot.commanded_zero, "the board brakes by itself", within_s=ZERO_S)
    state = robot.until_state("LATCHED")
    assert state.source == "BUTTON" and state.event_id is not None
    until(robot.stands, "the robot stands")
    with pytest.raises(ResetRefusedError, match="button"):
        ask_reset(robot.run_dir, event_id=state.event_id, who="bob")
    robot.board.set_inputs(button=False)
    until(lambda: (now := robot.state()) is not None and not now.button, "the button is out")
    reset(robot, state.event_id)
    robot.until_state("RESET")


def test_a_touch_too_short_to_be_seen_pressed_latches_all_the_same(robot: Bench) -> None:
    robot.drive()
    robot.board.set_inputs(bumper=True)
    robot.board.step()
    robot.board.set_inputs(bumper=False)
    assert robot.until_state("LATCHED").source == "BUMPER"


def test_motion_without_a_command_latches(robot: Bench) -> None:
    robot.until_state("RUNNING")
    robot.board.set_odometry(0.0, 0.0, 0.0, 0.2, 0.0)
    assert robot.until_state("LATCHED").source == "RUNAWAY"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1}', '{"format": 2, "state": "CLEAR"}']
)
def test_a_latch_file_that_cannot_be_read_is_a_stop(tmp_path: Path, content: str) -> None:
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "latch.json").write_text(content)
    with bench(tmp_path) as robot:
        state = robot.until_state("LATCHED")
        assert state.source == "LATCH_FILE"
        assert (tmp_path / "gate" / "latch.bad").read_text() == content


def test_every_stop_reset_and_resume_is_in_the_journal_once(robot: Bench) -> None:
    event_id = stop(robot)
    reset(robot, event_id)
    gates.resume(robot.run_dir, who="bob")
    assert robot.end_gate() == 0  # all is written
    lines = (robot.data_dir / "gate" / "journal.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    about = [record for record in records if record["kind"] in {"STOP", "RESET", "RESUME"}]
    assert [record["kind"] for record in about] == ["STOP", "RESET", "RESUME"]
    assert {record["event_id"] for record in about} == {event_id}
    assert len({record["id"] for record in records}) == len(records)


def test_nobody_confirms_a_stop_without_a_gate(robot: Bench) -> None:
    robot.kill_gate()
    with pytest.raises(GateUnavailableError):
        stop(robot)


def test_luna_stop_prints_the_id_or_says_that_it_is_not_confirmed(robot: Bench) -> None:
    command = [
        *(sys.executable, "-c", "from firmware_bridge.stop_command import command; command()"),
        *("--data-dir", str(robot.data_dir), "--reason", "smoke"),
    ]

    def pressed() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    while (done := pressed()).returncode:
        assert "not confirmed" in done.stderr  # in time, by a busy machine: then one presses again
    state = robot.until_state("LATCHED")
    assert (done.stdout.strip(), state.source, state.reason) == (state.event_id, "CLI", "smoke")
    robot.kill_gate()
    failed = pressed()
    assert failed.returncode == 1 and failed.stdout == "" and "not confirmed" in failed.stderr


@pytest.mark.parametrize(
    ("door", "message"),
    [
        ("stop", {"type": "stop", "source": "BUTTON", "who": "somebody", "reason": ""}),
        ("stop", {"type": "stop", "source": "NOBODY", "who": "somebody", "reason": ""}),
        ("reset", {"type": "release", "who": "somebody", "sent": 0.0}),
        ("reset", {"type": "reset", "who": "somebody"}),
    ],
    ids=str,
)
def test_a_message_that_its_door_does_not_know_does_nothing(
    robot: Bench, door: str, message: dict[str, object]
) -> None:
    robot.drive()
    with ipc.connect(robot.run_dir / f"{door}.sock", timeout_s=5.0) as client:
        client.send(json.dumps(message).encode())
        assert json.loads(client.recv(4096))["type"] == "refused"
    until(lambda: (now := robot.state()) and now.counters.get(f"{door}_malformed"), "it is counted")
    assert robot.until_state("RUNNING").event_id is None


def test_a_second_owner_of_motion_is_refused(robot: Bench) -> None:
    robot.drive()
    second = MotionLink(robot.run_dir)
    assert not second.connect()
    assert robot.board.firmware.target()[0] > 0.2
    second.close()


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "kept"])
def test_a_stop_whose_record_died_with_the_gate_is_recorded_by_the_next(
    robot: Bench, lost: bool
) -> None:
    robot.drive()
    event_id = stop(robot)
    journal = robot.data_dir / "gate" / "journal.jsonl"
    until(lambda: event_id in journal.read_text(), "the stop is recorded")
    robot.kill_gate()
    lines = journal.read_text().splitlines(keepends=True)
    if lost:
        journal.write_text("".join(line for line in lines if event_id not in line))
    robot.start_gate()
    robot.until_state("LATCHED")
    until(lambda: event_id in journal.read_text(), "the stop is recorded")
    assert robot.end_gate() == 0  # all is written
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    told = [one for one in records if one["kind"] == "STOP" and one["event_id"] == event_id]
    assert [(one["source"], one["reason"]) for one in told] == [("API", "a child")]
    assert told[0]["who"].startswith("anna")
