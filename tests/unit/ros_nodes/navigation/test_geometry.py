"""Angles and frames."""

import math

import numpy as np
import pytest
from hypothesis import given
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
