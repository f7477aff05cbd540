"""Angles and frames."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ros_nodes.navigation.geometry import Pose, wrap_angle

angles = st.floats(-50, 50)
metres = st.floats(-100, 100)
poses = st.builds(Pose, metres, metres, angles)


@given(angles)
def test_a_wrapped_angle_is_the_same_direction_within_half_a_turn(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -math.pi < wrapped <= math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


def test_half_a_turn_is_always_written_as_plus_pi() -> None:
    assert wrap_angle(-math.pi) == wrap_angle(3 * math.pi) == math.pi


@given(poses, poses)
def test_going_into_a_frame_and_out_again_changes_nothing(frame: Pose, pose: Pose) -> None:
    back = frame.compose(frame.to(pose))
    assert back[:2] == pytest.approx(pose[:2], abs=1e-6)
    assert abs(wrap_angle(back.theta - pose.theta)) < 1e-9


@given(poses, metres, metres)
def test_points_and_poses_are_moved_alike(frame: Pose, x: float, y: float) -> None:
    point = frame.points_out(np.array([[x, y]]))
    assert point[0] == pytest.approx(frame.compose(Pose(x, y))[:2], abs=1e-9)
    assert frame.points_in(point)[0] == pytest.approx((x, y), abs=1e-6)


def test_what_is_a_metre_ahead_of_a_robot_that_looks_north_is_north_of_it() -> None:
    assert Pose(2, 3, math.pi / 2).compose(Pose(1, 0))[:2] == pytest.approx((2, 4))


@given(st.floats(-1, 1), st.floats(-2, 2), st.floats(0, 1))
@example(v=0.0, w=1.0, seconds=5e-324)  # half of it is no time at all
def test_wheels_roll_on_in_the_arc_that_many_small_steps_make(
    v: float, w: float, seconds: float
) -> None:
    steps, pose = 500, Pose(1.0, 2.0, 0.5)
    for _ in range(steps):
        pose = pose.compose(Pose(v * seconds / steps, 0.0, w * seconds / steps))
    rolled = Pose(1.0, 2.0, 0.5).rolled(v, w, seconds)
    assert rolled == pytest.approx(pose, abs=3e-3)


@given(poses, st.floats(-3, 3), st.floats(0, 1))
def test_halfway_to_a_pose_is_between_them_also_in_heading(
    pose: Pose, turn: float, share: float
) -> None:
    there = pose.compose(Pose(1.0, 0.0, turn))
    between = pose.towards(there, share)
    assert pose.distance(between.x, between.y) == pytest.approx(share, abs=1e-6)
    assert wrap_angle(between.theta - pose.theta) == pytest.approx(share * turn, abs=1e-6)
