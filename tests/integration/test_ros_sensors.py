"""The navigator's sensors fail, and it says which; other nodes tell it where the robot is."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from luna_interfaces.msg import EmergencyStop
from std_msgs.msg import Bool

from edge.domain.errors import SetupError
from edge.domain.stops import StopCause
from ros_nodes import convert, navigator, qos, whereabouts
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.sensor_faults import SensorFault, in_words
from ros_nodes.pose_topics import tf_message
from ros_nodes.simulation.demo_library import draw_library
from tests.support import built_messages
from tests.support.navigator_bench import DOCK_POSE, Bench
from tests.support.navigator_bench import bench as navigator_bench


class Heard:
    """What the navigator says of its sensors and its place."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.sensors: list[DiagnosticStatus] = []
        self.localised: list[bool] = []
        peer = bench.peer
        peer.create_subscription(DiagnosticArray, "diagnostics", self._on_diagnosis, qos.STREAM)
        peer.create_subscription(Bool, "localised", self._on_localised, qos.STATE)

    def _on_diagnosis(self, message: DiagnosticArray) -> None:
        self.sensors += [one for one in message.status if one.name == "luna: sensors"]

    def _on_localised(self, message: Bool) -> None:
        self.localised.append(bool(message.data))

    def until_localised(self, known: bool, keep: Callable[[], None]) -> None:
        self.bench.until(lambda: self.localised and self.localised[-1] is known, keep=keep)

    def until_said(self, fault: SensorFault, keep: Callable[[], None]) -> DiagnosticStatus:
        def said() -> bool:
            return bool(self.sensors) and in_words(fault) == self.sensors[-1].message

        self.bench.until(said, keep=keep)
        return self.sensors[-1]


@pytest.fixture
def source() -> str:
    return "scan"


@pytest.fixture
def bench(
    tmp_path: Path, ros_domain: int, source: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setenv("LUNA_NAVIGATOR__LOCALISATION", source)
    monkeypatch.setattr(whereabouts, "FIRST_S", 0.0)
    monkeypatch.setattr(navigator, "BLIND_S", 2.0)
    with navigator_bench(tmp_path) as bench:
        yield bench


def test_a_laser_that_dies_in_mid_drive_stops_the_robot_and_ends_the_drive_by_name(
    bench: Bench,
) -> None:
    heard = Heard(bench)
    handle = bench.drive_off()

    def wheels_only() -> None:
        bench.body.move()
        stamp = bench.peer.get_clock().now().to_msg()
        bench._odometry.publish(convert.odometry_message(bench.body.odometry(), stamp))

    bench.until(lambda: bench.body.v == bench.body.w == 0.0, keep=wheels_only)
    assert bench.navigation["state"] != "IDLE"  # the drive is not given up yet
    reason, message = bench.result(handle, keep=wheels_only)
    assert reason is Reason.LOST
    assert in_words(SensorFault.SCAN_SILENT) in message
    said = heard.until_said(SensorFault.SCAN_SILENT, wheels_only)
    assert said.level == DiagnosticStatus.ERROR
    assert [(pair.key, pair.value) for pair in said.values] == [("fault", "SCAN_SILENT")]


def test_a_laser_in_another_frame_is_named_until_the_right_one_speaks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(bench)
    with monkeypatch.context() as wrong:
        wrong.setattr(convert, "LASER", "camera")
        heard.until_said(SensorFault.SCAN_FRAME, bench.see)
        assert True not in heard.localised
    heard.until_localised(True, bench.see)
    bench.until(lambda: heard.sensors[-1].level == DiagnosticStatus.OK, keep=bench.see)


def test_a_lift_makes_the_robot_doubt_its_place_until_a_scan_fits(bench: Bench) -> None:
    heard = Heard(bench)
    heard.until_localised(True, bench.see)
    lifted = EmergencyStop(state="LATCHED", causes=[str(StopCause.LIFTED)])

    def held_up() -> None:
        bench._stop.publish(lifted)
        stamp = bench.peer.get_clock().now().to_msg()
        bench._odometry.publish(convert.odometry_message(bench.body.odometry(), stamp))

    heard.until_localised(False, held_up)
    heard.until_localised(True, bench.see)


@pytest.mark.parametrize("source", ["amcl"])
def test_where_amcl_says_it_a_sure_pose_is_believed_and_an_unsure_one_is_not(bench: Bench) -> None:
    heard = Heard(bench)
    amcl = bench.peer.create_publisher(PoseWithCovarianceStamped, "amcl_pose", qos.STATE)

    def told(variance: float, frame: str = convert.MAP) -> Callable[[], None]:
        def tell() -> None:
            bench.see()
            message = PoseWithCovarianceStamped()
            message.header.frame_id = frame
            message.header.stamp = bench.peer.get_clock().now().to_msg()
            message.pose.pose = convert.pose_message(DOCK_POSE)
            message.pose.covariance[0] = message.pose.covariance[7] = variance
            amcl.publish(message)

        return tell

    bench.until(lambda: "pose" in bench.told.newest, keep=bench.see)
    heard.until_localised(True, told(0.01))
    heard.until_localised(False, told(1.0))
    heard.until_said(SensorFault.POSE_UNSURE, told(1.0))
    heard.until_said(SensorFault.POSE_NOT_FIT, told(0.01, "odom"))
    heard.until_localised(True, told(0.01))
    pose = bench.told.newest["pose"]
    assert DOCK_POSE.distance(pose["x"], pose["y"]) < 0.01


@pytest.mark.timeout(240)  # it may have to build the messages
def test_where_tf_says_it_the_robot_is_there(
    tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_messages.provide("tf2_msgs")
    monkeypatch.setenv("LUNA_NAVIGATOR__LOCALISATION", "tf")
    kind = tf_message()
    with navigator_bench(tmp_path) as bench:
        heard = Heard(bench)
        topic = bench.peer.create_publisher(kind, "/tf", 10)

        def tell() -> None:
            bench.see()
            one = TransformStamped(child_frame_id=convert.ODOM)
            one.header.frame_id = convert.MAP
            one.header.stamp = bench.peer.get_clock().now().to_msg()
            one.transform.translation.x, one.transform.translation.y = DOCK_POSE.x, DOCK_POSE.y
            one.transform.rotation = convert.quaternion(DOCK_POSE.theta)
            topic.publish(kind(transforms=[one]))

        heard.until_localised(True, tell)
        pose = bench.told.newest["pose"]
        assert DOCK_POSE.distance(pose["x"], pose["y"]) < 0.01
        heard.until_localised(False, bench.see)  # nobody tells it any more


@pytest.mark.parametrize("source", ["tf"])
def test_where_tf_says_it_and_is_not_installed_the_navigator_says_so(
    tmp_path: Path, ros_domain: int, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_NAVIGATOR__LOCALISATION", source)
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", None)
    with pytest.raises(SetupError, match="tf2_msgs"), navigator_bench(tmp_path):
        pass


def test_a_pose_in_a_wall_is_not_taken(bench: Bench) -> None:
    heard = Heard(bench)
    heard.until_localised(True, bench.see)
    told = bench.peer.create_publisher(PoseWithCovarianceStamped, "initialpose", qos.STREAM)
    bench.until(told.get_subscription_count)
    message = PoseWithCovarianceStamped()
    for pose in (Pose(-100.0, 0.0), Pose(float("nan"), 0.0)):
        message.pose.pose = convert.pose_message(pose)
        told.publish(message)
    elsewhere = draw_library().centre(*draw_library().cell_of(12.0, 10.5))
    message.pose.pose = convert.pose_message(Pose(*elsewhere))
    told.publish(message)
    shown: list[float] = []

    def look() -> None:
        bench.see()
        shown.append(bench.told.newest["pose"]["x"])

    bench.until(lambda: shown and abs(shown[-1] - elsewhere[0]) < 0.7, keep=look)
    assert all(0.0 < x < 13.0 for x in shown)
