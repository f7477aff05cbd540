"""The ROS face of the stop, and the collision zones: every velocity passes here on its way to the base.

Nothing is remembered here. Whether the robot is stopped is the gate's to say; this node tells it to
ROS, and passes stops and resets on. A velocity goes through, slowed down by what the scan shows
ahead, or becomes zero; without fresh commands nothing is sent, and the gate's deadline does the rest.
It becomes zero, too, while the robot does not know where it is, or a node that it needs is silent.
"""

import os
import time

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist
from luna_interfaces.msg import EmergencyStop as StopMessage
from luna_interfaces.srv import ResetEmergencyStop
from rclpy.node import Node
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from edge import logs
from edge.domain.errors import LunaError
from edge.domain.stops import STANDING_STATES, MotionState
from edge.settings import Settings
from edge.supervisor.ros_environment import stays_on_machine
from firmware_bridge.sockets import GateState, StateWatcher, request_reset, request_stop
from ros_nodes import convert, diagnostics, qos
from ros_nodes.alive import Watch
from ros_nodes.base import RETRY_S, is_open
from ros_nodes.live import Live
from ros_nodes.navigation.sensing import Scan, SensorCheck
from ros_nodes.navigation.sensor_faults import SensorFault
from ros_nodes.navigation.zones import CollisionZones
from ros_nodes.runtime import pace, steady

WATCH_S = 0.05
TELL_S = 0.5
"""How often the stop's state is said again; its topic promises one a second."""
DIAGNOSE_S = 1.0
GATE_TIMEOUT_S = 0.2
"""How long a ROS service may wait for the gate; the collision zones stand still meanwhile."""
STOP_HEARD_S = 0.3
"""After a stop no velocity passes for so long, so that whoever drives hears of it, even where it is over already."""
SCAN_S = 0.5
"""Oldest scan, in s of the clock of control, that one may drive by: three scans at 5 Hz."""

log = logs.get("ros.emergency_stop")


class EmergencyStop(Node):
    def __init__(self, settings: Settings, live: Live) -> None:
        super().__init__("emergency_stop")
        self._live = live
        self._run_dir = settings.run_dir
        self._watcher = StateWatcher(settings.run_dir)
        self._retry_at = 0.0
        self._told: GateState | None = None
        self._newest: GateState | None = None
        self._stood_at = -STOP_HEARD_S
        self._zones = CollisionZones(settings.robot.radius_m)
        self._check = SensorCheck(settings.navigator.laser_frame, settings.sim.speed)
        self._mount = convert.laser_mount(settings.robot)
        self._scan: Scan | None = None
        self._scan_at = 0.0
        self._scan_fault: SensorFault | None = None
        self._localised: bool | None = None
        self._alive = Watch(self)
        self._robot_id = settings.robot.id
        self._pace = pace(self, settings)
        self._stop = self.create_publisher(StopMessage, "emergency_stop", qos.STOP)
        self._diagnostics = self.create_publisher(DiagnosticArray, "diagnostics", qos.STREAM)
        self._velocity = self.create_publisher(Twist, "cmd_vel", qos.COMMAND)
        self.create_subscription(Twist, "cmd_vel_nav", self._on_velocity, qos.COMMAND)
        self.create_subscription(LaserScan, "scan", self._on_scan, qos.SENSOR)
        self.create_subscription(Bool, "localised", self._on_localised, qos.STATE)
        self.create_service(Trigger, "emergency_stop/stop", self._on_stop)
        if stays_on_machine(os.environ):  # a reset is an act at the robot
            self.create_service(ResetEmergencyStop, "emergency_stop/reset", self._on_reset)
        self.create_timer(WATCH_S, self._watch, clock=steady())
        self.create_timer(TELL_S, self._repeat, clock=steady())
        self.create_timer(DIAGNOSE_S, self._diagnose, clock=steady())

    def close(self) -> None:
        self._watcher.close()

    def _on_scan(self, message: LaserScan) -> None:
        scan = convert.scan(message, self._mount)
        clock = float(self.get_clock().now().nanoseconds) * 1e-9
        self._scan_fault = self._check.scan_fault(scan, clock)
        if self._scan_fault is None:
            self._scan_at, self._scan = self._seconds(), scan

    def _on_localised(self, message: Bool) -> None:
        self._localised = bool(message.data)

    def _on_velocity(self, wanted: Twist) -> None:
        self._watch()  # the gate has the first word: perhaps we were frozen, and this comes from before a stop
        v, w = wanted.linear.x, wanted.angular.z
        scale = self._allowed(v, w) if v or w else 0.0
        self._velocity.publish(convert.twist(v * scale, w * scale))

    def _allowed(self, v: float, w: float) -> float:
        """The share of a velocity that the newest scan lets through; none without a fresh scan, a
        known place and living nodes."""
        if self._scan is None or abs(self._seconds() - self._scan_at) > SCAN_S:
            return 0.0
        if self._localised is False or self._alive.silent():
            return 0.0
        if time.monotonic() - self._stood_at < STOP_HEARD_S:
            return 0.0
        return self._zones.check(self._scan.points(), v, w).scale

    def _seconds(self) -> float:
        return float(self._pace.now().nanoseconds) * 1e-9

    def _watch(self) -> None:
        now = time.monotonic()
        if not is_open(self._watcher) and now >= self._retry_at:
            self._retry_at = now + RETRY_S
            self._watcher.connect()
        states = self._watcher.receive_all()
        for state in states:
            self._newest = state
            self._tell(state)
        if not states and not is_open(self._watcher) and self._told != GATE_AWAY:
            self._tell(GATE_AWAY)

    def _tell(self, state: GateState) -> None:
        if _face(state) == _face(self._told):
            return
        self._told = state
        if state.state in STANDING_STATES:
            self._stood_at = time.monotonic()
        self._publish(state)
        log.info("the gate says", **_words(state))

    def _repeat(self) -> None:
        if self._told is not None:
            self._publish(self._told)

    def _publish(self, state: GateState) -> None:
        self._stop.publish(convert.stop_message(state, self.get_clock().now().to_msg()))
        self._live.publish("health", ros_ok=True, board_ok=state.link == "ok", **_words(state))

    def _diagnose(self) -> None:
        age = None if self._scan is None else self._seconds() - self._scan_at
        gate = self._newest if is_open(self._watcher) else None
        seen = diagnostics.Seen(
            gate,
            age,
            SCAN_S,
            self._scan_fault,
            self._localised,
            self._alive.heard,
            self._alive.silent(),
        )
        message = diagnostics.statuses(seen, self._robot_id)
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _on_stop(self, _: Trigger.Request, answer: Trigger.Response) -> Trigger.Response:
        try:
            receipt = request_stop(
                self._run_dir, source="ROS", who="ros", reason="", timeout_s=GATE_TIMEOUT_S
            )
            answer.success, answer.message = True, receipt.event_id
        except LunaError as error:
            answer.success, answer.message = False, str(error)
        return answer

    def _on_reset(
        self, order: ResetEmergencyStop.Request, answer: ResetEmergencyStop.Response
    ) -> ResetEmergencyStop.Response:
        try:
            request_reset(
                self._run_dir, event_id=order.event_id, who=order.who, timeout_s=GATE_TIMEOUT_S
            )
            answer.success, answer.message = True, "reset; the robot stands until it is resumed"
        except LunaError as error:
            answer.success, answer.message = False, str(error)
        return answer


GATE_AWAY = GateState(MotionState.HOLD, reason="the motion gate does not answer")
"""What holds while nobody says otherwise."""


def _face(state: GateState | None) -> tuple[object, ...]:
    """What of a state is worth a message."""
    if state is None:
        return ()
    causes = tuple(cause.name for cause in state.causes)
    return state.state, state.event_id, state.source, state.reason, state.link, causes


def _words(state: GateState) -> dict[str, object]:
    return {
        "state": str(state.state),
        "event_id": state.event_id,
        "source": None if state.source is None else str(state.source),
        "reason": state.reason,
        "causes": [str(cause.name) for cause in state.causes],
    }
