"""The base node: the gate's one motion client, between its sockets and the standard ROS topics.

cmd_vel in; odom, battery_state and the transforms of robot and laser out. Its heartbeat tells the gate that the ROS
process lives: it is a timer of the same executor as everything else, so it stops when that does.
"""

import time
from collections import deque

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.time import Time as RosTime
from sensor_msgs.msg import BatteryState

from edge import logs
from edge.settings import Settings
from firmware_bridge.sockets import MotionLink, StateWatcher
from ros_nodes import convert, qos
from ros_nodes.navigation.geometry import Pose
from ros_nodes.runtime import steady
from ros_nodes.transforms import Transforms, tell_for_good

HEARTBEAT_S = 0.1
RETRY_S = 0.25
READ_S = 0.02
"""How often odometry is fetched; the board measures as often."""
STANDING_S = 0.1
"""How often odometry is published while nothing moves."""
CLOCK_LATE = 3
"""For fewer readings in a row the simulation's clock may be behind its pace because it is heard late."""
STALL_S = 0.25
"""A simulation that stalls stands still. Its clock is followed back only by more than this, times its speed."""

log = logs.get("ros.base")


class Base(Node):
    def __init__(self, settings: Settings) -> None:
        super().__init__("base")
        self._link = MotionLink(settings.run_dir)
        self._watcher = StateWatcher(settings.run_dir)
        self._speed = settings.sim.speed
        self._retry_at = 0.0
        self._last: dict[str, float] = {}
        self._published_at = 0.0
        self._ahead: deque[float] = deque(maxlen=CLOCK_LATE)
        self._stamped = 0.0
        self._odometry = self.create_publisher(Odometry, "odom", qos.STREAM)
        self._transforms = Transforms(self)
        if settings.navigator.laser_tf:
            mount = convert.laser_mount(settings.robot)
            tell_for_good(self, convert.BASE, settings.navigator.laser_frame, mount)
        self._battery = self.create_publisher(BatteryState, "battery_state", qos.STREAM)
        self.create_subscription(Twist, "cmd_vel", self._on_command, qos.COMMAND)
        self.create_timer(HEARTBEAT_S, self._beat, clock=steady())
        self.create_timer(READ_S / max(1.0, self._speed), self._read, clock=steady())

    def close(self) -> None:
        self._link.send(0.0, 0.0)
        self._link.close()
        self._watcher.close()

    def _on_command(self, command: Twist) -> None:
        self._link.send(command.linear.x, command.angular.z)

    def _beat(self) -> None:
        self._connect()
        self._watcher.heartbeat("ros")
        self._watcher.receive()

    def _connect(self) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            return
        self._retry_at = now + RETRY_S
        if not is_open(self._watcher):
            self._watcher.connect()
        if not is_open(self._link) and self._link.connect():
            log.info("the gate takes our commands")

    def _read(self) -> None:
        newest: dict[str, dict[str, float]] = {}
        for message in self._link.receive():
            newest[str(message.get("type"))] = message
        if battery := newest.get("battery"):
            stamp = self.get_clock().now().to_msg()
            self._battery.publish(convert.battery_message(battery, stamp))
        odometry = newest.get("odometry")
        if odometry is not None and self._is_news(odometry):
            stamp = self._time_of(odometry)
            self._odometry.publish(convert.odometry_message(odometry, stamp))
            pose = Pose(odometry["x"], odometry["y"], odometry["theta"])
            self._transforms.tell(convert.ODOM, convert.BASE, pose, stamp)

    def _is_news(self, odometry: dict[str, float]) -> bool:
        now = time.monotonic()
        still = all(odometry[key] == self._last.get(key) for key in ("x", "y", "theta", "v", "w"))
        if still and now - self._published_at < STANDING_S:
            return False
        self._last, self._published_at = odometry, now
        return True

    def _time_of(self, odometry: dict[str, float]) -> Time:
        """When the gate heard it, on the node's clock; scans are matched with odometry by time."""
        ahead = self.get_clock().now().nanoseconds * 1e-9 - time.monotonic() * self._speed
        if self._speed != 1.0:  # the simulation's clock may be heard late, which is no step back
            self._ahead.append(ahead)
            ahead = max(self._ahead)
        heard = ahead + odometry["stamp"] * self._speed
        if self._speed != 1.0 and heard > self._stamped - STALL_S * self._speed:
            heard = max(heard, self._stamped)
        self._stamped = heard
        stamp: Time = RosTime(nanoseconds=max(0, int(heard * 1e9))).to_msg()
        return stamp


def is_open(connection: MotionLink | StateWatcher) -> bool:
    try:
        return connection.fileno() >= 0
    except ConnectionError:
        return False
