"""Driving handed to Nav2, with a server of its interface that the test plays: well, badly, and not at all."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from geometry_msgs.msg import Twist
from rclpy.action import ActionClient
from rclpy.node import Node

from edge.domain.errors import SetupError
from ros_nodes import qos
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from tests.support import built_messages
from tests.support.navigator_bench import DOCK, DOCK_POSE, Bench
from tests.support.navigator_bench import bench as navigator_bench

if TYPE_CHECKING:
    from tests.support.nav2_server import Nav2Server

BEHIND = DOCK_POSE.compose(Pose(-0.6, 0.0))
NEAR = replace(DOCK, id="near", location_code="NEAR", x=BEHIND.x, y=BEHIND.y, theta=BEHIND.theta)
FAR = replace(NEAR, id="far", location_code="FAR", x=BEHIND.x + 2.0)
PATIENCE_S = 3.0

pytestmark = pytest.mark.timeout(240)  # the first one may have to build the messages


@pytest.fixture
def bench(tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A navigator that knows of a Nav2, and nobody there yet."""
    built_messages.provide("nav2_msgs")
    monkeypatch.setenv("LUNA_NAVIGATOR__BACKEND", "nav2")
    for name in ("ANSWER_S", "SILENT_S"):
        monkeypatch.setattr(f"ros_nodes.nav2.{name}", PATIENCE_S)
    with navigator_bench(tmp_path) as bench:
        for place in (NEAR, FAR):
            bench.memory.add(place)
        bench.say_stop("RUNNING")
        yield bench


@pytest.fixture
def nav2(bench: Bench) -> Iterator["Nav2Server"]:
    from tests.support.nav2_server import Nav2Server

    node = Nav2Server(bench)
    bench.executor.add_node(node)
    seen_by = ActionClient(bench.peer, node.action, "navigate_to_pose")
    bench.until(seen_by.server_is_ready)
    seen_by.destroy()
    yield node
    bench.executor.remove_node(node)
    node.server.destroy()
    Node.destroy_node(node)


def rolls(bench: Bench) -> bool:
    return bench.body.v != 0.0


def stands_for(bench: Bench, seconds: float) -> bool:
    """Whether the robot is commanded nothing all the while."""
    until = time.monotonic() + seconds
    bench.until(lambda: rolls(bench) or time.monotonic() > until, keep=bench.live)
    return not rolls(bench)


def test_a_goal_is_driven_by_nav2_and_the_robot_is_there(bench: Bench, nav2: "Nav2Server") -> None:
    handle = bench.send("NEAR")
    bench.until(lambda: bench.navigation.get("state") == "DRIVING", keep=bench.live)
    assert bench.navigation["distance_left_m"] == pytest.approx(0.6, abs=0.2)
    assert bench.result(handle, keep=bench.live) == (Reason.NONE, "Arrived.")

    assert nav2.goals == [pytest.approx(BEHIND)]
    assert bench.body.pose.distance(BEHIND.x, BEHIND.y) < 0.15
    assert stands_for(bench, 0.3)


def test_nav2_drives_no_faster_than_the_goal_allows(bench: Bench, nav2: "Nav2Server") -> None:
    nav2.speed_m_s = 2.0
    bench.send("FAR", speed_limit=0.1)
    bench.until(lambda: rolls(bench), keep=bench.live)
    assert bench.body.v == pytest.approx(-0.1)


def test_where_somebody_else_commands_the_robot_too_nav2_is_not_sent(
    bench: Bench, nav2: "Nav2Server"
) -> None:
    other = bench.peer.create_publisher(Twist, "cmd_vel_nav", qos.COMMAND)
    bench.until(lambda: bench.peer.count_publishers("cmd_vel_nav") == 2)
    reason, message = bench.result(bench.send("NEAR"), keep=bench.live)
    assert (reason, "cmd_vel_nav" in message) == (Reason.DRIVER_FAILED, True)
    assert not nav2.goals
    bench.peer.destroy_publisher(other)


def test_a_refused_goal_ends_the_drive_with_a_reason(bench: Bench, nav2: "Nav2Server") -> None:
    nav2.accepts = False
    reason, message = bench.result(bench.send("NEAR"), keep=bench.live)
    assert (reason, "refuses" in message) == (Reason.DRIVER_FAILED, True)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (105, Reason.STUCK),
        (104, Reason.BLOCKED),
        (208, Reason.NO_ROUTE),
        (205, Reason.OFF_MAP),
        (202, Reason.LOST),
        (9000, Reason.DRIVER_FAILED),
    ],
)
def test_an_error_of_nav2_becomes_one_of_our_reasons(
    code: int, reason: Reason, bench: Bench, nav2: "Nav2Server"
) -> None:
    nav2.error = code
    found, message = bench.result(bench.send("NEAR"), keep=bench.live)
    assert found is reason
    assert f"error {code} (as the test says)" in message


def test_where_nav2_says_wrongly_that_it_has_arrived_the_robot_has_not(
    bench: Bench, nav2: "Nav2Server"
) -> None:
    nav2.lies = True
    reason, message = bench.result(bench.send("FAR"), keep=bench.live)
    assert reason is Reason.DRIVER_FAILED
    assert "2.60 m" in message


def test_a_nav2_that_dies_in_mid_drive_ends_it_and_the_robot_stands(
    bench: Bench, nav2: "Nav2Server"
) -> None:
    handle = bench.send("FAR")
    bench.until(lambda: rolls(bench), keep=bench.live)
    bench.executor.remove_node(nav2)
    bench.until(lambda: not rolls(bench), keep=bench.live)
    assert bench.navigation["state"] != "IDLE"  # the drive is not given up yet

    reason, message = bench.result(handle, keep=bench.live)
    assert (reason, "said nothing" in message) == (Reason.DRIVER_FAILED, True)
    assert stands_for(bench, 0.3)


@pytest.mark.parametrize("there", [False, True])
def test_a_nav2_that_is_not_there_or_never_answers_ends_the_drive(
    there: bool, bench: Bench, request: pytest.FixtureRequest
) -> None:
    if there:
        bench.executor.remove_node(request.getfixturevalue("nav2"))  # alive in the graph, and mute
    reason, message = bench.result(bench.send("NEAR"), keep=bench.live)
    assert reason is Reason.DRIVER_FAILED
    assert ("does not answer" if there else "is not there") in message


def test_a_cancel_that_nav2_does_not_obey_stops_the_robot_all_the_same(
    bench: Bench, nav2: "Nav2Server"
) -> None:
    nav2.obeys = False
    handle = bench.send("FAR")
    bench.until(lambda: rolls(bench), keep=bench.live)
    bench.answer(handle.cancel_goal_async())
    assert bench.result(handle)[0] is Reason.CANCELLED

    bench.until(lambda: not rolls(bench), keep=bench.live)
    assert stands_for(bench, 0.5)
    assert nav2.driving


def test_a_newer_goal_replaces_the_one_that_nav2_drives(bench: Bench, nav2: "Nav2Server") -> None:
    first = bench.send("FAR")
    bench.until(lambda: rolls(bench), keep=bench.live)
    second = bench.send("NEAR")
    assert bench.result(first)[0] is Reason.CANCELLED
    assert bench.result(second, keep=bench.live)[0] is Reason.NONE
    assert [goal.x for goal in nav2.goals] == pytest.approx([FAR.x, NEAR.x])


def test_a_stop_ends_the_drive_of_nav2_too(bench: Bench, nav2: "Nav2Server") -> None:
    handle = bench.send("FAR")
    bench.until(lambda: rolls(bench), keep=bench.live)
    bench.say_stop("LATCHED")
    assert bench.result(handle)[0] is Reason.STOPPED
    bench.until(lambda: not nav2.driving, keep=bench.live)
    assert stands_for(bench, 0.3)


def test_a_place_that_is_moved_meanwhile_is_where_nav2_is_sent(
    bench: Bench, nav2: "Nav2Server"
) -> None:
    handle = bench.send("FAR")
    bench.until(lambda: rolls(bench), keep=bench.live)
    bench.memory.add(replace(FAR, x=NEAR.x))
    assert bench.result(handle, keep=bench.live)[0] is Reason.NONE
    assert nav2.goals[-1].x == pytest.approx(NEAR.x)


def test_without_the_messages_of_nav2_the_start_names_the_package(
    tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_NAVIGATOR__BACKEND", "nav2")
    monkeypatch.setitem(sys.modules, "nav2_msgs.action", None)
    refused = pytest.raises(SetupError, match="nav2_msgs is not installed")
    with refused as caught, navigator_bench(tmp_path, met=False):
        pass
    assert "ros-jazzy-nav2-msgs" in (caught.value.hint or "")
