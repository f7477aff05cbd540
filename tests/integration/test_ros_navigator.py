"""The navigator alone, with a test that plays the other nodes."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import Twist
from luna_interfaces.action import NavigateToWaypoint
from rclpy.node import Node

from ros_nodes.driver import Driver
from ros_nodes.goals import NOBODY_S
from ros_nodes.navigation.errors import Reason
from tests.support.navigator_bench import Bench
from tests.support.navigator_bench import bench as navigator_bench


@pytest.fixture
def bench(tmp_path: Path, ros_domain: int) -> Iterator[Bench]:
    with navigator_bench(tmp_path) as bench:
        yield bench


def test_a_goal_before_it_is_known_where_the_robot_is_waits_for_that(bench: Bench) -> None:
    bench.say_stop("RUNNING")
    bench.send("DESK-2")
    bench.until(lambda: bench.navigation.get("state") == "WAITING")
    assert bench.navigation["waypoint"] == "DESK-2"
    assert "plan" not in bench.told.newest

    bench.until(lambda: bench.told.newest.get("plan", {}).get("goal") == "DESK-2", keep=bench.see)


def test_a_goal_that_is_on_no_map_is_answered_at_once(bench: Bench) -> None:
    reason, message = bench.result(bench.send("NOWHERE"))
    assert reason is Reason.UNKNOWN_WAYPOINT
    assert "NOWHERE" in message


def test_where_no_scan_fits_the_map_a_goal_ends_as_lost(tmp_path: Path, ros_domain: int) -> None:
    nothing_like_it = np.full(180, 0.7, np.float32)
    with navigator_bench(tmp_path, ["-p", "progress.lost_after_s:=1.0"]) as bench:
        bench.say_stop("RUNNING")
        ended = bench.result(bench.send("DESK-2"), keep=lambda: bench.see(nothing_like_it))
    assert ended[0] is Reason.LOST


def test_the_feedback_tells_pose_way_and_time_left_and_what_it_does(bench: Bench) -> None:
    bench.say_stop("RUNNING")
    told: list[NavigateToWaypoint.Feedback] = []
    goal = NavigateToWaypoint.Goal(waypoint="DESK-2")
    bench.goals.send_goal_async(goal, lambda message: told.append(message.feedback))
    bench.until(lambda: told and told[-1].state == "DRIVING", keep=bench.live)

    newest = told[-1]
    assert newest.pose.header.frame_id == "map"
    assert bench.body.pose.distance(newest.pose.pose.position.x, newest.pose.pose.position.y) < 0.2
    assert 4.0 < newest.distance_remaining < 12.0
    assert newest.distance_remaining / 0.5 < newest.time_remaining < 90.0


def test_a_newer_goal_takes_the_place_of_the_running_one(bench: Bench) -> None:
    first = bench.drive_off("DESK-2")
    second = bench.send("ROOM-101")

    ended = bench.answer(first.get_result_async())
    assert ended.status == GoalStatus.STATUS_ABORTED
    assert ended.result.error_code == Reason.CANCELLED
    bench.until(lambda: bench.told.newest["plan"]["goal"] == "ROOM-101", keep=bench.live)
    bench.answer(second.cancel_goal_async())


def test_a_cancel_before_anything_is_planned_ends_the_goal(bench: Bench) -> None:
    handle = bench.send("DESK-2")
    bench.answer(handle.cancel_goal_async())
    ended = bench.answer(handle.get_result_async())
    assert ended.status == GoalStatus.STATUS_CANCELED
    assert ended.result.error_code == Reason.CANCELLED
    assert "plan" not in bench.told.newest or bench.told.newest["plan"]["goal"] is None


def test_a_cancel_in_mid_drive_commands_zero_at_once_and_nothing_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = bench.drive_off()
    topic, commands = bench.node._velocity, list[Twist]()
    publish = topic.publish

    def note(command: Twist) -> None:
        commands.append(command)
        publish(command)

    monkeypatch.setattr(topic, "publish", note)
    bench.answer(handle.cancel_goal_async(), keep=bench.live)
    assert commands[-1] == Twist()  # said before the answer was
    assert bench.result(handle)[0] is Reason.CANCELLED
    said, deadline = len(commands), time.monotonic() + 0.3
    bench.until(lambda: time.monotonic() > deadline, keep=bench.live)
    assert commands[-1] == Twist() and len(commands) == said
    assert bench.body.v == bench.body.w == 0.0


def test_a_cancel_of_a_goal_that_was_replaced_lets_the_new_one_drive(bench: Bench) -> None:
    first = bench.drive_off("DESK-2")
    second = bench.send("ROOM-101")
    bench.answer(first.cancel_goal_async())
    bench.until(lambda: bench.navigation.get("waypoint") == "ROOM-101", keep=bench.live)
    bench.until(lambda: bench.body.v or bench.body.w, keep=bench.live)
    bench.answer(second.cancel_goal_async())


def test_a_lane_that_is_closed_in_mid_drive_is_gone_round(bench: Bench) -> None:
    handle = bench.drive_off("ROOM-101")
    before = bench.told.newest["plan"]["points"]
    bench.memory.close_lane("hall-8", "hall-9")

    bench.until(lambda: bench.told.newest["plan"]["points"] != before, keep=bench.live)
    assert len(bench.told.newest["plan"]["points"]) > len(before)
    bench.memory.close_lane("workroom", "hall-8")
    reason, _ = bench.result(handle, keep=bench.live)
    assert reason is Reason.NO_ROUTE
    bench.until(lambda: bench.body.v == bench.body.w == 0.0, keep=bench.live)


def test_a_stop_ends_the_drive_and_while_it_lasts_no_other_begins(bench: Bench) -> None:
    handle = bench.drive_off()
    bench.say_stop("LATCHED")
    assert bench.result(handle)[0] is Reason.STOPPED
    assert bench.result(bench.send("DESK-2"))[0] is Reason.STOPPED


@pytest.mark.parametrize("namespace", ["/", "/robot1"])
def test_a_drive_that_nobody_waits_for_any_more_ends(
    namespace: str, tmp_path: Path, ros_domain: int
) -> None:
    with navigator_bench(tmp_path, ["-r", f"__ns:={namespace}"]) as bench:
        bench.drive_off()
        looked = time.monotonic() + 1.5 * NOBODY_S
        bench.until(lambda: time.monotonic() > looked, keep=bench.live)
        assert bench.navigation["state"] != "IDLE"

        bench.lose_client()
        assert bench.navigation["state"] == "IDLE"
        assert bench.navigation["reason"] == "CANCELLED"
        bench.until(lambda: bench.body.v == bench.body.w == 0.0, keep=bench.live)


def test_a_task_runner_ends_what_one_before_it_left_and_then_orders_its_own(bench: Bench) -> None:
    left = bench.drive_off("ROOM-101")
    runner = Node("runner")
    bench.executor.add_node(runner)
    driver = Driver(runner)
    try:
        ended = left.get_result_async()
        bench.until(lambda: driver.drive is None and ended.done(), keep=bench.live)
        assert ended.result().result.error_code == Reason.CANCELLED
        bench.until(lambda: driver.drive is None and driver.go("errand", "DESK-2"))
        bench.until(lambda: bench.navigation["waypoint"] == "DESK-2", keep=bench.live)
        driver.halt()
        bench.until(lambda: driver.drive is not None and driver.drive.outcome == "CANCELLED")
    finally:
        bench.executor.remove_node(runner)
        runner.destroy_node()
