"""The navigator alone, with a test that plays the other nodes."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from geometry_msgs.msg import PoseWithCovarianceStamped
from luna_interfaces.action import NavigateToWaypoint
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from edge.domain.robots import LastPose
from edge.settings import load
from ros_nodes import convert, qos
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigator import Navigator
from ros_nodes.simulation.demo_library import demo_site, draw_library
from tests.support.ros import ros_context

GRID = draw_library()


class Told:
    """What the navigator shows."""

    listened_to = False

    def __init__(self) -> None:
        self.newest: dict[str, dict[str, Any]] = {}

    def publish(self, kind: str, **data: Any) -> None:
        self.newest[kind] = data

    def hint(self, what: str) -> None:
        pass


class DemoMemory:
    """The demo library, and a robot that was never anywhere."""

    def site(self) -> Site:
        drawn = demo_site()
        return Site(GRID, drawn.waypoints, drawn.lanes)

    def last_pose(self) -> LastPose:
        return LastPose((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    def remember_pose(self, pose: LastPose) -> None:
        pass


class Bench:
    def __init__(self, data_dir: Path) -> None:
        self.told = Told()
        self.node = Navigator(load(data_dir), self.told, DemoMemory(), GRID)
        self.peer = Node("peer")
        self.goals = ActionClient(self.peer, NavigateToWaypoint, "navigate_to_waypoint")
        self.place = self.peer.create_publisher(
            PoseWithCovarianceStamped, "initialpose", qos.STREAM
        )
        self._executor = SingleThreadedExecutor()
        for node in (self.node, self.peer):
            self._executor.add_node(node)
        self.until(lambda: self.place.get_subscription_count() and self.goals.server_is_ready())

    def until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        self.node.close()
        for node in (self.node, self.peer):
            self._executor.remove_node(node)
            node.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def bench(tmp_path: Path, ros_domain: int) -> Iterator[Bench]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(ros_context())
        bench = Bench(tmp_path)
        stack.callback(bench.close)
        yield bench


def test_a_goal_before_there_is_odometry_waits_for_it(bench: Bench) -> None:
    dock = next(place for place in demo_site().waypoints if place.location_code == "DOCK-1")
    message = PoseWithCovarianceStamped()
    message.pose.pose = convert.pose_message(Pose(dock.x, dock.y, dock.theta))
    bench.place.publish(message)
    bench.until(lambda: not bench.node._localiser.lost)

    sent = bench.goals.send_goal_async(NavigateToWaypoint.Goal(waypoint="DESK-2"))
    bench.until(sent.done)
    bench.until(lambda: bench.told.newest.get("navigation", {}).get("waypoint") == "DESK-2")
    assert bench.told.newest["navigation"]["reason"] == "NONE"
