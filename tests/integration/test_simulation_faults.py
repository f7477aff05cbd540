"""What goes wrong with the simulated robot: asked for over its socket or written in a script."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge import ipc
from edge.domain.errors import SetupError, UnavailableError
from firmware_bridge.simulator import SimulatedBoard
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.fault_command import command
from ros_nodes.simulation.faults import SOCKET_NAME, FaultDesk, parse, read_script
from ros_nodes.simulation.world import World


class Robot:
    """A board, a free floor, and the desk where faults are asked for."""

    def __init__(self, data_dir: Path) -> None:
        self.run_dir = data_dir / "run"
        self.board = SimulatedBoard(self.run_dir / "board", seed=1)
        grid = OccupancyGrid(np.zeros((100, 100), np.int8), 0.05, Pose(0.0, 0.0))
        self.world = World(grid, Pose(2.5, 2.5))
        self.desk = FaultDesk(self.board, self.world, self.run_dir, [])

    def ask(self, text: str, now: float = 0.0) -> str:
        with ipc.connect(self.run_dir / SOCKET_NAME) as client:
            client.send(text.encode())
            self.desk.serve(now)
            return client.recv(4096).decode()

    def close(self) -> None:
        self.desk.close()
        self.board.close()


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    made = Robot(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("name", ["silent", "deaf", "flood"])
def test_a_fault_of_the_line_lasts_until_it_is_ended(robot: Robot, name: str) -> None:
    assert robot.ask(f"{name} on") == ""
    assert getattr(robot.board.faults, name) is True
    assert robot.ask(f"{name} off") == ""
    assert getattr(robot.board.faults, name) is False


def test_a_fault_ends_by_itself_when_its_time_is_over(robot: Robot) -> None:
    robot.ask("noise 0.5 for 3", now=10.0)
    robot.desk.serve(12.9)
    assert robot.board.faults.noise == 0.5
    robot.desk.serve(13.1)
    assert robot.board.faults.noise == 0.0


@pytest.mark.parametrize("sensor", ["button", "bumper", "lifted"])
def test_a_sensor_says_so_whatever_the_world_is_like(robot: Robot, sensor: str) -> None:
    robot.ask(f"{sensor} on")
    robot.board.set_inputs(**{sensor: False})
    assert getattr(robot.board.firmware.sensors, sensor) is True
    robot.ask(f"{sensor} off")
    assert getattr(robot.board.firmware.sensors, sensor) is False


def test_the_tray_can_be_left_open(robot: Robot) -> None:
    robot.ask("tray on for 2", now=1.0)
    assert robot.board.firmware.sensors.tray_open
    robot.desk.serve(3.5)
    assert not robot.board.firmware.sensors.tray_open


def test_the_world_can_be_in_the_way(robot: Robot) -> None:
    free = robot.world.gap_m
    robot.ask("obstacle on")
    assert robot.world.gap_m < 0.5 < free
    robot.ask("wheels on")
    robot.world.step(1.0, 0.3, 0.0)
    assert robot.world.odometry.v == 0.0
    robot.ask("battery 0.05")
    assert robot.world.battery.fraction == 0.05
    robot.ask("obstacle off")
    assert robot.world.gap_m == pytest.approx(free)


def test_a_cable_may_be_pulled_twice_and_put_back_twice(robot: Robot) -> None:
    for order in ("unplug on", "unplug on", "unplug off", "unplug off"):
        assert robot.ask(order) == ""
    assert robot.board.fileno() >= 0


@pytest.mark.parametrize(
    "order", ["", "silent", "silent maybe", "noise nan", "noise 0.1 for -1", "noise 1 until 2"]
)
def test_what_is_no_order_is_refused_with_the_form_of_one(robot: Robot, order: str) -> None:
    assert "NAME NUMBER" in robot.ask(order or " ")


def test_an_unknown_fault_is_refused_with_those_there_are(robot: Robot) -> None:
    assert "silent" in robot.ask("gremlins on")


def test_a_script_does_each_step_at_its_time(robot: Robot, tmp_path: Path) -> None:
    script = tmp_path / "faults.txt"
    script.write_text("# a bad day\n5 silent on for 2\n\n1.5 late 0.3  # at first\n")
    robot.desk.close()
    robot.desk = FaultDesk(robot.board, robot.world, robot.run_dir, read_script(script))
    seen = []
    for now in (1.0, 2.0, 5.5, 8.0):
        robot.desk.serve(now)
        seen.append((robot.board.faults.late_s, robot.board.faults.silent))
    assert seen == [(0.0, False), (0.3, False), (0.3, True), (0.3, False)]


@pytest.mark.parametrize("line", ["silent on", "5", "5 silent maybe", "soon silent on"])
def test_a_script_with_a_bad_line_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    script = tmp_path / "faults.txt"
    script.write_text(f"1 silent on\n{line}\n")
    with pytest.raises(SetupError, match="line 2"):
        read_script(script)


def test_without_a_running_robot_the_command_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["silent", "--data-dir", str(tmp_path)])
    assert isinstance(done.exception, UnavailableError)


def test_on_and_off_are_numbers_too() -> None:
    assert (parse("silent on").value, parse("silent off").value) == (1.0, 0.0)
