"""The navigator alone, with a test that plays the other nodes."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from luna_interfaces.action import NavigateToWaypoint
from luna_interfaces.msg import EmergencyStop
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from edge.domain.robots import LastPose
from edge.settings import load
from ros_nodes import convert, qos
from ros_nodes.driving import Site
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigator import Navigator
from ros_nodes.simulation.demo_library import demo_site, draw_library
from ros_nodes.simulation.scan import Scanner
from tests.support.ros import ros_context

GRID = draw_library()
DOCK = next(place for place in demo_site().waypoints if place.location_code == "DOCK-1")
DOCK_POSE = Pose(DOCK.x, DOCK.y, DOCK.theta)


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
    """The demo library, and a robot on its dock."""

    def site(self) -> Site:
        drawn = demo_site()
        return Site(GRID, drawn.waypoints, drawn.lanes)

    def last_pose(self) -> LastPose:
        return LastPose(DOCK_POSE, (0.0, 0.0, 0.0))

    def remember_pose(self, pose: LastPose) -> None:
        pass


class Bench:
    def __init__(self, data_dir: Path) -> None:
        self.told = Told()
        self.node = Navigator(load(data_dir), self.told, lambda: (GRID, DemoMemory()))
        self.peer = Node("peer")
        self.goals = ActionClient(self.peer, NavigateToWaypoint, "navigate_to_waypoint")
        self._odometry = self.peer.create_publisher(Odometry, "odom", qos.STREAM)
        self._scan = self.peer.create_publisher(LaserScan, "scan", qos.SENSOR)
        self._stop = self.peer.create_publisher(EmergencyStop, "emergency_stop", qos.STOP)
        self._scanner = Scanner(GRID)
        self._executor = SingleThreadedExecutor()
        for node in (self.node, self.peer):
            self._executor.add_node(node)
        heard = (self._odometry, self._scan, self._stop)
        self.until(lambda: all(one.get_subscription_count() for one in heard))
        self.until(self.goals.server_is_ready)

    @property
    def navigation(self) -> dict[str, Any]:
        return self.told.newest.get("navigation", {})

    def say_running(self) -> None:
        self._stop.publish(EmergencyStop(state="RUNNING"))

    def see(self, ranges: NDArray[np.float32] | None = None) -> None:
        """The robot stands on its dock and sees what is there, or `ranges`."""
        now = self.peer.get_clock().now().to_msg()
        laser = self._scanner.laser
        stands = {"x": 0.0, "y": 0.0, "theta": 0.0, "v": 0.0, "w": 0.0}
        self._odometry.publish(convert.odometry_message(stands, now))
        seen = self._scanner.scan(DOCK_POSE) if ranges is None else ranges
        self._scan.publish(convert.scan_message(seen, laser.angle_min, laser.angle_step, now))

    def until(
        self,
        condition: Callable[[], object],
        timeout_s: float = 10.0,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve both nodes until the condition holds; `keep` is done again and again meanwhile."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            keep()
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


def test_a_goal_before_it_is_known_where_the_robot_is_waits_for_that(bench: Bench) -> None:
    bench.say_running()
    sent = bench.goals.send_goal_async(NavigateToWaypoint.Goal(waypoint="DESK-2"))
    bench.until(sent.done)
    bench.until(lambda: bench.navigation.get("state") == "WAITING")
    assert bench.navigation["waypoint"] == "DESK-2"
    assert "plan" not in bench.told.newest

    bench.until(lambda: bench.told.newest.get("plan", {}).get("goal") == "DESK-2", keep=bench.see)


def test_a_goal_that_is_on_no_map_is_answered_at_once(bench: Bench) -> None:
    sent = bench.goals.send_goal_async(NavigateToWaypoint.Goal(waypoint="NOWHERE"))
    bench.until(sent.done)
    ended = sent.result().get_result_async()
    bench.until(ended.done)
    assert ended.result().result.error_code == Reason.UNKNOWN_WAYPOINT
    assert "NOWHERE" in ended.result().result.message


def test_where_no_scan_fits_the_map_a_goal_ends_as_lost(bench: Bench) -> None:
    bench.say_running()
    sent = bench.goals.send_goal_async(NavigateToWaypoint.Goal(waypoint="DESK-2"))
    bench.until(sent.done)
    ended = sent.result().get_result_async()
    bench.until(ended.done, timeout_s=20.0, keep=lambda: bench.see(np.full(180, 0.7, np.float32)))
    assert ended.result().result.error_code == Reason.LOST
