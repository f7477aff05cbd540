"""The navigator: knows where the robot is, and offers drives to waypoints as an action.

Everything runs in callbacks of one executor: topics say what is so, and the 20 Hz control timer drives. Configured, it
knows the map and tells where the robot is; active, it also drives.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped, Twist
from luna_interfaces.msg import EmergencyStop as StopMessage
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from edge import logs
from edge.domain.stops import STANDING_STATES, MotionState, StopCause
from edge.domain.waypoints import Waypoint
from edge.settings import Settings
from ros_nodes import convert, parameters, pose_topics, qos
from ros_nodes.alive import Beat
from ros_nodes.driving import SAID, Drive, DriveStep, Moment
from ros_nodes.goals import Driven, Goals, Running
from ros_nodes.live import Live
from ros_nodes.managed import ManagedNode
from ros_nodes.nav2 import Nav2
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid as Grid
from ros_nodes.navigation.progress import ProgressSettings
from ros_nodes.navigation.sensing import Reading, SensorCheck
from ros_nodes.navigation.sensor_faults import in_words
from ros_nodes.runtime import pace
from ros_nodes.shown import Shown
from ros_nodes.transforms import Transforms
from ros_nodes.whereabouts import STANDING_S, Memory

CONTROL_S = 0.05
BLIND_S = 10.0
"""A drive that has nothing fresh to drive by is given up after so long."""
SITE_S = 1.0
"""How often it is looked whether waypoints or lanes changed, while a drive goes on."""

Ground = Callable[[], tuple[Grid, Memory]]
"""The map to drive on, and what is remembered on it. Raises LunaError."""

log = logs.get("ros.navigator")


class Navigator(ManagedNode):
    def __init__(self, settings: Settings, live: Live, ground: Ground) -> None:
        """Raises LunaError where it cannot start."""
        super().__init__("navigator")
        parameters.declare(self, parameters.NAVIGATOR)
        self._live, self._ground = live, ground
        robot = settings.robot
        self._limits = Limits(
            radius_m=robot.radius_m,
            max_speed_m_s=robot.max_speed_m_s,
            max_turn_rad_s=robot.max_turn_rad_s,
            max_acceleration_m_s2=robot.max_acceleration_m_s2,
            max_turn_acceleration_rad_s2=robot.max_turn_acceleration_rad_s2,
        )
        self._speed = max(1.0, settings.sim.speed)
        self._by_nav2 = settings.navigator.backend == "nav2"
        self._told_by = settings.navigator.localisation
        self._mount = convert.laser_mount(robot)
        self._check = SensorCheck(settings.navigator.laser_frame, settings.sim.speed)
        self._robot_id = robot.id
        self._configured = self._active = False
        self._stop: MotionState = MotionState.HOLD
        self._posed_at = self._site_at = -np.inf
        self._pace = pace(self, settings)
        self._beat = Beat(self)
        self._velocity = self.create_publisher(Twist, "cmd_vel_nav", qos.COMMAND)
        self.create_timer(CONTROL_S * min(1.0, settings.sim.speed), self._control, clock=self._pace)
        self.start()

    def close(self) -> None:
        self._velocity.publish(Twist())
        if self._configured:
            if self._nav2 is not None:
                self._nav2.stop()
            self._whereabouts.write_down()

    def destroy_node(self) -> None:
        if self._configured:
            self._goals.destroy()
        Node.destroy_node(self)

    # The lifecycle

    def configure(self) -> None:
        grid, self._memory = self._ground()
        self._whereabouts, told = pose_topics.whereabouts(
            self, self._told_by, grid, self._memory, self._check, self._mount
        )
        self._nav2 = Nav2(self, self._live, self._limits) if self._by_nav2 else None
        self._shown = Shown(self, self._live, grid, self._robot_id, plans=self._nav2 is None)
        # Whoever else says where the robot is also tells that transform.
        self._transforms = Transforms(self) if self._told_by == "scan" else None
        self._goals = Goals(self, self._begin, self._on_end)
        self._heard = (
            *told,
            self.create_subscription(Odometry, "odom", self._on_odometry, qos.STREAM),
            self.create_subscription(LaserScan, "scan", self._on_scan, qos.SENSOR),
            self.create_subscription(StopMessage, "emergency_stop", self._on_stop, qos.EVERY_STOP),
            self.create_subscription(
                PoseWithCovarianceStamped, "initialpose", self._on_initial_pose, qos.STREAM
            ),
        )
        self._configured = True

    def activate(self) -> None:
        self._active = True

    def deactivate(self) -> None:
        self._active = False
        self._goals.end(Reason.CANCELLED, "The navigator was deactivated.")

    def cleanup(self) -> None:
        self._configured = False
        self._whereabouts.write_down()
        self._goals.destroy()
        if self._nav2 is not None:
            self._nav2.destroy()
        if self._transforms is not None:
            self._transforms.destroy()
        self._shown.destroy()
        for topic in self._heard:
            self.destroy_subscription(topic)

    # Where the robot is

    def _now(self) -> float:
        """Seconds of the clock of control."""
        return float(self._pace.now().nanoseconds) * 1e-9

    def _message_time(self) -> float:
        """Seconds of the clock of messages."""
        return float(self.get_clock().now().nanoseconds) * 1e-9

    def _on_odometry(self, message: Odometry) -> None:
        speed, stamp = message.twist.twist, convert.seconds(message.header.stamp)
        pose, heard = convert.pose(message.pose.pose), (self._message_time(), self._now())
        reading = Reading(stamp, *heard, time.monotonic(), pose, speed.linear.x, speed.angular.z)
        self._whereabouts.on_odometry(reading)
        if self._transforms is not None and self._whereabouts.known:
            odom = self._whereabouts.map_to_odom
            self._transforms.tell(convert.MAP, convert.ODOM, odom, message.header.stamp)
        self._show_pose(reading)

    def _on_initial_pose(self, message: PoseWithCovarianceStamped) -> None:
        pose = convert.pose(message.pose.pose)
        taken = self._whereabouts.put_at(pose)
        log.info("the robot is told where it is", x=pose.x, y=pose.y, taken=taken)

    def _on_scan(self, scan: LaserScan) -> None:
        now, where = self._now(), self._whereabouts
        if where.wants_scan(now, driving=self._goals.running is not None):
            where.on_scan(convert.scan(scan, self._mount), self._message_time(), now)
            self._shown.scan(where)

    @property
    def _standing(self) -> bool:
        return self._goals.running is None and self._whereabouts.idle

    def _show_pose(self, newest: Reading) -> None:
        period_s = STANDING_S if self._standing else parameters.seconds(self, "pose_period_s")
        if abs(newest.heard - self._posed_at) >= period_s:
            self._posed_at = newest.heard
            self._shown.pose(self._whereabouts, newest)

    # Driving

    def _on_stop(self, message: StopMessage) -> None:
        self._stop = MotionState(message.state)
        if StopCause.LIFTED in message.causes:
            self._whereabouts.doubt()
        if self._stop in STANDING_STATES:
            self._goals.end(Reason.STOPPED)

    def _begin(self, code: str) -> Waypoint | tuple[Reason, str]:
        """Where a new goal is, or why it is not driven."""
        if not self._active:
            return Reason.INACTIVE, SAID[Reason.INACTIVE]
        if self._stop in STANDING_STATES:
            return Reason.STOPPED, SAID[Reason.STOPPED]
        self._patience = self._read_patience()
        goal = self._memory.site().find(code)
        return goal or (Reason.UNKNOWN_WAYPOINT, f"There is no place called {code!r}.")

    def _read_patience(self) -> ProgressSettings:
        """Gate and board go by real time, so what they take is longer on a clock that runs faster."""
        patience = parameters.patience(self)
        return replace(patience, stuck_after_s=patience.stuck_after_s * self._speed)

    def _set_off(self, running: Running, at: Moment) -> None:
        """Plan, as soon as it is known from where."""
        if at.localised and not at.held:
            try:
                running.drive = self._plan_drive(running, at.pose)
            except NoRouteError as error:
                self._goals.end(error.reason, error.message)
            else:
                self._shown.plan(running.drive)
            return
        running.lost_s += 0.0 if at.held else CONTROL_S
        if running.lost_s >= self._patience.lost_after_s:
            self._goals.end(Reason.LOST, self._why_lost())
        else:
            self._tell(running, DriveStep(0.0, 0.0, "WAITING", 0.0, 0.0))

    def _plan_drive(self, running: Running, pose: Pose) -> Driven:
        """Raises NoRouteError."""
        self._site = self._memory.site()
        limit_m_s = running.handle.request.speed_limit
        if self._nav2 is not None:
            return self._nav2.drive(running.goal, pose, limit_m_s, self._patience)
        return Drive(
            self._site,
            self._limits,
            running.goal.location_code or running.goal.id,
            pose,
            speed_limit_m_s=limit_m_s,
            settings=self._patience,
        )

    def _control(self) -> None:
        if self._configured:
            self._shown.fault(self._whereabouts.fault(now := self._now()), now)
            self._goals.end_unwanted()
            self._drive_on()
        self._beat()

    def _drive_on(self) -> None:
        running = self._goals.running
        if running is None:
            return
        at = self._look()
        if self._is_blind(running, at):
            self._goals.end(Reason.LOST, self._why_lost())
            return
        if running.drive is None:
            self._set_off(running, at)
            return
        if not self._take_site(running.drive, at):
            return
        step = running.drive.step(at)
        if step.ended is not None:
            lost = step.ended is Reason.LOST
            self._goals.end(step.ended, self._why_lost(step.message) if lost else step.message)
            return
        self._velocity.publish(convert.twist(step.v, step.w))
        if step.new_path:
            self._shown.plan(running.drive)
        self._tell(running, step)

    def _take_site(self, drive: Driven, at: Moment) -> bool:
        """Waypoints or lanes that changed are driven by from now on. False where that ends the drive."""
        if abs(at.now - self._site_at) < SITE_S or not at.localised:
            return True
        self._site_at = at.now
        site = self._memory.site()
        if site is self._site:
            return True
        self._site = site
        try:
            anew = drive.take_site(site, at.pose)
        except NoRouteError as error:
            self._goals.end(error.reason, error.message)
            return False
        if anew:
            self._shown.plan(drive)
        return True

    def _look(self) -> Moment:
        now, where = self._now(), self._whereabouts
        newest, fresh = where.newest, where.is_fresh(now)
        return Moment(
            now=now,
            pose=where.pose,
            v=0.0 if newest is None else newest.v,
            w=0.0 if newest is None else newest.w,
            points=where.points,
            localised=where.known,
            held=self._stop is not MotionState.RUNNING or not fresh,
        )

    def _is_blind(self, running: Running, at: Moment) -> bool:
        """Whether it might drive, but has had nothing to drive by for too long."""
        held = self._stop is not MotionState.RUNNING
        seeing = held or self._whereabouts.is_fresh(at.now)
        running.blind_s = 0.0 if seeing else running.blind_s + CONTROL_S
        return running.blind_s >= BLIND_S

    def _why_lost(self, said: str = SAID[Reason.LOST]) -> str:
        """With the fault of a sensor, where there is one."""
        fault = self._whereabouts.fault(self._now())
        return said if fault is None else f"{said} {in_words(fault)}"

    def _on_end(self, running: Running, reason: Reason) -> None:
        """A drive is over: stand."""
        self._velocity.publish(Twist())
        if self._nav2 is not None:
            self._nav2.stop()
        self._shown.end(running, reason)

    def _tell(self, running: Running, step: DriveStep) -> None:
        now = self._now()
        if abs(now - running.fed_back) >= parameters.seconds(self, "feedback_period_s"):
            running.fed_back = now
            self._shown.feedback(running, self._whereabouts, step)
