"""The gate's process against a board on a real pty: whatever falls silent, the robot stands, and goes on by itself."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.board import LIMITS, Bench, bench, until

SOURCE_S = 0.15
"""Promise S2: zero commanded this long after the source of velocity died."""
GATE_S = 0.25
"""Promise S2: the board brakes this long after the gate died."""
WATCHED_S = 0.35
"""Heartbeats may be 300 ms old; then the next tick and frame."""
MARGIN_S = 1.0
"""For a busy machine: these tests show that the deadline is kept at all, tests/safety shows the figures."""


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def counted(robot: Bench, name: str) -> int:
    now = robot.state()
    return 0 if now is None else now.counters.get(name, 0)


def test_commands_that_cease_end_the_motion(robot: Bench) -> None:
    robot.drive()
    robot.command = None
    until(robot.commanded_zero, "zero after the last command", within_s=SOURCE_S + MARGIN_S)
    assert (state := robot.state()) is not None and state.state == "RUNNING"


def test_a_dead_base_node_is_noticed_by_its_connection(robot: Bench) -> None:
    robot.drive()
    robot.command = None
    robot.motion.close()
    until(robot.commanded_zero, "zero after the connection ended", within_s=SOURCE_S + MARGIN_S)


@pytest.mark.parametrize("process", ["ros", "supervisor"])
def test_a_missing_heartbeat_holds_until_it_is_back(robot: Bench, process: str) -> None:
    robot.drive()
    robot.beating.discard(process)
    until(robot.commanded_zero, "zero without a heartbeat", within_s=WATCHED_S + MARGIN_S)
    robot.until_held_by(f"{process.upper()}_SILENT")
    robot.beating.add(process)
    robot.until_state("RUNNING")
    until(lambda: not robot.stands(), "the robot goes on by itself")


def test_the_board_brakes_by_itself_when_the_gate_is_killed(robot: Bench) -> None:
    robot.drive()
    robot.kill_gate()
    until(robot.commanded_zero, "the board's own deadline", within_s=GATE_S + MARGIN_S)


def test_a_frozen_gate_that_thaws_executes_nothing_old(robot: Bench) -> None:
    robot.drive()
    assert robot.gate is not None
    robot.gate.send_signal(signal.SIGSTOP)
    until(robot.commanded_zero, "the board's own deadline", within_s=GATE_S + MARGIN_S)
    robot.command = None
    robot.beating.clear()
    until(robot.stands, "the robot stands")
    robot.gate.send_signal(signal.SIGCONT)

    def held() -> bool:
        assert robot.commanded_zero()
        state = robot.state()
        return state is not None and state.state == "HOLD"

    until(held, "the gate notices the silence")


def test_a_gate_that_ends_says_good_bye_and_its_successor_drives_on(robot: Bench) -> None:
    robot.drive()
    assert robot.end_gate() == 0
    until(robot.commanded_zero, "STOP at the end", within_s=SOURCE_S + MARGIN_S)
    assert not list(robot.run_dir.glob("*.sock"))
    robot.motion.close()
    robot.start_gate()
    robot.drive()


def test_an_unplugged_board_holds_and_a_plugged_one_goes_on(robot: Bench) -> None:
    robot.drive()
    robot.board.unplug()
    assert robot.until_held_by("LINK_LOST").link == "lost"
    until(robot.stands, "the board's own deadline")
    robot.board.replug()
    robot.until_state("RUNNING")
    until(lambda: not robot.stands(), "the robot goes on by itself")


def test_a_rebooted_board_is_a_cold_start(robot: Bench) -> None:
    robot.drive()
    robot.board.reboot()
    assert robot.stands()
    until(lambda: counted(robot, "link_restarted"), "the link is lost")  # a hold may be missed
    robot.until_state("RUNNING")
    until(lambda: not robot.stands(), "the robot goes on by itself")


def test_a_silent_board_is_a_lost_link(robot: Bench) -> None:
    robot.drive()
    robot.board.faults.silent = True
    assert robot.until_state("HOLD").link == "lost"
    robot.board.faults.silent = False
    assert robot.until_state("RUNNING").link == "ok"


def test_noise_on_the_line_is_counted_and_moves_nothing_wrong(robot: Bench) -> None:
    robot.drive()
    robot.board.faults.noise = 0.3
    until(lambda: counted(robot, "frames_broken") > 5, "broken frames are counted")
    assert robot.gate is not None and robot.gate.poll() is None


def test_an_open_tray_holds_until_it_is_locked(robot: Bench) -> None:
    robot.drive()
    robot.board.feel(tray_open=True)
    robot.until_held_by("TRAY_OPEN")
    until(robot.stands, "the robot stands")
    robot.board.feel(tray_open=False)
    until(lambda: not robot.stands(), "the robot drives on")


def test_a_low_battery_holds_until_it_is_charged(robot: Bench) -> None:
    robot.drive()
    robot.board.set_battery(0.01, charging=False)
    robot.until_held_by("LOW_VOLTAGE")
    robot.board.set_battery(0.5, charging=True)
    robot.until_state("RUNNING")


def test_what_lies_on_the_tray_is_told_in_grams(robot: Bench) -> None:
    robot.board.set_tray(850)
    until(lambda: (now := robot.state()) is not None and now.tray_grams == 850, "850 g are told")


def test_a_second_gate_on_the_same_data_is_refused_in_one_line(robot: Bench) -> None:
    command = [
        *(sys.executable, "-m", "firmware_bridge.gate", "--data-dir", str(robot.data_dir)),
        *("--port", str(robot.run_dir / "board"), *LIMITS),
    ]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines() == [f"another gate runs on {robot.data_dir}"]
