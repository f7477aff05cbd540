"""The navigator: knows where the robot is, and offers drives to waypoints as an action.

Everything runs in callbacks of one executor. A drive's execute coroutine only waits for a future that the
20 Hz control timer resolves, so a newer goal, a cancel and a stop all take effect at the next tick.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

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
from edge.domain.robots import LastPose
from edge.domain.stops import STANDING_STATES, MotionState
from edge.settings import Settings
from ros_nodes import convert, qos
from ros_nodes.alive import Beat
from ros_nodes.driving import SAID, Drive, DriveStep, Moment, Site
from ros_nodes.live import Live
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid as Grid
from ros_nodes.navigation.progress import ProgressSettings
from ros_nodes.runtime import pace

CONTROL_S = 0.05
FEEDBACK_S = 0.25
POSE_S = 0.2
"""How often the pose is published; while standing, every STANDING_S."""
STANDING_S = 1.0
REMEMBER_S = 1.0
"""So often the pose is written down while it changes by more than REMEMBER_M."""
REMEMBER_M = 0.2
RESULT_TIMEOUT_S = 10
"""How long the action server keeps results; many kept ones slow each goal's acceptance."""
ODOMETRY_KEPT = 100
"""Readings to look a scan's time up in: two seconds at 50 Hz."""
ODOMETRY_GAP_S = 0.25
"""After such a silence, of real time, the board may have started anew."""
ODOMETRY_JUMP_M = 0.5
"""No wheels do this between two readings: the board has started anew, and counts from zero."""
STALE_S = 0.5
"""Older odometry or scans are none, in s of the clock of control."""

log = logs.get("ros.navigator")


@dataclass(slots=True)
class Running:
    """A goal being driven. `done` gets how it ended."""

    handle: ServerGoalHandle
    drive: Drive
    done: Future
    fed_back: float = field(default=-np.inf)


@dataclass(frozen=True, slots=True)
class Reading:
    """Odometry. `stamp`: when it was measured, as messages say it; `heard`: by the clock of control;
    `wall`: by the monotonic one."""

    stamp: float
    heard: float
    wall: float
    pose: Pose
    v: float
    w: float


class Memory(Protocol):
    """What lasts beyond this process."""

    def site(self) -> Site:
        """The map with today's waypoints and lanes; asked at the start of each drive."""
        ...

    def last_pose(self) -> LastPose:
        """Where the robot was last, or is put at first."""
        ...

    def remember_pose(self, pose: LastPose) -> None:
        """Does not wait until it is written."""
        ...


class Navigator(Node):
    def __init__(self, settings: Settings, live: Live, memory: Memory, grid: Grid) -> None:
        super().__init__("navigator")
        self._live, self._memory = live, memory
        self._last_pose: LastPose | None = memory.last_pose()
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
        self._localiser = Localiser(grid)
        self._readings: deque[Reading] = deque(maxlen=ODOMETRY_KEPT)
        self._points: Points = np.zeros((0, 2))
        self._scan_at = self._posed_at = -np.inf
        self._remembered: Pose | None = None
        self._remembered_at = -np.inf
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
        if self._readings and not self._localiser.lost:
            self._write_pose(self._readings[-1].pose)

    # Where the robot is

    def _now(self) -> float:
        """Seconds of the clock of control."""
        return float(self._pace.now().nanoseconds) * 1e-9

    def _on_odometry(self, message: Odometry) -> None:
        pose, speed = convert.pose(message.pose.pose), message.twist.twist
        stamp = convert.seconds(message.header.stamp)
        wall = time.monotonic()
        if not self._readings:
            if self._last_pose is not None:
                self._localiser.start(Pose(*self._last_pose.pose), pose)
        elif self._is_broken(self._readings[-1], pose, wall):
            # Perhaps the board started anew and counts from zero; the next scan will tell.
            stood = self._localiser.pose
            self._last_pose = LastPose(stood, self._readings[-1].pose)
            self._localiser.start(stood, pose)
            self._readings.clear()
        self._readings.append(
            Reading(stamp, self._now(), wall, pose, speed.linear.x, speed.angular.z)
        )
        self._localiser.predict(pose)
        self._show_pose()

    @staticmethod
    def _is_broken(last: Reading, pose: Pose, wall: float) -> bool:
        """Whether a reading does not simply follow from the one before."""
        silent = wall - last.wall > ODOMETRY_GAP_S
        return silent or pose.distance(last.pose.x, last.pose.y) > ODOMETRY_JUMP_M

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        pose = convert.pose(message.pose.pose)
        odometry = self._readings[-1].pose if self._readings else Pose(0.0, 0.0)
        self._last_pose = LastPose(pose, odometry)
        self._localiser.start(pose, odometry)
        log.info("the robot is told where it is", x=pose.x, y=pose.y)

    def _on_scan(self, scan: LaserScan) -> None:
        now = self._now()
        if not self._readings or (self._standing and now - self._scan_at < STANDING_S):
            return
        self._scan_at = now
        self._points = convert.scan_points(scan)
        stamp = convert.seconds(scan.header.stamp)
        reading = min(self._readings, key=lambda one: abs(one.stamp - stamp))
        if self._last_pose is not None:
            self._find_again(self._last_pose, reading.pose)
        self._localiser.correct(self._points, reading.pose)
        self._remember(now, reading.pose)
        self._show_scan()

    def _find_again(self, last: LastPose, odometry: Pose) -> None:
        """After a start: the wheels may have counted on meanwhile, or their board started anew
        where the robot stood. Whatever fits the first scan better is believed."""
        stood = Pose(*last.pose)
        rolled = stood.compose(Pose(*last.odometry).inverse()).compose(odometry)
        self._localiser.find(self._points, (stood, rolled), odometry)
        self._last_pose = None

    def _remember(self, now: float, odometry: Pose) -> None:
        pose, last = self._localiser.pose, self._remembered
        near = last is not None and pose.distance(last.x, last.y) < REMEMBER_M
        if self._localiser.lost or near or now - self._remembered_at < REMEMBER_S:
            return
        self._remembered, self._remembered_at = pose, now
        self._write_pose(odometry)

    def _write_pose(self, odometry: Pose) -> None:
        self._memory.remember_pose(LastPose(self._localiser.correction.compose(odometry), odometry))

    @property
    def _standing(self) -> bool:
        """Nothing is driven, nothing rolls, and the place is known: scans have nothing to tell."""
        newest = self._readings[-1]
        rolls = abs(newest.v) > 0.005 or abs(newest.w) > 0.01
        return self._running is None and not rolls and self._localiser.quality > 0.0

    def _show_pose(self) -> None:
        newest = self._readings[-1]
        if newest.heard - self._posed_at < (STANDING_S if self._standing else POSE_S):
            return
        self._posed_at = newest.heard
        pose = self._localiser.pose
        self._pose.publish(convert.pose_stamped(pose, self.get_clock().now().to_msg()))
        x, y, theta = (round(value, 3) for value in pose)
        moving = {"v": round(newest.v, 3), "w": round(newest.w, 3), "stamp": round(newest.stamp, 3)}
        self._live.publish("pose", x=x, y=y, theta=theta, frame=convert.MAP, **moving)
        if self._localised is not (known := not self._localiser.lost):
            self._localised = known
            self._known.publish(Bool(data=known))

    def _show_scan(self) -> None:
        if self._live.listened_to:
            points = np.round(self._localiser.pose.points_out(self._points), 2).tolist()
            self._live.publish("scan", points=points, stamp=round(self._scan_at, 3))

    # Driving

    def _on_stop(self, message: StopMessage) -> None:
        self._stop = MotionState(message.state)
        if self._stop in STANDING_STATES:
            self._end(Reason.STOPPED)

    def _begin(self, handle: ServerGoalHandle) -> None:
        """A goal was accepted: it replaces the running one."""
        self._end(Reason.CANCELLED)
        done = Future(executor=self.executor)
        goal = handle.request
        try:
            drive = self._plan_drive(goal.waypoint, goal.speed_limit)
        except NoRouteError as error:
            self._readable_end(done, error.reason, error.message)
        else:
            self._running = Running(handle, drive, done)
            self._show_plan(drive)
        self._endings[bytes(handle.goal_id.uuid)] = done
        handle.execute()

    def _plan_drive(self, waypoint: str, speed_limit: float) -> Drive:
        """Raises NoRouteError."""
        if self._stop in STANDING_STATES:
            raise NoRouteError(Reason.STOPPED, SAID[Reason.STOPPED])
        if self._localiser.lost:
            raise NoRouteError(Reason.LOST, SAID[Reason.LOST])
        return Drive(
            self._memory.site(),
            self._limits,
            waypoint,
            self._localiser.pose,
            speed_limit_m_s=speed_limit,
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
        step = running.drive.step(self._look())
        if step.ended is not None:
            self._end(step.ended)
            return
        self._velocity.publish(convert.twist(step.v, step.w))
        if step.state == "REPLANNING":
            self._show_plan(running.drive)
        self._tell(running, step)

    def _look(self) -> Moment:
        now = self._now()
        newest = self._readings[-1] if self._readings else None
        heard = -np.inf if newest is None else newest.heard
        fresh = now - heard < STALE_S and now - self._scan_at < STALE_S
        return Moment(
            now=now,
            pose=self._localiser.pose,
            v=0.0 if newest is None else newest.v,
            w=0.0 if newest is None else newest.w,
            points=self._points,
            localised=not self._localiser.lost,
            held=self._stop is not MotionState.RUNNING or not fresh,
        )

    def _end(self, reason: Reason) -> None:
        """The running drive is over: stand, and tell whoever waits for it."""
        running, self._running = self._running, None
        if running is None:
            return
        self._velocity.publish(Twist())
        self._readable_end(running.done, reason, SAID[reason])
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
            pose=convert.pose_stamped(self._localiser.pose, stamp),
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
            waypoint=running.drive.goal.location_code,
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
