"""The navigator: knows where the robot is, and offers drives to waypoints as an action.

Everything runs in callbacks of one executor. A drive's execute coroutine only waits for a future that the
20 Hz control timer resolves, so a newer goal, a cancel and a stop all take effect at the next tick.
"""

import time
from dataclasses import dataclass, field

import numpy as np
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, Twist
from luna_interfaces.action import NavigateToWaypoint
from luna_interfaces.msg import EmergencyStop as StopMessage
from nav_msgs.msg import OccupancyGrid, Odometry
from nav_msgs.msg import Path as PathMessage
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool

from edge import logs
from edge.domain.stops import STANDING_STATES, MotionState
from edge.domain.waypoints import Waypoint
from edge.settings import Settings
from ros_nodes import convert, qos
from ros_nodes.alive import Beat
from ros_nodes.driving import SAID, Drive, DriveStep, Moment
from ros_nodes.live import Live
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid as Grid
from ros_nodes.navigation.progress import ProgressSettings
from ros_nodes.runtime import pace
from ros_nodes.whereabouts import STANDING_S, Memory, Reading, Whereabouts

CONTROL_S = 0.05
FEEDBACK_S = 0.25
POSE_S = 0.2
"""How often the pose is published; while standing, every STANDING_S."""
RESULT_TIMEOUT_S = 10
"""How long the action server keeps results; many kept ones slow each goal's acceptance."""
STALE_S = 0.5
"""Older odometry or scans are none, in s of the clock of control."""

log = logs.get("ros.navigator")


@dataclass(slots=True)
class Running:
    """A goal being driven. `done` gets how it ended. `drive` is planned as soon as the robot knows where it is;
    `lost_s`: the seconds that it did not, while it might have set off."""

    handle: ServerGoalHandle
    goal: Waypoint
    done: Future
    drive: Drive | None = None
    lost_s: float = 0.0
    fed_back: float = field(default=-np.inf)


class Navigator(Node):
    def __init__(self, settings: Settings, live: Live, memory: Memory, grid: Grid) -> None:
        super().__init__("navigator")
        self._live, self._memory = live, memory
        self._whereabouts = Whereabouts(grid, memory)
        robot = settings.robot
        self._limits = Limits(
            radius_m=robot.radius_m,
            max_speed_m_s=robot.max_speed_m_s,
            max_turn_rad_s=robot.max_turn_rad_s,
            max_acceleration_m_s2=robot.max_acceleration_m_s2,
            max_turn_acceleration_rad_s2=robot.max_turn_acceleration_rad_s2,
        )
        # Gate and board go by real time, so what they take is longer on a clock that runs faster.
        stuck_after_s = ProgressSettings().stuck_after_s * max(1.0, settings.sim.speed)
        self._patience = ProgressSettings(stuck_after_s=stuck_after_s)
        self._posed_at = -np.inf
        self._localised: bool | None = None
        self._stop: MotionState = MotionState.HOLD
        self._running: Running | None = None
        self._endings: dict[bytes, Future] = {}
        self._pace = pace(self, settings)
        self._beat = Beat(self)
        self._make_topics(grid)
        self._server = ActionServer(
            self,
            NavigateToWaypoint,
            "navigate_to_waypoint",
            self._execute,
            callback_group=ReentrantCallbackGroup(),
            handle_accepted_callback=self._begin,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=RESULT_TIMEOUT_S,
        )
        self.create_timer(CONTROL_S * min(1.0, settings.sim.speed), self._control, clock=self._pace)

    def _make_topics(self, grid: Grid) -> None:
        self._velocity = self.create_publisher(Twist, "cmd_vel_nav", qos.COMMAND)
        self._pose = self.create_publisher(PoseStamped, "pose", qos.STREAM)
        self._plan = self.create_publisher(PathMessage, "plan", qos.STATE)
        self._known = self.create_publisher(Bool, "localised", qos.STATE)
        self._map = self.create_publisher(OccupancyGrid, "map", qos.STATE)
        self._map.publish(convert.grid_message(grid, self.get_clock().now().to_msg()))
        self.create_subscription(Odometry, "odom", self._on_odometry, qos.STREAM)
        self.create_subscription(LaserScan, "scan", self._on_scan, qos.SENSOR)
        self.create_subscription(StopMessage, "emergency_stop", self._on_stop, qos.EVERY_STOP)
        self.create_subscription(
            PoseWithCovarianceStamped, "initialpose", self._on_initial_pose, qos.STREAM
        )

    def close(self) -> None:
        self._velocity.publish(Twist())
        self._whereabouts.write_down()

    # Where the robot is

    def _now(self) -> float:
        """Seconds of the clock of control."""
        return float(self._pace.now().nanoseconds) * 1e-9

    def _on_odometry(self, message: Odometry) -> None:
        speed, stamp = message.twist.twist, convert.seconds(message.header.stamp)
        pose, wall = convert.pose(message.pose.pose), time.monotonic()
        reading = Reading(stamp, self._now(), wall, pose, speed.linear.x, speed.angular.z)
        self._whereabouts.on_odometry(reading)
        self._show_pose(reading)

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        pose = convert.pose(message.pose.pose)
        self._whereabouts.put_at(pose)
        log.info("the robot is told where it is", x=pose.x, y=pose.y)

    def _on_scan(self, scan: LaserScan) -> None:
        now, where = self._now(), self._whereabouts
        if self._standing and now - where.scan_at < STANDING_S:
            return
        where.on_scan(convert.scan_points(scan), convert.seconds(scan.header.stamp), now)
        self._show_scan()

    @property
    def _standing(self) -> bool:
        return self._running is None and self._whereabouts.idle

    def _show_pose(self, newest: Reading) -> None:
        if newest.heard - self._posed_at < (STANDING_S if self._standing else POSE_S):
            return
        self._posed_at = newest.heard
        pose = self._whereabouts.pose
        self._pose.publish(convert.pose_stamped(pose, self.get_clock().now().to_msg()))
        x, y, theta = (round(value, 3) for value in pose)
        moving = {"v": round(newest.v, 3), "w": round(newest.w, 3), "stamp": round(newest.stamp, 3)}
        self._live.publish("pose", x=x, y=y, theta=theta, frame=convert.MAP, **moving)
        if self._localised is not (known := self._whereabouts.known):
            self._localised = known
            self._known.publish(Bool(data=known))

    def _show_scan(self) -> None:
        where = self._whereabouts
        if self._live.listened_to:
            points = np.round(where.pose.points_out(where.points), 2).tolist()
            self._live.publish("scan", points=points, stamp=round(where.scan_at, 3))

    # Driving

    def _on_stop(self, message: StopMessage) -> None:
        self._stop = MotionState(message.state)
        if self._stop in STANDING_STATES:
            self._end(Reason.STOPPED)

    def _begin(self, handle: ServerGoalHandle) -> None:
        """A goal was accepted: it replaces the running one."""
        self._end(Reason.CANCELLED)
        done = Future(executor=self.executor)
        code = handle.request.waypoint
        goal = self._memory.site().find(code)
        if self._stop in STANDING_STATES:
            self._readable_end(done, Reason.STOPPED, SAID[Reason.STOPPED])
        elif goal is None:
            message = f"There is no place called {code!r}."
            self._readable_end(done, Reason.UNKNOWN_WAYPOINT, message)
        else:
            self._running = Running(handle, goal, done)
        self._endings[bytes(handle.goal_id.uuid)] = done
        handle.execute()

    def _set_off(self, running: Running, at: Moment) -> None:
        """Plan, as soon as it is known from where."""
        if at.localised and not at.held:
            try:
                running.drive = self._plan_drive(running, at.pose)
            except NoRouteError as error:
                self._end(error.reason, error.message)
            else:
                self._show_plan(running.drive)
            return
        running.lost_s += 0.0 if at.held else CONTROL_S
        if running.lost_s >= self._patience.lost_after_s:
            self._end(Reason.LOST)
        else:
            self._tell(running, DriveStep(0.0, 0.0, "WAITING", 0.0, 0.0))

    def _plan_drive(self, running: Running, pose: Pose) -> Drive:
        """Raises NoRouteError."""
        return Drive(
            self._memory.site(),
            self._limits,
            running.goal.location_code,
            pose,
            speed_limit_m_s=running.handle.request.speed_limit,
            settings=self._patience,
        )

    async def _execute(self, handle: ServerGoalHandle) -> NavigateToWaypoint.Result:
        reason, message = await self._endings.pop(bytes(handle.goal_id.uuid))
        if reason is Reason.NONE:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return NavigateToWaypoint.Result(error_code=int(reason), message=message)

    def _control(self) -> None:
        self._drive_on()
        self._beat()

    def _drive_on(self) -> None:
        running = self._running
        if running is None:
            return
        if running.handle.is_cancel_requested:
            self._end(Reason.CANCELLED)
            return
        at = self._look()
        if running.drive is None:
            self._set_off(running, at)
            return
        step = running.drive.step(at)
        if step.ended is not None:
            self._end(step.ended)
            return
        self._velocity.publish(convert.twist(step.v, step.w))
        if step.state == "REPLANNING":
            self._show_plan(running.drive)
        self._tell(running, step)

    def _look(self) -> Moment:
        now, where = self._now(), self._whereabouts
        newest = where.newest
        heard = -np.inf if newest is None else newest.heard
        fresh = now - heard < STALE_S and now - where.scan_at < STALE_S
        return Moment(
            now=now,
            pose=where.pose,
            v=0.0 if newest is None else newest.v,
            w=0.0 if newest is None else newest.w,
            points=where.points,
            localised=where.known,
            held=self._stop is not MotionState.RUNNING or not fresh,
        )

    def _end(self, reason: Reason, message: str = "") -> None:
        """The running drive is over: stand, and tell whoever waits for it."""
        running, self._running = self._running, None
        if running is None:
            return
        self._velocity.publish(Twist())
        self._readable_end(running.done, reason, message or SAID[reason])
        self._plan.publish(PathMessage())
        self._live.publish("plan", points=[], goal=None)
        self._show_navigation(running, "IDLE", 0.0, 0.0, reason)

    def _readable_end(self, done: Future, reason: Reason, message: str) -> None:
        log.info("drive ended", reason=reason.name, message=message)
        done.set_result((reason, message))

    def _tell(self, running: Running, step: DriveStep) -> None:
        now = self._now()
        if now - running.fed_back < FEEDBACK_S:
            return
        running.fed_back = now
        stamp = self.get_clock().now().to_msg()
        feedback = NavigateToWaypoint.Feedback(
            pose=convert.pose_stamped(self._whereabouts.pose, stamp),
            distance_remaining=step.distance_left_m,
            time_remaining=step.time_left_s,
            state=step.state,
        )
        running.handle.publish_feedback(feedback)
        left = step.distance_left_m, step.time_left_s
        self._show_navigation(running, step.state, *left, Reason.NONE)

    def _show_navigation(
        self, running: Running, state: str, distance_m: float, time_s: float, reason: Reason
    ) -> None:
        self._live.publish(
            "navigation",
            state=state,
            waypoint=running.goal.location_code,
            distance_left_m=round(distance_m, 2),
            time_left_s=round(time_s, 1),
            reason=reason.name,
        )

    def _show_plan(self, drive: Drive) -> None:
        points = np.round(drive.route.points[::2], 2).tolist()
        stamp = self.get_clock().now().to_msg()
        self._plan.publish(convert.path_message(points, stamp))
        self._live.publish("plan", points=points, goal=drive.goal.location_code)
        log.info("drive", to=drive.goal.location_code, length_m=round(drive.route.length_m, 1))
