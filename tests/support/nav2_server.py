"""A Nav2 for tests: its action, and velocities by which the robot backs towards the goal. It can misbehave."""

import math
from typing import Any

from geometry_msgs.msg import Twist
from nav2_msgs.action import NavigateToPose
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from ros_nodes import convert, qos
from ros_nodes.navigation.geometry import Pose
from tests.support.navigator_bench import Bench

TICK_S, SPEED_M_S, NEAR_M = 0.05, 0.4, 0.05


class Nav2Server(Node):
    """Set `accepts`, `obeys` (a cancel), `error` (a code to give up with) or `lies` (that it has arrived)."""

    action = NavigateToPose

    def __init__(self, bench: Bench) -> None:
        super().__init__("bt_navigator")
        self.accepts = self.obeys = True
        self.lies = False
        self.error = 0
        self.speed_m_s = SPEED_M_S
        self.goals: list[Pose] = []
        self._bench = bench
        self._running: tuple[ServerGoalHandle, Future] | None = None
        self._endings: dict[bytes, Future] = {}
        self._velocity = self.create_publisher(Twist, "cmd_vel_nav2", qos.STREAM)
        self.server = ActionServer(
            self,
            NavigateToPose,
            "navigate_to_pose",
            self._execute,
            goal_callback=lambda _: GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT,
            handle_accepted_callback=self._begin,
            cancel_callback=self._on_cancel,
            callback_group=ReentrantCallbackGroup(),
        )
        self.create_timer(TICK_S, self._tick)

    @property
    def driving(self) -> bool:
        return self._running is not None

    def _begin(self, handle: ServerGoalHandle) -> None:
        self._end("abort")
        self._running = handle, Future(executor=self.executor)
        self._endings[bytes(handle.goal_id.uuid)] = self._running[1]
        self.goals.append(convert.pose(handle.request.pose.pose))
        handle.execute()

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        return CancelResponse.ACCEPT if self.obeys else CancelResponse.REJECT

    async def _execute(self, handle: ServerGoalHandle) -> Any:
        ending = await self._endings.pop(bytes(handle.goal_id.uuid))
        getattr(handle, ending)()
        words = "as the test says" if self.error else ""
        return NavigateToPose.Result(error_code=self.error, error_msg=words)

    def _tick(self) -> None:
        if self._running is None:
            return
        handle, _ = self._running
        left_m = self._left_m()
        if handle.is_cancel_requested:
            self._end("canceled")
        elif self.error:
            self._end("abort")
        elif self.lies or left_m < NEAR_M:
            self._end("succeed")
        else:
            feedback = NavigateToPose.Feedback(distance_remaining=left_m)
            feedback.estimated_time_remaining.sec = math.ceil(left_m / SPEED_M_S)
            handle.publish_feedback(feedback)
            self._velocity.publish(convert.twist(-self.speed_m_s, 0.0))

    def _left_m(self) -> float:
        return self._bench.body.pose.distance(self.goals[-1].x, self.goals[-1].y)

    def _end(self, how: str) -> None:
        running, self._running = self._running, None
        if running is not None:
            running[1].set_result(how)
