"""The robot drives: real gate, real bytes on a pty, real ROS, simulated physics."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy

from edge.domain.robots import CommandStatus, CommandType
from edge.services import robot
from tests.support import gates
from tests.support.gates import reset
from tests.support.moving import MovingRobot, make_library, moving_robot
from tests.support.ros import ros_context

SPEED = 2.0
"""Times real time. Faster, a busy machine would not keep up: all that is late is late by so much more."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    make_library(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def moving(library: Path, ros_domain: int) -> Iterator[MovingRobot]:
    with moving_robot(library, speed=SPEED, TASKS__IDLE_DOCK_S="600") as running:
        yield running


def test_an_order_to_go_somewhere_gets_the_robot_there(moving: MovingRobot) -> None:
    moving.until_shown(current_location="DOCK-1")

    order = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.is_over(order), "the end of the drive")

    assert moving.command(order).status is CommandStatus.DONE
    moving.until_shown(current_location="DESK-2")


def test_a_stop_in_mid_drive_ends_the_order_and_a_later_one_drives_on(moving: MovingRobot) -> None:
    order = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")
    run_dir = moving.settings.run_dir

    receipt = gates.stop(run_dir, source="CLI", who="test", reason="a test")
    moving.until(lambda: moving.is_over(order), "the order to end")
    moving.until(lambda: moving.speed == 0.0, "the robot to stand")

    assert moving.command(order).status is CommandStatus.FAILED
    assert moving.command(order).result == {"reason": "STOPPED"}
    moving.until_shown(status="STOPPED")

    def recorded() -> bool:
        events = moving.store.read(robot.list_stop_events)
        return receipt.event_id in {event.event_id for event in events}

    moving.until(recorded, "the stop to be recorded")

    reset(run_dir, receipt.event_id)
    gates.resume(run_dir, who="test")
    moving.until_shown(status="IDLE")  # an order to a robot that still thinks it is stopped fails
    again = moving.order(CommandType.GO_TO, location="DESK-2")
    moving.until(lambda: moving.is_over(again), "the end of the second drive")
    assert moving.command(again).status is CommandStatus.DONE


def test_each_node_in_a_process_of_its_own_drives_as_well(library: Path, ros_domain: int) -> None:
    nodes = ("base", "emergency_stop", "navigator", "task_runner")
    with moving_robot(library, speed=SPEED, nodes=nodes, TASKS__IDLE_DOCK_S="600") as moving:
        order = moving.order(CommandType.GO_TO, location="DESK-2")
        moving.until(lambda: moving.is_over(order), "the end of the drive")

        assert moving.command(order).status is CommandStatus.DONE
        told = {"pose", "navigation", "robot", "health"}
        moving.until(lambda: told <= set(moving.live), "what the nodes tell by way of each other")


def test_with_the_laser_mounted_as_on_a_turtlebot_it_drives_as_well(
    library: Path, ros_domain: int
) -> None:
    mount = {"ROBOT__LASER_X_M": "-0.04", "ROBOT__LASER_YAW_RAD": str(math.pi / 2)}
    with moving_robot(library, speed=SPEED, **mount, TASKS__IDLE_DOCK_S="600") as moving:
        order = moving.order(CommandType.GO_TO, location="DESK-2")
        moving.until(lambda: moving.is_over(order), "the end of the drive")

        assert moving.command(order).status is CommandStatus.DONE


def test_in_a_namespace_every_name_of_the_robot_is_in_it(library: Path, ros_domain: int) -> None:
    topics = ("cmd_vel", "cmd_vel_nav", "emergency_stop", "scan", "odom", "plan", "map", "pose")
    services = (
        *("emergency_stop/stop", "emergency_stop/reset", "navigator/change_state"),
        *(f"navigate_to_waypoint/_action/{part}" for part in ("send_goal", "cancel_goal")),
    )
    wanted = {
        f"/robot1/{name}"
        for name in (*topics, "battery_state", *services, "navigate_to_waypoint/_action/feedback")
    }
    with moving_robot(library, ROS__NAMESPACE="robot1") as moving:
        names = names_in_graph(wanted)
        moving.until_shown(current_location="DOCK-1")

    shared = {"/clock", "/parameter_events", "/rosout", "/tf", "/tf_static"}
    others = {name for name in names if not name.startswith(("/robot1/", "/observer/"))}
    assert others <= shared
    assert wanted <= names


def names_in_graph(wanted: set[str], timeout_s: float = 20.0) -> set[str]:
    """Topics and services that a node of its own sees; it waits for the wanted ones, which it is told of one
    process after the other."""
    with ros_context():
        node = rclpy.create_node("observer")
        deadline = time.monotonic() + timeout_s
        names: set[str] = set()
        while time.monotonic() < deadline and not wanted <= names:
            seen = node.get_topic_names_and_types() + node.get_service_names_and_types()
            names = {name for name, _ in seen}
            time.sleep(0.02)
        node.destroy_node()
    return names
