"""A pose that other nodes tell: amcl, or TF."""

import math
import sys
from dataclasses import replace

import pytest
from geometry_msgs.msg import TransformStamped

from edge.domain.errors import SetupError
from edge.domain.robots import LastPose
from ros_nodes import convert
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.sensor_faults import SensorFault
from ros_nodes.pose_sources import SIGMA_M, SIGMA_RAD, TOLD_M, TOLD_S, Frames, ToldPose, sigmas
from ros_nodes.pose_topics import TfListener, tf_message
from ros_nodes.simulation.demo_library import draw_library
from tests.support.carried import Carried

GRID = draw_library()
HALL = Pose(12.0, 10.5, 1.57)
SOMEWHERE = Pose(3.0, 4.0, 0.5)


def told_robot(stale_after_s: float = math.inf) -> tuple[Carried, ToldPose]:
    source = ToldPose(stale_after_s)
    robot = Carried(GRID, HALL, source=source)
    robot.go(1.0)
    return robot, source


def test_a_robot_knows_its_place_as_soon_as_it_is_told() -> None:
    robot, source = told_robot()
    assert not robot.where.known
    source.tell(HALL, robot.clock)
    assert robot.where.fault(robot.now) is None
    robot.go(1.0, v=0.3)
    assert robot.is_found() and robot.off_m < 0.05
    assert robot.where.map_to_odom == HALL


@pytest.mark.parametrize(
    ("sigma_m", "sigma_rad"),
    [(SIGMA_M + 0.01, 0.0), (0.0, SIGMA_RAD + 0.01), (math.nan, 0.0), (0.0, math.inf)],
)
def test_a_pose_that_is_unsure_is_not_believed(sigma_m: float, sigma_rad: float) -> None:
    robot, source = told_robot()
    source.tell(HALL, robot.clock)
    source.tell(SOMEWHERE, robot.clock, sigma_m=sigma_m, sigma_rad=sigma_rad)
    assert source.fault is SensorFault.POSE_UNSURE
    assert not robot.where.known and robot.where.map_to_odom == HALL


def test_a_pose_of_no_numbers_is_not_believed() -> None:
    robot, source = told_robot()
    source.tell(Pose(math.nan, 0.0), robot.clock)
    assert source.fault is SensorFault.POSE_NOT_FIT
    assert not robot.where.known


def test_a_pose_that_is_not_told_again_is_too_old_after_some_way() -> None:
    robot, source = told_robot()
    source.tell(HALL, robot.clock)
    assert robot.where.fault(robot.now) is None
    robot.go(30.0)
    assert robot.is_found()  # who stands still has not gone away
    robot.go((TOLD_M + 0.3) / 0.3 + 0.5, v=0.3)
    assert not robot.where.known
    assert robot.where.fault(robot.now) is SensorFault.POSE_SILENT


def test_a_transform_that_is_not_told_again_is_too_old_after_some_time() -> None:
    robot, source = told_robot(TOLD_S)
    source.tell(HALL, robot.clock)
    robot.go(TOLD_S - 0.1)
    assert robot.where.known
    robot.go(0.3)
    assert not robot.where.known


def test_a_transform_that_lasts_is_never_too_old() -> None:
    robot, source = told_robot(TOLD_S)
    source.tell(HALL, robot.clock, lasting=True)
    robot.go(10.0, v=0.2)
    assert robot.where.known


@pytest.mark.parametrize("doubt", ["lifted", "told", "restarted"])
def test_after_a_doubt_the_next_word_counts(doubt: str) -> None:
    robot, source = told_robot()
    source.tell(HALL, robot.clock)
    if doubt == "lifted":
        robot.where.doubt()
    elif doubt == "told":
        robot.where.put_at(SOMEWHERE)
    else:
        robot.jump(3.0)
        robot.step()
    assert not robot.where.known
    odometry = robot.where.odometry_at(robot.clock)
    assert odometry is not None
    source.tell(HALL.compose(odometry.inverse()), robot.clock)
    assert robot.is_found()


def test_what_is_told_of_a_moment_ago_is_matched_with_the_odometry_of_then() -> None:
    robot, _ = told_robot()
    then = robot.clock
    robot.go(1.0, v=0.3)
    at = robot.where.odometry_at(then)
    assert at is not None and abs(at.x) < 0.02
    assert robot.where.odometry_at(robot.clock) != at


def test_a_covariance_says_how_sure_somebody_is() -> None:
    covariance = [0.0] * 36
    covariance[0], covariance[7], covariance[35] = 0.04, 0.09, 0.01
    assert sigmas(covariance) == pytest.approx((0.3, 0.1))
    covariance[35] = -1.0
    assert all(math.isnan(value) for value in sigmas(covariance))


# TF


def transform(parent: str, child: str, pose: Pose, stamp: float) -> TransformStamped:
    found = TransformStamped(child_frame_id=child)
    found.header.frame_id = parent
    found.header.stamp.sec = int(stamp)
    found.header.stamp.nanosec = int(stamp % 1 * 1e9)
    found.transform.translation.x, found.transform.translation.y = pose.x, pose.y
    found.transform.rotation = convert.quaternion(pose.theta)
    return found


@pytest.mark.parametrize(
    "chain", [("map", "odom"), ("map", "base_link"), ("/map", "/odom"), ("map", "there", "odom")]
)
def test_the_pose_is_found_in_transforms(chain: tuple[str, ...]) -> None:
    robot, source = told_robot(TOLD_S)
    robot.go(1.0, v=0.3)
    listener = TfListener(robot.where, source)
    pose = robot.world.pose if chain[-1] == "base_link" else HALL
    steps = [pose, *[Pose(0.0, 0.0)] * (len(chain) - 2)]
    for parent, child, step in zip(chain[1:-1], chain[2:], steps[1:], strict=True):
        listener.on_transforms([transform(parent, child, step, robot.clock)])
        assert not robot.where.known
    listener.on_transforms([transform(chain[0], chain[1], steps[0], robot.clock)])
    assert robot.is_found()


def test_transforms_below_the_map_s_own_are_no_news_of_the_place() -> None:
    robot, source = told_robot(TOLD_S)
    listener = TfListener(robot.where, source)
    listener.on_transforms([transform("map", "odom", HALL, robot.clock)])
    for _ in range(30):
        robot.go(0.1)
        listener.on_transforms([transform("odom", "base_link", Pose(0.0, 0.0), robot.clock)])
    assert not robot.where.known


def test_frames_in_a_ring_lead_nowhere() -> None:
    frames = Frames()
    frames.set("a", "b", SOMEWHERE)
    frames.set("b", "a", SOMEWHERE)
    assert frames.between("map", "a") is None


def test_without_the_messages_of_tf_the_robot_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tf2_msgs", None)
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", None)
    with pytest.raises(SetupError, match="tf2_msgs"):
        tf_message()


def test_a_scan_is_still_looked_at_for_what_is_in_the_way() -> None:
    robot, source = told_robot()
    source.tell(HALL, robot.clock)
    assert len(robot.where.points) > 50
    robot.hear(replace(robot.scan(), frame="camera"))
    assert robot.where.fault(robot.now) is SensorFault.SCAN_FRAME


def test_a_told_robot_begins_where_it_was_last_but_does_not_believe_it() -> None:
    source = ToldPose()
    source.begin(LastPose(HALL, Pose(0.0, 0.0)), Pose(1.0, 0.0))
    assert source.correction.compose(Pose(1.0, 0.0)).distance(HALL.x, HALL.y) < 1e-9
    assert source.fault is SensorFault.POSE_SILENT
