"""What the navigator shows, to ROS and on the live socket: map, pose, scan, plan, and how the drive goes."""

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from luna_interfaces.action import NavigateToWaypoint
from nav_msgs.msg import OccupancyGrid
from nav_msgs.msg import Path as PathMessage
from rclpy.node import Node
from std_msgs.msg import Bool

from edge import logs
from ros_nodes import convert, diagnostics, qos
from ros_nodes.driving import DriveStep
from ros_nodes.goals import Driven, Running
from ros_nodes.live import Live
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.maps import OccupancyGrid as Grid
from ros_nodes.navigation.sensing import Reading
from ros_nodes.navigation.sensor_faults import SensorFault, in_words
from ros_nodes.whereabouts import Whereabouts

DIAGNOSE_S = 1.0

log = logs.get("ros.navigator")


class Shown:
    def __init__(self, node: Node, live: Live, grid: Grid, robot_id: str, *, plans: bool) -> None:
        """`plans`: whether the topic `plan` is ours to fill."""
        self._node, self._live, self._robot_id = node, live, robot_id
        self._fault: SensorFault | None = None
        self._fault_at = -np.inf
        self._localised: bool | None = None
        self._pose = node.create_publisher(PoseStamped, "pose", qos.STREAM)
        self._known = node.create_publisher(Bool, "localised", qos.STATE)
        self._map = node.create_publisher(OccupancyGrid, "map", qos.STATE)
        self._plan = node.create_publisher(PathMessage, "plan", qos.STATE) if plans else None
        self._diagnostics = node.create_publisher(DiagnosticArray, "diagnostics", qos.STREAM)
        stamp = node.get_clock().now().to_msg()
        self._map.publish(convert.grid_message(grid, stamp))

    def destroy(self) -> None:
        for topic in (self._pose, self._known, self._map, self._plan, self._diagnostics):
            if topic is not None:
                self._node.destroy_publisher(topic)

    def pose(self, where: Whereabouts, newest: Reading) -> None:
        self._pose.publish(convert.pose_stamped(where.pose, self._node.get_clock().now().to_msg()))
        x, y, theta = (round(value, 3) for value in where.pose)
        moving = {"v": round(newest.v, 3), "w": round(newest.w, 3), "stamp": round(newest.stamp, 3)}
        self._live.publish("pose", x=x, y=y, theta=theta, frame=convert.MAP, **moving)
        if self._localised is not (known := where.known):
            self._localised = known
            self._known.publish(Bool(data=known))

    def scan(self, where: Whereabouts) -> None:
        if self._live.listened_to:
            points = np.round(where.pose.points_out(where.points), 2).tolist()
            self._live.publish("scan", points=points, stamp=round(where.scan_at, 3))

    def fault(self, fault: SensorFault | None, now: float) -> None:
        """What is wrong with the sensors, or nothing: at each change, and once a second of the clock `now`."""
        if fault is self._fault and abs(now - self._fault_at) < DIAGNOSE_S:
            return
        if fault is not self._fault:
            said = "They are well again." if fault is None else in_words(fault)
            log.warning("sensors", fault=fault, said=said)
        self._fault, self._fault_at = fault, now
        message = diagnostics.sensors(fault, self._robot_id)
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def plan(self, drive: Driven) -> None:
        if drive.route is None:
            return
        points = np.round(drive.route.points[::2], 2).tolist()
        self._publish_plan(points)
        self._live.publish("plan", points=points, goal=drive.goal.location_code)
        log.info("drive", to=drive.goal.location_code, length_m=round(drive.route.length_m, 1))

    def feedback(self, running: Running, where: Whereabouts, step: DriveStep) -> None:
        stamp = self._node.get_clock().now().to_msg()
        feedback = NavigateToWaypoint.Feedback(
            pose=convert.pose_stamped(where.pose, stamp),
            distance_remaining=step.distance_left_m,
            time_remaining=step.time_left_s,
            state=step.state,
        )
        running.handle.publish_feedback(feedback)
        self._navigation(running, step, Reason.NONE)

    def end(self, running: Running, reason: Reason) -> None:
        self._publish_plan([])
        self._live.publish("plan", points=[], goal=None)
        self._navigation(running, DriveStep(0.0, 0.0, "IDLE", 0.0, 0.0), reason)

    def _publish_plan(self, points: list[tuple[float, float]]) -> None:
        if self._plan is not None:
            stamp = self._node.get_clock().now().to_msg()
            self._plan.publish(convert.path_message(points, stamp))

    def _navigation(self, running: Running, step: DriveStep, reason: Reason) -> None:
        self._live.publish(
            "navigation",
            state=step.state,
            waypoint=running.goal.location_code,
            distance_left_m=round(step.distance_left_m, 2),
            time_left_s=round(step.time_left_s, 1),
            reason=reason.name,
            message=step.message,
        )
