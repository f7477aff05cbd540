"""The goals of the action `navigate_to_waypoint`: one at a time, and each is told how it ended.

A goal's execute coroutine only waits for a future that `end` resolves, so a newer goal, a cancel and a stop all take
effect at once, in callbacks of one executor.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from luna_interfaces.action import NavigateToWaypoint
from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from edge import logs
from edge.domain.waypoints import Waypoint
from ros_nodes.driving import SAID, DriveStep, Moment, Site
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.route import Route

ACTION = "navigate_to_waypoint"
RESULT_TIMEOUT_S = 10
"""How long the action server keeps results; many kept ones slow each goal's acceptance."""
NOBODY_S = 1.0
"""How often it is looked whether anybody still waits for the drive."""

log = logs.get("ros.navigator")


class Driven(Protocol):
    """Who drives to one goal: `ros_nodes.driving.Drive`, or another program."""

    @property
    def goal(self) -> Waypoint: ...

    @property
    def route(self) -> Route | None:
        """What is driven, where it is known."""
        ...

    def step(self, at: Moment) -> DriveStep:
        """What to command now. Called 20 times a second."""
        ...

    def take_site(self, site: Site, pose: Pose) -> bool:
        """Places or lanes were changed: says whether the plan did. Raises NoRouteError."""
        ...


@dataclass(slots=True)
class Running:
    """A goal being driven. `drive` is planned as soon as the robot knows where it is; `lost_s`: the seconds that it
    did not, while it might have set off; `blind_s`: those of late without fresh scans or odometry."""

    handle: ServerGoalHandle
    goal: Waypoint
    done: Future
    drive: Driven | None = None
    lost_s: float = 0.0
    blind_s: float = 0.0
    fed_back: float = field(default=-np.inf)


class Goals:
    """The action's server. `running` is the goal that is driven."""

    def __init__(
        self,
        node: Node,
        begin: Callable[[str], Waypoint | tuple[Reason, str]],
        on_end: Callable[[Running, Reason], None],
    ) -> None:
        """`begin`: where the code of a new goal is, or why it is not driven; `on_end`: a drive is over."""
        self.running: Running | None = None
        self._node, self._begin, self._on_end = node, begin, on_end
        self._endings: dict[bytes, Future] = {}
        self._ask_at = 0.0
        self._server = ActionServer(
            node,
            NavigateToWaypoint,
            ACTION,
            self._execute,
            callback_group=ReentrantCallbackGroup(),
            handle_accepted_callback=self._on_goal,
            cancel_callback=self._on_cancel,
            result_timeout=RESULT_TIMEOUT_S,
        )

    def destroy(self) -> None:
        self._server.destroy()

    def end(self, reason: Reason, message: str = "") -> None:
        """The running drive is over, if there is one."""
        running, self.running = self.running, None
        if running is None:
            return
        self._on_end(running, reason)
        _tell_end(running.done, reason, message or SAID[reason])

    def end_unwanted(self) -> None:
        """A drive whose result nobody in the ROS graph could take is over.

        A client that was killed leaves the graph when its DDS lease is over, 5 s by launch/fastdds.xml.
        """
        now = time.monotonic()
        if self.running is None or now < self._ask_at:
            return
        self._ask_at = now + NOBODY_S
        if not self._node.count_clients(f"{ACTION}/_action/send_goal"):
            self.end(Reason.CANCELLED, "Nobody waits for this drive any more.")

    def _on_goal(self, handle: ServerGoalHandle) -> None:
        """A goal was accepted: it replaces the running one."""
        self.end(Reason.CANCELLED)
        done = Future(executor=self._node.executor)
        goal = self._begin(handle.request.waypoint)
        if isinstance(goal, Waypoint):
            self.running = Running(handle, goal, done)
        else:
            _tell_end(done, *goal)
        self._ask_at = time.monotonic() + NOBODY_S  # the graph may lag behind the goal
        self._endings[bytes(handle.goal_id.uuid)] = done
        handle.execute()

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        running = self.running
        if running is not None and running.handle.goal_id == handle.goal_id:
            self.end(Reason.CANCELLED)  # now, and not at the next tick
        return CancelResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> NavigateToWaypoint.Result:
        reason, message = await self._endings.pop(bytes(handle.goal_id.uuid))
        if reason is Reason.NONE:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return NavigateToWaypoint.Result(error_code=int(reason), message=message)


def _tell_end(done: Future, reason: Reason, message: str) -> None:
    log.info("drive ended", reason=reason.name, message=message)
    done.set_result((reason, message))
