"""Cancels drives of the simulated robot at chosen moments, and measures by its odometry how soon it stands."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import rclpy
from geometry_msgs.msg import Twist
from luna_interfaces.action import NavigateToWaypoint
from nav_msgs.msg import Odometry
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.executors import SingleThreadedExecutor

from edge import ipc
from ros_nodes import qos
from ros_nodes.navigation.errors import Reason
from ros_nodes.simulation.faults import SOCKET_NAME
from tests.support.ros import ros_context

STAND_S = 0.5
"""So soon a cancelled robot stands."""
STILL_M_S, STILL_RAD_S = 0.02, 0.05
_TIMEOUT_S = 60.0


class Cancelled(NamedTuple):
    """Seconds from the cancel until zero was commanded, until the robot stood, and until its result came.

    `speed_m_s`, `turn_rad_s`: before it.
    """

    zero_s: float
    stood_s: float
    ended_s: float
    speed_m_s: float
    turn_rad_s: float
    reason: Reason


class Canceller:
    """A client of the navigator's action, beside its task runner."""

    def __init__(self, run_dir: Path) -> None:
        self._faults = run_dir / SOCKET_NAME
        self._v = self._w = 0.0
        self._stood_at: float | None = 0.0
        self._zero_at: float | None = 0.0
        self.commanded_at: list[float] = []
        """When the navigator commanded a velocity, in s of its own clock."""
        self._feedback = NavigateToWaypoint.Feedback()
        self._moments: dict[str, Callable[[], bool]] = {
            "before the plan": lambda: True,
            "turning": lambda: abs(self._w) > 0.5 and abs(self._v) < 0.05,
            "cruising": lambda: self._v > 0.48,
            "waiting": lambda: self._feedback.state == "WAITING" and self._still(),
            "arriving": lambda: 0.0 < self._feedback.distance_remaining < 0.15,
        }

    def __enter__(self) -> Self:
        self._context = ros_context()
        self._context.__enter__()
        self._node = rclpy.create_node("canceller")
        self._client = ActionClient(self._node, NavigateToWaypoint, "navigate_to_waypoint")
        self._node.create_subscription(Odometry, "odom", self._on_odometry, qos.STREAM)
        self._node.create_subscription(Twist, "cmd_vel", self._on_command, qos.COMMAND)
        # With what rclpy knows of a message; its types do not say so.
        on_control: Any = self._on_control
        self._node.create_subscription(Twist, "cmd_vel_nav", on_control, qos.COMMAND)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._until(self._client.server_is_ready)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.destroy()
        self._executor.remove_node(self._node)
        self._node.destroy_node()
        self._executor.shutdown()
        self._context.__exit__(None, None, None)

    @property
    def moments(self) -> tuple[str, ...]:
        return tuple(self._moments)

    def cancel(self, moment: str, goal: str) -> Cancelled:
        """Drive to `goal`, and cancel that at a moment."""
        handle = self._send(goal)
        ended = handle.get_result_async()
        if moment == "waiting":
            self._until(lambda: self._v > 0.15)
            self._fault("obstacle on")
        self._until(lambda: self._moments[moment]() or ended.done())
        assert not ended.done(), (moment, ended.result())
        speed, turn, asked = self._v, self._w, time.monotonic()
        handle.cancel_goal_async()
        self._until(ended.done)
        ended_at = time.monotonic()
        self._until(lambda: self._zero_at is not None and self._stood_at is not None)
        self._fault("obstacle off")
        zero_s, stood_s, ended_s = (
            max((at or 0.0) - asked, 0.0) for at in (self._zero_at, self._stood_at, ended_at)
        )
        reason = Reason(ended.result().result.error_code)
        return Cancelled(zero_s, stood_s, ended_s, speed, turn, reason)

    def drive(self, goal: str, until: str) -> ClientGoalHandle:
        """Drive to `goal`, as far as a moment."""
        handle = self._send(goal)
        ended = handle.get_result_async()
        self._until(lambda: self._moments[until]() or ended.done())
        assert not ended.done(), ended.result()
        return handle

    def listen(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._until(lambda: time.monotonic() > deadline)

    def _send(self, goal: str) -> ClientGoalHandle:
        self._feedback = NavigateToWaypoint.Feedback()
        wanted = NavigateToWaypoint.Goal(waypoint=goal)
        sent = self._client.send_goal_async(wanted, self._on_feedback)
        self._until(sent.done)
        handle: ClientGoalHandle = sent.result()
        return handle

    def _on_feedback(self, message: NavigateToWaypoint.Impl.FeedbackMessage) -> None:
        self._feedback = message.feedback

    def _on_odometry(self, message: Odometry) -> None:
        speed = message.twist.twist
        self._v, self._w = speed.linear.x, speed.angular.z
        if not self._still():
            self._stood_at = None
        elif self._stood_at is None:
            self._stood_at = time.monotonic()

    def _on_command(self, command: Twist) -> None:
        if command.linear.x or command.angular.z:
            self._zero_at = None
        elif self._zero_at is None:
            self._zero_at = time.monotonic()

    def _on_control(self, command: Twist, info: dict[str, int]) -> None:
        self.commanded_at.append(info["source_timestamp"] * 1e-9)

    def _still(self) -> bool:
        return abs(self._v) < STILL_M_S and abs(self._w) < STILL_RAD_S

    def _fault(self, order: str) -> None:
        with ipc.connect(self._faults, timeout_s=2.0) as desk:
            desk.send(order.encode())
            assert not desk.recv(4096)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, (self._feedback, self._v, self._w)
            self._executor.spin_once(timeout_sec=0.05)
