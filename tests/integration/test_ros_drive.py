"""The robot drives: real gate, real bytes on a pty, real ROS, simulated physics."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.robots import CommandStatus, CommandType
from firmware_bridge.sockets import request_reset, request_resume, request_stop
from tests.support.moving import MovingRobot, make_library, moving_robot

SPEED = 4.0
"""Times real time, so that a drive of half a minute takes eight seconds."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    make_library(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def moving(library: Path, ros_domain: int) -> Iterator[MovingRobot]:
    with moving_robot(library, speed=SPEED, TASKS__IDLE_DOCK_S="600") as robot:
        yield robot


def test_an_order_to_go_somewhere_gets_the_robot_there(moving: MovingRobot) -> None:
    assert moving.place == "DOCK-1"

    order = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.is_over(order), "the end of the drive")

    assert moving.command(order).status is CommandStatus.DONE
    assert moving.place == "DESK-2"


def test_a_stop_in_mid_drive_ends_the_order_and_a_later_one_drives_on(moving: MovingRobot) -> None:
    order = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")
    run_dir = moving.settings.run_dir

    receipt = request_stop(run_dir, source="CLI", who="test", reason="a test")
    moving.until(lambda: moving.is_over(order), "the order to end")
    moving.until(lambda: moving.speed == 0.0, "the robot to stand")

    assert moving.command(order).status is CommandStatus.FAILED
    assert moving.command(order).result == {"reason": "STOPPED"}
    assert moving.live["robot"]["status"] == "STOPPED"

    request_reset(run_dir, event_id=receipt.event_id, who="test")
    request_resume(run_dir, who="test")
    again = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.is_over(again), "the end of the second drive")
    assert moving.command(again).status is CommandStatus.DONE
