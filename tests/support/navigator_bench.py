"""The navigator alone in a demo library: the test plays the other nodes, and a body that does what it is told."""

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Twist
from luna_interfaces.action import NavigateToWaypoint
from luna_interfaces.msg import EmergencyStop
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import LaserScan

from edge.domain.robots import LastPose
from edge.domain.waypoints import Waypoint
from edge.settings import load
from ros_nodes import convert, qos
from ros_nodes.driving import Site
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigator import Navigator
from ros_nodes.runtime import choose_executor
from ros_nodes.simulation.demo_library import demo_site, draw_library
from ros_nodes.simulation.scan import Scanner
from tests.support.ros import ros_context

GRID = draw_library()
DOCK = next(place for place in demo_site().waypoints if place.location_code == "DOCK-1")
DOCK_POSE = Pose(DOCK.x, DOCK.y, DOCK.theta)
ODOMETRY_S, SCAN_S = 0.02, 0.1
UNTIL_S = 30.0
"""Until what is waited for is there; on a machine with ten busy processes 20 s were too few."""


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

    def __init__(self) -> None:
        drawn = demo_site()
        self._site = Site(GRID, drawn.waypoints, drawn.lanes)

    def site(self) -> Site:
        return self._site

    def close_lane(self, *ends: str) -> None:
        lanes = [
            replace(lane, closed=lane.closed or {lane.start, lane.end} == set(ends))
            for lane in self._site.lanes
        ]
        self._site = Site(GRID, self._site.waypoints, lanes)

    def add(self, place: Waypoint) -> None:
        """Or move the one of its id."""
        others = [one for one in self._site.waypoints if one.id != place.id]
        self._site = Site(GRID, [*others, place], self._site.lanes)

    def last_pose(self) -> LastPose:
        return LastPose(DOCK_POSE, (0.0, 0.0, 0.0))

    def remember_pose(self, pose: LastPose) -> None:
        pass


class Body:
    """Wheels without inertia: goes as told, until nobody has told for 0.2 s. `pose`: in the map."""

    def __init__(self) -> None:
        self.pose = DOCK_POSE
        self.v = self.w = 0.0
        self._told_at = self._at = time.monotonic()

    def on_command(self, command: Twist) -> None:
        self.v, self.w, self._told_at = command.linear.x, command.angular.z, time.monotonic()

    def move(self) -> None:
        now = time.monotonic()
        if now - self._told_at > 0.2:
            self.v = self.w = 0.0
        seconds, self._at = now - self._at, now
        self.pose = self.pose.compose(Pose(self.v * seconds, 0.0, self.w * seconds))

    def odometry(self) -> dict[str, float]:
        x, y, theta = DOCK_POSE.inverse().compose(self.pose)
        return {"x": x, "y": y, "theta": theta, "v": self.v, "w": self.w}


class Bench:
    def __init__(self, data_dir: Path) -> None:
        self.told = Told()
        self.body = Body()
        self.memory = DemoMemory()
        self.node = Navigator(load(data_dir), self.told, lambda: (GRID, self.memory))
        self.peer = Node("peer")
        self.client = Node("client")
        self.goals = self._make_client()
        self._odometry = self.peer.create_publisher(Odometry, "odom", qos.STREAM)
        self._scan = self.peer.create_publisher(LaserScan, "scan", qos.SENSOR)
        self._stop = self.peer.create_publisher(EmergencyStop, "emergency_stop", qos.STOP)
        self.peer.create_subscription(Twist, "cmd_vel_nav", self.body.on_command, qos.COMMAND)
        self._scanner = Scanner(GRID)
        self._scan_at = self._odometry_at = 0.0
        self.executor = choose_executor()
        for node in (self.node, self.peer):
            self.executor.add_node(node)
        # rclpy's events executor crashes where a client is destroyed while a message for it waits in the queue.
        self._of_client = SingleThreadedExecutor()
        self._of_client.add_node(self.client)

    def until_met(self) -> None:
        """Wait until the navigator hears what the test says."""
        heard = (self._odometry, self._scan, self._stop)
        self.until(lambda: all(one.get_subscription_count() for one in heard))
        self.until(self.goals.server_is_ready)

    @property
    def navigation(self) -> dict[str, Any]:
        return self.told.newest.get("navigation", {})

    def say_stop(self, state: str) -> None:
        self._stop.publish(EmergencyStop(state=state))

    def see(self, ranges: NDArray[np.float32] | None = None) -> None:
        """Where the robot is, and what it sees there, or `ranges`. To be called again and again."""
        if time.monotonic() - self._odometry_at < ODOMETRY_S:
            return  # the executor does one thing a call, and would fall behind
        self._odometry_at = time.monotonic()
        now = self.peer.get_clock().now().to_msg()
        laser = self._scanner.laser
        self._odometry.publish(convert.odometry_message(self.body.odometry(), now))
        seen = self._scanner.scan(self.body.pose) if ranges is None else ranges
        self._scan.publish(convert.scan_message(seen, laser.angle_min, laser.angle_step, now))

    def live(self) -> None:
        """The body moves, and its sensors tell. To be called again and again."""
        self.body.move()
        now = time.monotonic()
        stamp = self.peer.get_clock().now().to_msg()
        if now - self._odometry_at >= ODOMETRY_S:
            self._odometry_at = now
            self._odometry.publish(convert.odometry_message(self.body.odometry(), stamp))
        if now - self._scan_at >= SCAN_S:
            self._scan_at = now
            seen, laser = self._scanner.scan(self.body.pose), self._scanner.laser
            self._scan.publish(convert.scan_message(seen, laser.angle_min, laser.angle_step, stamp))

    def until(
        self,
        condition: Callable[[], object],
        timeout_s: float = UNTIL_S,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve both nodes until the condition holds; `keep` is done again and again meanwhile."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; {self.told.newest}"
            keep()
            for wait_s in (0.01, 0.0, 0.0, 0.0):  # more than `keep` says: none lies in wait
                self.executor.spin_once(timeout_sec=wait_s)
            self._of_client.spin_once(timeout_sec=0.0)

    def answer(
        self, asked: Future, timeout_s: float = UNTIL_S, keep: Callable[[], None] = lambda: None
    ) -> Any:
        """What somebody answers."""
        self.until(asked.done, timeout_s, keep)
        return asked.result()

    def send(self, waypoint: str, **more: Any) -> ClientGoalHandle:
        """A goal that was accepted."""
        goal = NavigateToWaypoint.Goal(waypoint=waypoint, **more)
        handle: ClientGoalHandle = self.answer(self.goals.send_goal_async(goal))
        assert handle.accepted
        return handle

    def result(
        self,
        handle: ClientGoalHandle,
        timeout_s: float = UNTIL_S,
        keep: Callable[[], None] = lambda: None,
    ) -> tuple[Reason, str]:
        """How a goal ended."""
        ended = self.answer(handle.get_result_async(), timeout_s, keep).result
        return Reason(ended.error_code), ended.message

    def lose_client(self) -> None:
        """Who sent the goals is gone; a new one is there when the navigator has noticed."""
        self.goals.destroy()
        gc.collect()
        self.until(lambda: self.told.newest["navigation"]["state"] == "IDLE", keep=self.live)
        self.goals = self._make_client()

    def _make_client(self) -> ActionClient:
        return ActionClient(self.client, NavigateToWaypoint, "navigate_to_waypoint")

    def drive_off(self, waypoint: str = "DESK-2") -> ClientGoalHandle:
        """A goal that is being driven: the robot rolls."""
        self.say_stop("RUNNING")
        handle = self.send(waypoint)
        self.until(lambda: math.hypot(self.body.v, self.body.w) > 0.1, keep=self.live)
        return handle

    def close(self) -> None:
        self.node.close()
        self.goals.destroy()
        for executor in (self.executor, self._of_client):
            for node in executor.get_nodes():
                executor.remove_node(node)
                node.destroy_node()
            executor.shutdown()
        gc.collect()  # an action client leaves the ROS graph when nothing holds it any more


@contextlib.contextmanager
def bench(data_dir: Path, arguments: Sequence[str] = (), *, met: bool = True) -> Iterator[Bench]:
    """`arguments`: of ROS; `met`: wait until the navigator hears what the test says."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(ros_context(arguments))
        bench = Bench(data_dir)
        stack.callback(bench.close)
        if met:
            bench.until_met()
        yield bench
