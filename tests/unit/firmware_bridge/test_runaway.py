"""A robot that moves though nobody commands it, sample by sample."""

import pytest

from firmware_bridge.messages import Odometry
from firmware_bridge.moment import Moment
from firmware_bridge.runaway import Runaway, moves

MOVING = Odometry(0, 0, 0, 0.3, 0)
STANDING = Odometry(0, 0, 0, 0, 0)


def at(mono: float) -> Moment:
    return Moment(mono, 1e9)


@pytest.mark.parametrize("began", [0.0, 1000.0])
def test_it_is_one_after_300_ms_and_not_before(began: float) -> None:
    runaway = Runaway(at(began - 5.0))
    assert not runaway.seen(MOVING, at(began))
    assert not runaway.seen(MOVING, at(began + 0.2999))
    assert runaway.seen(MOVING, at(began + 0.3001))


def test_300_ms_to_the_dot_are_not_yet_one() -> None:
    runaway = Runaway(at(-5.0))
    assert not runaway.seen(MOVING, at(0.0))
    assert not runaway.seen(MOVING, at(0.3))


def test_one_sample_of_standing_begins_anew() -> None:
    runaway = Runaway(at(0.0))
    assert not runaway.seen(MOVING, at(2.0))
    assert not runaway.seen(STANDING, at(2.2))
    assert not runaway.seen(MOVING, at(2.4))
    assert not runaway.seen(MOVING, at(2.6))


def test_a_robot_may_roll_for_a_second_after_its_last_command() -> None:
    runaway = Runaway(at(0.0))
    runaway.drove(at(10.0))
    assert not runaway.seen(MOVING, at(10.5))
    assert not runaway.seen(MOVING, at(11.0))
    assert not runaway.seen(MOVING, at(11.01))
    assert not runaway.seen(MOVING, at(11.305))  # 300 ms from then on
    assert runaway.seen(MOVING, at(11.32))


def test_a_board_that_comes_back_begins_anew() -> None:
    runaway = Runaway(at(0.0))
    assert not runaway.seen(MOVING, at(2.0))
    runaway.forget()
    assert not runaway.seen(MOVING, at(9.0))


@pytest.mark.parametrize(
    ("v", "w", "moving"),
    [
        (0.05, 0.2, False),
        (-0.05, -0.2, False),
        (0.051, 0.0, True),
        (-0.051, 0.0, True),
        (0.0, 0.201, True),
        (0.0, -0.201, True),
    ],
)
def test_noise_of_the_sensors_is_no_motion(v: float, w: float, moving: bool) -> None:
    assert moves(Odometry(0, 0, 0, v, w)) is moving
