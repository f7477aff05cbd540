"""The client of the navigator's action: one drive at a time, and how it ended. Never waits.

A task runner that was killed may have left a drive behind. The one in its place ends whatever is driven before it
orders anything; what is still to be driven, it orders anew.
"""

import time

from action_msgs.srv import CancelGoal
from luna_interfaces.action import NavigateToWaypoint
from rclpy.action import ActionClient
from rclpy.action.client import ClientGoalHandle
from rclpy.node import Node
from rclpy.task import Future

from edge.domain.errands import CANCELLED, Drive
from ros_nodes.goals import ACTION
from ros_nodes.navigation.errors import Reason

AGAIN_S = 1.0
"""Pause before the next order to a navigator that takes none now."""


class Driver:
    """Look at `drive` at each tick: None where nothing is driven, with an outcome where it ended."""

    def __init__(self, node: Node) -> None:
        self._client = ActionClient(node, NavigateToWaypoint, ACTION)
        self._cancel_all = node.create_client(CancelGoal, f"{ACTION}/_action/cancel_goal")
        self._tidy = False
        self._not_before = 0.0
        self._handle: ClientGoalHandle | None = None
        self._halting = False
        self._drive: Drive | None = None

    @property
    def drive(self) -> Drive | None:
        self._tidy_up()
        going = self._drive is not None and self._drive.outcome is None
        if going and not self._client.server_is_ready():
            self._end(self._drive, CANCELLED)  # the navigator is gone, and our goal with it
        return self._drive

    def go(self, errand: str, waypoint: str) -> bool:
        """Drive there, in place of what is driven now. False where nobody is there to drive, or may now."""
        if not self._tidy or self._not_yet() or not self._client.server_is_ready():
            return False
        drive = Drive(errand, waypoint)
        self._drive, self._handle, self._halting = drive, None, False
        goal = NavigateToWaypoint.Goal(waypoint=waypoint, goal_id=errand)
        answer = self._client.send_goal_async(goal)
        answer.add_done_callback(lambda answer: self._on_answer(drive, answer))
        return True

    def halt(self) -> None:
        """End the drive; its outcome comes when it has ended."""
        if self._handle is not None and not self._halting:
            self._handle.cancel_goal_async()
        self._halting = True

    def forget(self) -> None:
        """The drive and its outcome are dealt with."""
        self._drive = self._handle = None

    def _tidy_up(self) -> None:
        """End what is driven for a task runner before this one: a request without a goal's id means all."""
        if self._tidy or self._not_yet() or not self._client.server_is_ready():
            return
        self._pause()
        self._cancel_all.call_async(CancelGoal.Request()).add_done_callback(self._on_tidy)

    def _on_tidy(self, answer: Future) -> None:
        self._tidy, self._not_before = True, 0.0

    def _not_yet(self) -> bool:
        return time.monotonic() < self._not_before

    def _pause(self) -> None:
        self._not_before = time.monotonic() + AGAIN_S

    def _on_answer(self, drive: Drive, answer: Future) -> None:
        handle: ClientGoalHandle = answer.result()
        if not handle.accepted:
            self._end(drive, CANCELLED)
            return
        handle.get_result_async().add_done_callback(lambda result: self._on_result(drive, result))
        if self._drive is not drive:
            return  # another goal went out meanwhile, and has replaced it
        self._handle = handle
        if self._halting:
            handle.cancel_goal_async()

    def _on_result(self, drive: Drive, result: Future) -> None:
        reason = Reason(result.result().result.error_code)
        # As if nobody were there: whoever wants the drive keeps its place.
        if reason is Reason.INACTIVE:
            self._pause()
            reason = Reason.CANCELLED
        self._end(drive, reason.name)

    def _end(self, drive: Drive | None, outcome: str) -> None:
        if drive is not None and self._drive is drive:
            self._drive = drive._replace(outcome=outcome)
            self._handle = None
