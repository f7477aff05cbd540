"""The gate is told the limits that the navigator plans with, however the robot is started."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from edge.settings import Robot
from firmware_bridge import command_line

REQUIRED = ["--data-dir", "data", "--port", "board"]


def in_settings() -> dict[str, float]:
    robot = Robot()
    return {
        "max_speed": robot.max_speed_m_s,
        "max_turn": robot.max_turn_rad_s,
        "max_acceleration": robot.max_acceleration_m_s2,
        "max_turn_acceleration": robot.max_turn_acceleration_rad_s2,
    }


def holds_in_settings() -> dict[str, float]:
    robot = Robot()
    return {"announce": robot.announce_s, "holds_to_latch": robot.holds_to_latch}


def test_the_unit_passes_the_limits_of_the_settings(root: Path) -> None:
    unit = (root / "launch" / "systemd" / "luna-gate.service").read_text()
    values = dict(
        word.split("=", 1)
        for line in re.findall(r"^Environment=(.*)$", unit, re.M)
        for word in shlex.split(line)
    )
    [line] = re.findall(r"^ExecStart=\S+ (.*)$", unit, re.M)
    words = [re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], word) for word in line.split()]
    arguments = command_line.parse(words)
    told = {**in_settings(), **holds_in_settings()}
    assert {name: getattr(arguments, name) for name in told} == told
    assert {f"--{name.replace('_', '-')}" for name in told} <= set(words)


def test_the_launch_file_passes_the_limits_of_the_settings(root: Path) -> None:
    # Read, not run: only a machine with ROS installed has the `launch` package.
    tree = ast.parse((root / "launch" / "luna.launch.py").read_text())
    limits, holds = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("LIMITS", "HOLDS")
    )
    assert {name: float(value) for name, (value, _) in limits.items()} == in_settings()
    assert {name: float(value) for name, (value, _) in holds.items()} == holds_in_settings()


@pytest.mark.parametrize("missing", command_line.LIMITS)
def test_a_gate_without_one_of_its_limits_does_not_start(
    missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in in_settings().items()
        if name != missing
    ]
    with pytest.raises(SystemExit):
        command_line.parse([*REQUIRED, *given])
    assert f"--{missing.replace('_', '-')}" in capsys.readouterr().err


def test_a_gate_that_is_told_no_more_does_as_the_settings_say() -> None:
    robot = Robot()
    limits = [f"--{name.replace('_', '-')}={value}" for name, value in in_settings().items()]
    told = command_line.parse([*REQUIRED, *limits])
    assert (told.announce, told.holds_to_latch) == (robot.announce_s, robot.holds_to_latch)
