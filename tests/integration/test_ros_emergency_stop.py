"""The emergency stop node and the base node before a real gate, with a test that plays navigator and laser."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Twist
from luna_interfaces.msg import EmergencyStop as StopMessage
from luna_interfaces.srv import ResetEmergencyStop
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from edge.settings import load
from ros_nodes import convert, qos
from ros_nodes.alive import BEAT_S, SILENT_S, Beat
from ros_nodes.emergency_stop import SCAN_S, EmergencyStop
from ros_nodes.navigation.sensor_faults import SensorFault, in_words
from tests.support import gates
from tests.support.gates import gate
from tests.support.ros import ros_context

BEAMS = 180
SAY_AGAIN_S = 0.3
"""By then a velocity that nobody took, and what was made of one, are too old for anybody to take."""


class SilentLive:
    """Nobody looks."""

    listened_to = False

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}

    def publish(self, kind: str, **data: Any) -> None:
        self.told[kind] = data

    def hint(self, what: str) -> None:
        pass


class Bench:
    """The node under test and a node that talks to it, on one executor."""

    def __init__(self, data_dir: Path) -> None:
        self.run_dir = data_dir / "run"
        self.node = EmergencyStop(load(data_dir), SilentLive())
        self.peer = Node("peer")
        self.velocities: list[Twist] = []
        self.states: list[StopMessage] = []
        self.peer.create_subscription(Twist, "cmd_vel", self.velocities.append, qos.COMMAND)
        self.peer.create_subscription(StopMessage, "emergency_stop", self.states.append, qos.STATE)
        self.diagnoses: list[DiagnosticArray] = []
        self.peer.create_subscription(
            DiagnosticArray, "diagnostics", self.diagnoses.append, qos.STREAM
        )
        self.localised = self.peer.create_publisher(Bool, "localised", qos.STATE)
        self.wanted = self.peer.create_publisher(Twist, "cmd_vel_nav", qos.COMMAND)
        self.scan = self.peer.create_publisher(LaserScan, "scan", qos.SENSOR)
        self._executor = SingleThreadedExecutor()
        for node in (self.node, self.peer):
            self._executor.add_node(node)
        self.until(
            lambda: self.scan.get_subscription_count() and self.wanted.get_subscription_count()
        )

    def until(self, condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        deadline = self.now() + timeout_s
        while not condition():
            assert self.now() < deadline, "waited in vain"
            self._executor.spin_once(timeout_sec=0.02)

    def leave(self) -> None:
        """The node turns no more, as one that is frozen or dead."""
        self._executor.remove_node(self.node)

    def diagnosed(self, name: str) -> DiagnosticStatus:
        """What is said of one part, from now on."""
        asked = self.now()
        self.until(lambda: self.diagnoses and said_at(self.diagnoses[-1]) >= asked)
        (found,) = (one for one in self.diagnoses[-1].status if one.name == f"luna: {name}")
        return found

    def now(self) -> float:
        return float(self.peer.get_clock().now().nanoseconds) * 1e-9

    def see(self, ranges: np.ndarray[Any, Any]) -> None:
        """A scan of the whole round, the first beam straight behind, taken in by the node."""
        stamp = self.peer.get_clock().now().to_msg()
        self.scan.publish(convert.scan_message(ranges, -math.pi, math.tau / BEAMS, stamp))
        before = self.node._scan
        self.until(lambda: self.node._scan is not before)

    def drive(self, v: float, w: float = 0.0) -> Twist:
        """What becomes of a velocity. Said again where its time was over before anybody took it."""
        self.velocities.clear()
        last = -math.inf

        def answered() -> bool:
            nonlocal last
            if time.monotonic() - last > SAY_AGAIN_S:
                last = time.monotonic()
                self.wanted.publish(convert.twist(v, w))
            return bool(self.velocities)

        self.until(answered)
        return self.velocities[-1]

    def drive_seeing(self, ranges: np.ndarray[Any, Any], v: float, w: float = 0.0) -> Twist:
        """What becomes of a velocity by a scan that is fresh still when the answer comes."""
        while True:
            began = time.monotonic()
            self.see(ranges)
            velocity = self.drive(v, w)
            if time.monotonic() - began < SCAN_S:
                return velocity

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.peer.create_client(kind, name)
        self.until(client.service_is_ready)
        answer = client.call_async(request)
        self.until(answer.done)
        return answer.result()

    def close(self) -> None:
        self.node.close()
        for node in (self.node, self.peer):
            self._executor.remove_node(node)  # may have left already
            node.destroy_node()
        self._executor.shutdown()


@pytest.fixture
def discovery() -> str:
    return "LOCALHOST"


@pytest.fixture
def laser_yaw_rad() -> float:
    return 0.0


@pytest.fixture
def bench(
    tmp_path: Path,
    ros_domain: int,
    discovery: str,
    laser_yaw_rad: float,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", discovery)
    monkeypatch.setenv("LUNA_ROBOT__LASER_YAW_RAD", str(laser_yaw_rad))
    (tmp_path / "run").mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(ros_context())
        stack.enter_context(gate(tmp_path))
        bench = Bench(tmp_path)
        stack.callback(bench.close)
        yield bench


def said_at(message: DiagnosticArray) -> float:
    return convert.seconds(message.header.stamp)


def free() -> np.ndarray[Any, Any]:
    return np.full(BEAMS, 5.0)


def wall_ahead(distance_m: float) -> np.ndarray[Any, Any]:
    ranges = free()
    ranges[BEAMS // 2 - 8 : BEAMS // 2 + 9] = distance_m
    return ranges


def test_a_velocity_passes_where_the_scan_is_free(bench: Bench) -> None:
    velocity = bench.drive_seeing(free(), 0.5, 0.2)
    assert (velocity.linear.x, velocity.angular.z) == (0.5, 0.2)


def test_a_velocity_becomes_zero_without_a_scan(bench: Bench) -> None:
    assert bench.drive(0.5).linear.x == 0.0


def test_a_velocity_becomes_zero_when_the_scan_is_old(bench: Bench) -> None:
    bench.see(free())
    seen = bench.now()
    bench.until(lambda: bench.now() - seen > SCAN_S)
    assert bench.drive(0.5).linear.x == 0.0


def test_a_scan_that_may_not_be_used_is_named_and_not_driven_by(bench: Bench) -> None:
    stamp = bench.peer.get_clock().now().to_msg()
    other = convert.scan_message(free(), -math.pi, math.tau / BEAMS, stamp)
    other.header.frame_id = "camera"
    bench.scan.publish(other)
    bench.until(lambda: bench.node._scan_fault is SensorFault.SCAN_FRAME)
    assert bench.drive(0.5).linear.x == 0.0
    laser = bench.diagnosed("laser")
    assert laser.level == DiagnosticStatus.ERROR
    assert laser.message == in_words(SensorFault.SCAN_FRAME)
    assert bench.drive_seeing(free(), 0.5).linear.x == 0.5
    old = convert.scan_message(free(), -math.pi, math.tau / BEAMS, stamp)
    old.header.stamp.sec -= 2
    bench.scan.publish(old)
    bench.until(lambda: bench.node._scan_fault is SensorFault.SCAN_OLD)


def test_a_scan_from_a_time_that_the_clock_was_set_back_from_is_old(bench: Bench) -> None:
    assert bench.drive_seeing(free(), 0.5).linear.x == 0.5
    bench.node._scan_at += 3600.0
    assert bench.drive(0.5).linear.x == 0.0


def test_a_robot_that_does_not_know_where_it_is_stands(bench: Bench) -> None:
    for known, speed in ((False, 0.0), (True, 0.5)):
        bench.localised.publish(Bool(data=known))
        bench.until(lambda known=known: bench.node._localised is known)  # type: ignore[misc]
        assert bench.drive_seeing(free(), 0.5).linear.x == speed


def test_a_node_that_falls_silent_stops_the_robot_until_it_is_back(bench: Bench) -> None:
    beat, beaten_at = Beat(bench.peer), 0.0

    def beats() -> bool:
        nonlocal beaten_at
        beaten_at = time.monotonic()
        beat()
        return "peer" in bench.node._alive.heard and not bench.node._alive.silent()

    def lives() -> bool:
        return beats() and bench.drive_seeing(free(), 0.5).linear.x == 0.5

    bench.until(lives)
    bench.until(bench.node._alive.silent)
    assert time.monotonic() - beaten_at > SILENT_S - BEAT_S
    assert bench.drive_seeing(free(), 0.5).linear.x == 0.0
    assert "peer" in bench.diagnosed("nodes").message
    bench.until(lives)


def test_diagnostics_say_what_is_wrong_and_what_to_do(bench: Bench) -> None:
    bench.until(lambda: bench.states)
    assert bench.diagnosed("serial line").level == DiagnosticStatus.OK
    laser = bench.diagnosed("laser")
    assert (laser.level, laser.hardware_id) == (DiagnosticStatus.ERROR, "luna-01")
    assert "cable" in laser.message
    bench.see(free())
    receipt = gates.stop(bench.run_dir, source="CLI", who="test", reason="a test")
    bench.until(lambda: bench.states[-1].event_id == receipt.event_id)
    gate = bench.diagnosed("motion gate")
    assert gate.level == DiagnosticStatus.WARN and "Somebody has stopped" in gate.message
    assert receipt.event_id in [pair.value for pair in gate.values]


def test_who_asks_for_it_is_told_that_nobody_tells_of_the_stop_any_more(bench: Bench) -> None:
    missed: list[object] = []
    alive: list[int] = []
    told_since: list[StopMessage] = []

    def on_missed(event: object) -> None:
        missed.append(event)
        told_since.clear()

    def on_liveliness(event: Any) -> None:
        alive.append(event.alive_count)

    events = SubscriptionEventCallbacks(deadline=on_missed, liveliness=on_liveliness)
    bench.peer.create_subscription(
        StopMessage, "emergency_stop", told_since.append, qos.STOP, event_callbacks=events
    )
    bench.until(lambda: told_since and alive[-1:] == [1])
    told_since.clear()
    bench.until(lambda: len(told_since) >= 4 and alive[-1] == 1)
    bench.leave()
    missed.clear()
    bench.until(lambda: missed and alive[-1] == 0)


def test_something_close_ahead_stops_the_robot(bench: Bench) -> None:
    assert bench.drive_seeing(wall_ahead(0.22), 0.5).linear.x == 0.0


def test_something_further_ahead_slows_it_down_in_time_to_brake(bench: Bench) -> None:
    velocity = bench.drive_seeing(wall_ahead(0.6), 0.5).linear.x
    assert 0.0 < velocity < 0.5


@pytest.mark.parametrize("laser_yaw_rad", [math.pi / 2])
def test_what_is_ahead_of_the_robot_counts_however_its_laser_is_turned(bench: Bench) -> None:
    on_its_left = wall_ahead(0.30)  # of the laser
    assert bench.drive_seeing(on_its_left, 0.5).linear.x > 0.0
    ahead = np.roll(wall_ahead(0.22), -BEAMS // 4)
    assert bench.drive_seeing(ahead, 0.5).linear.x == 0.0


def test_turning_on_the_spot_is_free_beside_a_wall(bench: Bench) -> None:
    assert bench.drive_seeing(wall_ahead(0.22), 0.0, 1.0).angular.z == 1.0


def test_a_stop_at_the_gate_is_told_on_the_topic(bench: Bench) -> None:
    receipt = gates.stop(bench.run_dir, source="CLI", who="test", reason="a test")
    bench.until(lambda: bench.states and bench.states[-1].event_id == receipt.event_id)
    state = bench.states[-1]
    assert (state.state, state.active, state.source) == ("LATCHED", True, "CLI")
    assert "STOP_REQUESTED" in state.causes


def test_who_comes_late_to_the_topic_gets_the_stop_that_holds(bench: Bench) -> None:
    receipt = gates.stop(bench.run_dir, source="CLI", who="test", reason="a test")
    bench.until(lambda: bench.states and bench.states[-1].event_id == receipt.event_id)

    late: list[StopMessage] = []
    bench.peer.create_subscription(StopMessage, "emergency_stop", late.append, qos.STATE)
    bench.until(lambda: late)
    assert late[-1].event_id == receipt.event_id


def test_the_stop_service_latches_and_the_reset_service_names_the_event(bench: Bench) -> None:
    stopped = bench.call(Trigger, "emergency_stop/stop", Trigger.Request())
    assert stopped.success
    bench.until(lambda: bench.states and bench.states[-1].state == "LATCHED")

    request = ResetEmergencyStop.Request(event_id="another", who="test")
    assert not bench.call(ResetEmergencyStop, "emergency_stop/reset", request).success
    request = ResetEmergencyStop.Request(event_id=stopped.message, who="test")
    assert bench.call(ResetEmergencyStop, "emergency_stop/reset", request).success

    bench.until(lambda: bench.states[-1].state == "RESET")
    assert bench.states[-1].active
    gates.resume(bench.run_dir, who="test")
    bench.until(lambda: bench.states[-1].state not in ("LATCHED", "RESET"))


@pytest.mark.parametrize(
    ("discovery", "offered"), [("LOCALHOST", True), ("SUBNET", False), ("", False)]
)
def test_a_reset_is_offered_only_to_programs_on_the_robot(bench: Bench, offered: bool) -> None:
    services = {
        name for name, _ in bench.node.get_service_names_and_types_by_node("emergency_stop", "/")
    }
    assert "/emergency_stop/stop" in services
    assert ("/emergency_stop/reset" in services) is offered
