"""Between ROS messages and plain values. Nothing is decided here."""

import math
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose as PoseMessage
from geometry_msgs.msg import PoseStamped, Quaternion, Transform, Twist
from luna_interfaces.msg import EmergencyStop
from nav_msgs.msg import OccupancyGrid as GridMessage
from nav_msgs.msg import Odometry
from nav_msgs.msg import Path as PathMessage
from sensor_msgs.msg import BatteryState, LaserScan

from edge.settings import Robot
from firmware_bridge.sockets import GateState
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.sensing import Scan

MAP, ODOM, BASE, LASER = "map", "odom", "base_link", "laser"


def quaternion(yaw: float) -> Quaternion:
    return Quaternion(z=math.sin(yaw / 2), w=math.cos(yaw / 2))


def yaw(q: Quaternion) -> float:
    """Heading of a rotation, in rad; also of one that is not about z alone."""
    return math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y * q.y + q.z * q.z))


def pose_message(pose: Pose) -> PoseMessage:
    message = PoseMessage(orientation=quaternion(pose.theta))
    message.position.x, message.position.y = float(pose.x), float(pose.y)
    return message


def pose(message: PoseMessage) -> Pose:
    return Pose(message.position.x, message.position.y, yaw(message.orientation))


def transform(message: Transform) -> Pose:
    return Pose(message.translation.x, message.translation.y, yaw(message.rotation))


def pose_stamped(pose: Pose, stamp: Time, frame: str = MAP) -> PoseStamped:
    message = PoseStamped(pose=pose_message(pose))
    message.header.stamp, message.header.frame_id = stamp, frame
    return message


def twist(linear_m_s: float, angular_rad_s: float) -> Twist:
    message = Twist()
    message.linear.x, message.angular.z = float(linear_m_s), float(angular_rad_s)
    return message


def odometry_message(reading: Mapping[str, Any], stamp: Time) -> Odometry:
    """From what the gate tells: x, y, theta in `odom`, v and w in `base_link`."""
    message = Odometry(child_frame_id=BASE)
    message.header.stamp, message.header.frame_id = stamp, ODOM
    message.pose.pose = pose_message(Pose(reading["x"], reading["y"], reading["theta"]))
    message.twist.twist = twist(reading["v"], reading["w"])
    return message


def battery_message(reading: Mapping[str, Any], stamp: Time) -> BatteryState:
    message = BatteryState(
        percentage=float(reading["fraction"]), voltage=float(reading["voltage"]), present=True
    )
    message.header.stamp = stamp
    charging = BatteryState.POWER_SUPPLY_STATUS_CHARGING
    idle = BatteryState.POWER_SUPPLY_STATUS_DISCHARGING
    message.power_supply_status = charging if reading["charging"] else idle
    return message


def stop_message(state: GateState, stamp: Time) -> EmergencyStop:
    message = EmergencyStop(
        active=state.state != "RUNNING",
        state=str(state.state),
        event_id=state.event_id or "",
        source=str(state.source or ""),
        reason=state.reason or "",
        causes=[str(cause.name) for cause in state.causes],
    )
    message.header.stamp = stamp
    return message


def laser_mount(robot: Robot) -> Pose:
    """Where its laser is, in `base_link`."""
    return Pose(robot.laser_x_m, robot.laser_y_m, robot.laser_yaw_rad)


def scan_message(
    ranges: np.ndarray[Any, Any], angle_min: float, angle_step: float, stamp: Time
) -> LaserScan:
    """Ranges in metres, the first at `angle_min`, counted from the x axis of the laser towards y."""
    message = LaserScan(
        angle_min=angle_min,
        angle_max=angle_min + angle_step * (len(ranges) - 1),
        angle_increment=angle_step,
        range_min=0.05,
        range_max=30.0,
        ranges=array("f", ranges.astype(np.float32).tobytes()),
    )
    message.header.stamp, message.header.frame_id = stamp, LASER
    return message


def scan(message: LaserScan, mount: Pose) -> Scan:
    """`mount`: of the laser on the robot."""
    return Scan(
        frame=message.header.frame_id,
        stamp=seconds(message.header.stamp),
        angle_min=message.angle_min,
        angle_max=message.angle_max,
        angle_step=message.angle_increment,
        range_min=message.range_min,
        range_max=message.range_max,
        ranges=np.asarray(message.ranges, dtype=np.float64),
        mount=mount,
    )


def path_message(points: Iterable[tuple[float, float]], stamp: Time) -> PathMessage:
    message = PathMessage()
    message.header.stamp, message.header.frame_id = stamp, MAP
    message.poses = [pose_stamped(Pose(x, y), stamp) for x, y in points]
    return message


def grid_message(grid: OccupancyGrid, stamp: Time) -> GridMessage:
    message = GridMessage(data=array("b", grid.cells.tobytes()))
    message.header.stamp, message.header.frame_id = stamp, MAP
    message.info.map_load_time = stamp
    message.info.resolution = grid.resolution_m
    message.info.height, message.info.width = grid.cells.shape
    message.info.origin = pose_message(grid.origin)
    return message


def seconds(stamp: Time) -> float:
    return float(stamp.sec) + float(stamp.nanosec) * 1e-9
