"""TF: map to odom from the navigator, odom to base_link and that to the laser from the base; nothing where tf2_msgs is
not installed."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from edge.settings import load
from ros_nodes import transforms
from ros_nodes.base import Base
from ros_nodes.navigation.geometry import Pose
from ros_nodes.pose_topics import TF_STATIC
from tests.support import built_messages
from tests.support.navigator_bench import DOCK_POSE, bench
from tests.support.ros import ros_context

pytestmark = pytest.mark.timeout(240)  # the first one may have to build the messages


@pytest.fixture
def tf_type() -> Any:
    built_messages.provide("tf2_msgs")
    return importlib.import_module("tf2_msgs.msg").TFMessage


def test_the_navigator_tells_where_the_odometry_began_in_the_map(
    tmp_path: Path, ros_domain: int, tf_type: Any
) -> None:
    heard: list[Any] = []
    with bench(tmp_path, ["-r", "__ns:=/robot1"]) as started:
        started.peer.create_subscription(tf_type, "/tf", heard.append, 10)
        started.until(lambda: heard, keep=started.live)
    [transform] = heard[-1].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("map", "odom")
    place = transform.transform.translation
    assert DOCK_POSE.distance(place.x, place.y) < 0.05  # the wheels began to count on the dock
    assert abs(transform.transform.rotation.z) == pytest.approx(1.0, abs=0.01)


def test_the_base_tells_where_the_robot_is_by_its_wheels(
    tmp_path: Path, ros_domain: int, tf_type: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = {"x": 1.0, "y": 2.0, "theta": 0.0, "v": 0.3, "w": 0.0, "stamp": 0.0}
    said = [{"type": "odometry", **reading}]
    heard: list[Any] = []
    with ros_context():
        base, peer = Base(load(tmp_path)), rclpy.create_node("peer")
        executor = SingleThreadedExecutor()
        monkeypatch.setattr(base._link, "receive", lambda: [{**said[0], "x": 1.0 + len(heard)}])
        peer.create_subscription(tf_type, "/tf", heard.append, 10)
        for node in (base, peer):
            executor.add_node(node)
        for _ in range(500):
            executor.spin_once(timeout_sec=0.02)
            if heard:
                break
        base.close()
        executor.shutdown()
        for node in (base, peer):
            node.destroy_node()
    [transform] = heard[0].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("odom", "base_link")
    assert transform.transform.translation.y == 2.0


@pytest.mark.parametrize("told", [True, False])
def test_the_base_tells_who_comes_later_where_the_laser_is_unless_somebody_else_does(
    tmp_path: Path, ros_domain: int, tf_type: Any, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setenv("LUNA_ROBOT__LASER_X_M", "-0.04")
    monkeypatch.setenv("LUNA_NAVIGATOR__LASER_FRAME", "rplidar_link")
    monkeypatch.setenv("LUNA_NAVIGATOR__LASER_TF", str(told))
    heard: list[Any] = []
    with ros_context():
        base, peer = Base(load(tmp_path)), rclpy.create_node("peer")
        executor = SingleThreadedExecutor()
        executor.add_node(peer)
        peer.create_subscription(tf_type, "/tf_static", heard.append, TF_STATIC)
        assert bool(peer.count_publishers("/tf_static")) is told
        for _ in range(500 if told else 0):
            executor.spin_once(timeout_sec=0.02)
            if heard:
                break
        base.close()
        executor.shutdown()
        for node in (base, peer):
            node.destroy_node()
    frames = [(one.header.frame_id, one.child_frame_id) for tf in heard for one in tf.transforms]
    assert frames == ([("base_link", "rplidar_link")] if told else [])
    assert all(one.transforms[0].transform.translation.x == -0.04 for one in heard)


def test_without_tf2_msgs_nothing_is_told_and_that_is_said_once(
    tmp_path: Path,
    ros_domain: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", None)
    transforms.say_that_there_are_none.cache_clear()
    with ros_context():
        node = rclpy.create_node("any")
        for _ in range(2):
            told = transforms.Transforms(node)
            told.tell("map", "odom", Pose(1.0, 2.0), node.get_clock().now().to_msg())
        assert "/tf" not in {name for name, _ in node.get_topic_names_and_types()}
        node.destroy_node()
    assert capsys.readouterr().out.count("tf2_msgs is not installed") == 1
