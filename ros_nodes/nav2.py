"""Driving handed to Nav2: the goal's pose goes to its action `navigate_to_pose`, all else stays as with our own drive.

Nav2's velocities come in on `cmd_vel_nav2` (docs/robot.md says how) and go on only while a goal of ours is being
driven. So a stop, a cancel and a dead or disobedient Nav2 end in zero whatever Nav2 does, and the collision zones see
every velocity. What Nav2 says of the end is checked against where the robot is.
"""

import importlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from action_msgs.msg import GoalStatus
from geometry_msgs.msg import Twist
from nav_msgs.msg import Path
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future

from edge import logs
from edge.domain.errors import SetupError
from edge.domain.waypoints import Waypoint
from ros_nodes import convert, qos
from ros_nodes.driving import SAID, DriveStep, Moment, Site
from ros_nodes.live import Live
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.progress import Advice, ProgressSettings, ProgressWatch

ACTION, VELOCITY = "navigate_to_pose", "cmd_vel_nav2"
OURS = "cmd_vel_nav"
"""Where the navigator alone may publish. Nav2's own start-up file uses that name between its nodes."""
ANSWER_S = 5.0
"""So long Nav2 may take to accept a goal."""
SILENT_S = 2.0
"""So long it may say nothing while it drives; it says something ten times a second and more."""
FRESH_S = 0.3
"""Older velocities of Nav2 are none; it sends 20 a second."""
ARRIVED_M, ARRIVED_RAD = 0.35, 0.35
"""So near the goal it has to be where Nav2 says that it is there; Nav2's own tolerances are 0.25 m and 0.25 rad."""
DETOUR = 2.0
"""The way is taken to be so many times the straight line, where it matters how long a drive may take."""

REASONS = {
    104: Reason.BLOCKED,  # the controller's patience is exceeded
    105: Reason.STUCK,  # no progress
    106: Reason.BLOCKED,  # no velocity is free of collision
    102: Reason.LOST,  # no transform
    202: Reason.LOST,
    9001: Reason.LOST,
    203: Reason.OFF_MAP,  # the start is outside of the map
    205: Reason.OFF_MAP,  # the start is occupied
    204: Reason.NO_ROUTE,  # the goal is outside of the map
    206: Reason.NO_ROUTE,  # the goal is occupied
    207: Reason.NO_ROUTE,  # planning took too long
    208: Reason.NO_ROUTE,
}
"""By Nav2's error code; the others are DRIVER_FAILED."""

log = logs.get("ros.nav2")


class Nav2:
    """The client of Nav2. Raises SetupError where its messages are not installed."""

    def __init__(self, node: Node, live: Live, limits: Limits) -> None:
        self._node, self._live, self._limits = node, live, limits
        self._type = _action_type()
        self._client = ActionClient(node, self._type, ACTION)
        self._drive: Nav2Drive | None = None
        self._topics = (
            node.create_subscription(Twist, VELOCITY, self._on_velocity, qos.STREAM),
            node.create_subscription(Path, "plan", self._on_plan, qos.STREAM),
        )

    def destroy(self) -> None:
        self.stop()
        self._client.destroy()
        for topic in self._topics:
            self._node.destroy_subscription(topic)

    def drive(
        self, goal: Waypoint, pose: Pose, speed_limit_m_s: float, patience: ProgressSettings
    ) -> "Nav2Drive":
        """Drive there from `pose`, in place of what is driven now. Raises NoRouteError where Nav2 could not be held."""
        self.stop()
        if self._node.count_publishers(OURS) > 1:
            raise NoRouteError(
                Reason.DRIVER_FAILED,
                f"Somebody else publishes on {OURS}: Nav2 has to be started with that renamed.",
            )
        limits = self._limits
        if speed_limit_m_s > 0:
            limits = replace(limits, max_speed_m_s=min(speed_limit_m_s, limits.max_speed_m_s))
        self._drive = Nav2Drive(self._send, goal, pose, limits, patience)
        return self._drive

    def stop(self) -> None:
        """Whatever is driven is over."""
        drive, self._drive = self._drive, None
        if drive is not None:
            drive.close()

    def _send(self, goal: Waypoint, on_feedback: Callable[[Any], None]) -> Future | None:
        """None where Nav2 is not there."""
        if not self._client.server_is_ready():
            return None
        pose = Pose(goal.x, goal.y, goal.theta)
        stamp = self._node.get_clock().now().to_msg()
        wanted = self._type.Goal(pose=convert.pose_stamped(pose, stamp))
        asked: Future = self._client.send_goal_async(wanted, on_feedback)
        return asked

    def _on_velocity(self, wanted: Twist) -> None:
        if self._drive is not None:
            self._drive.on_velocity(wanted.linear.x, wanted.angular.z)

    def _on_plan(self, plan: Path) -> None:
        if self._drive is not None:
            places = [one.pose.position for one in plan.poses[::2]]
            points = [[round(place.x, 2), round(place.y, 2)] for place in places]
            self._live.publish("plan", points=points, goal=self._drive.goal.location_code)


class Nav2Drive:
    """One goal of Nav2, with the face of a `ros_nodes.driving.Drive`."""

    route = None

    def __init__(
        self,
        send: Callable[[Waypoint, Callable[[Any], None]], Future | None],
        goal: Waypoint,
        pose: Pose,
        limits: Limits,
        patience: ProgressSettings,
    ) -> None:
        self.goal = goal
        self._send, self._limits = send, limits
        self._left_m = pose.distance(goal.x, goal.y)
        self._left_s = DETOUR * self._left_m / limits.max_speed_m_s
        # How to get on is Nav2's own business, with its waits and recoveries.
        patience = replace(patience, stuck_after_s=math.inf)
        self._watch = ProgressWatch(self._left_s, patience)
        self._velocity = (0.0, 0.0)
        self._velocity_at = -math.inf
        self._handle: ClientGoalHandle | None = None
        self._closed = self._heard = False
        self._result: tuple[int, Any] | None = None
        self._asked: Future | None = None
        self._quiet_since: float | None = None

    def step(self, at: Moment) -> DriveStep:
        if self._asked is None:
            self._ask()
        if (ended := self._ended(at)) is not None:
            return self._told("WAITING", ended=ended)
        advice = self._watch.update(
            at.now, *at.pose, blocked=False, localised=at.localised, held=at.held
        )
        if advice.advice is Advice.GIVE_UP:
            return self._told(str(advice.state), ended=(advice.reason, SAID[advice.reason]))
        driven = self._handle is not None and at.localised and not at.held
        if not driven or time.monotonic() - self._velocity_at > FRESH_S:
            return self._told("WAITING")
        return self._told("DRIVING", *self._within_limits())

    def take_site(self, site: Site, pose: Pose) -> bool:
        """Where the goal was moved, Nav2 is sent there. Raises NoRouteError where there is no such place any more."""
        goal = site.find(self.goal.location_code or self.goal.id)
        if goal is None:
            raise NoRouteError(Reason.UNKNOWN_WAYPOINT, SAID[Reason.UNKNOWN_WAYPOINT])
        moved = (goal.x, goal.y, goal.theta) != (self.goal.x, self.goal.y, self.goal.theta)
        self.goal = goal
        if moved:
            self._handle, self._asked, self._quiet_since = None, None, None
        return moved

    def close(self) -> None:
        """Nothing of this goal counts any more; Nav2 is told so, if it has not ended by itself."""
        self._closed = True
        if self._handle is not None and self._result is None:
            self._handle.cancel_goal_async()

    def on_velocity(self, v: float, w: float) -> None:
        if math.isfinite(v) and math.isfinite(w):
            self._velocity, self._velocity_at = (v, w), time.monotonic()

    # What Nav2 says

    def _ask(self) -> None:
        asked = self._send(self.goal, self._on_feedback)
        if asked is not None:
            self._asked = asked
            asked.add_done_callback(self._on_answer)

    def _on_answer(self, answer: Future) -> None:
        handle: ClientGoalHandle = answer.result()
        if self._closed or answer is not self._asked:
            if handle.accepted and self._closed:
                handle.cancel_goal_async()
            return
        if not handle.accepted:
            self._result = GoalStatus.STATUS_UNKNOWN, None
            return
        self._heard, self._handle = True, handle
        handle.get_result_async().add_done_callback(lambda end: self._on_result(handle, end))

    def _on_result(self, handle: ClientGoalHandle, end: Future) -> None:
        if handle is self._handle:
            self._result = end.result().status, end.result().result

    def _on_feedback(self, message: Any) -> None:
        self._heard = True
        left = message.feedback.estimated_time_remaining
        self._left_m = float(message.feedback.distance_remaining)
        self._left_s = float(left.sec) + left.nanosec * 1e-9

    # What to make of it

    def _ended(self, at: Moment) -> tuple[Reason, str] | None:
        if self._result is not None:
            return self._verdict(*self._result, at.pose)
        if self._heard or self._quiet_since is None:
            self._heard, self._quiet_since = False, at.now
        quiet_s = at.now - self._quiet_since
        if self._handle is None:
            if quiet_s < ANSWER_S:
                return None
            there = "does not answer" if self._asked else "is not there"
            return Reason.DRIVER_FAILED, f"Nav2 {there}: no answer from {ACTION} in {ANSWER_S:g} s."
        if quiet_s < SILENT_S:
            return None
        return Reason.DRIVER_FAILED, f"Nav2 has said nothing for {SILENT_S:g} s."

    def _verdict(self, status: int, result: Any, pose: Pose) -> tuple[Reason, str]:
        if status == GoalStatus.STATUS_SUCCEEDED:
            off_m = pose.distance(self.goal.x, self.goal.y)
            off_rad = abs(wrap_angle(pose.theta - self.goal.theta))
            if off_m <= ARRIVED_M and off_rad <= ARRIVED_RAD:
                return Reason.NONE, SAID[Reason.NONE]
            off = f"{off_m:.2f} m and {math.degrees(off_rad):.0f}° off"
            return Reason.DRIVER_FAILED, f"Nav2 says that it has arrived, but the robot is {off}."
        if status == GoalStatus.STATUS_UNKNOWN:
            return Reason.DRIVER_FAILED, "Nav2 refuses the goal; is it active?"
        if status == GoalStatus.STATUS_CANCELED:
            return Reason.DRIVER_FAILED, "Nav2 was told by somebody else to drive there no more."
        code, words = int(result.error_code), str(result.error_msg)
        reason = REASONS.get(code, Reason.DRIVER_FAILED)
        said = f" ({words})" if words else ""
        return reason, f"{SAID[reason]} Nav2 gave up with error {code}{said}."

    def _within_limits(self) -> tuple[float, float]:
        """Nav2's newest velocity, on the same curve where it is too fast."""
        v, w = self._velocity
        limits = self._limits
        times = max(abs(v) / limits.max_speed_m_s, abs(w) / limits.max_turn_rad_s, 1.0)
        return v / times, w / times

    def _told(
        self,
        state: str,
        v: float = 0.0,
        w: float = 0.0,
        *,
        ended: tuple[Reason, str] | None = None,
    ) -> DriveStep:
        reason, message = (None, "") if ended is None else ended
        return DriveStep(v, w, state, self._left_m, self._left_s, reason, message)


def _action_type() -> Any:
    try:
        return importlib.import_module("nav2_msgs.action").NavigateToPose
    except ImportError as error:
        raise SetupError(
            "Nav2 cannot drive: the package nav2_msgs is not installed.",
            hint="sudo apt install ros-jazzy-nav2-msgs, or set navigator.backend to own.",
        ) from error
