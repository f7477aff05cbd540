"""A cancelled drive ends at once, and the robot brakes as hard as it may: on the simulated robot, by its odometry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.command_line import BRAKING
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.limits import Limits
from tests.support.cancelling import Cancelled, Canceller
from tests.support.moving import make_library, moving_robot

ENDED_S, ZERO_S, LAG_S = 0.25, 0.25, 0.5
"""On a machine that tests in parallel; the motors follow a ramp with a lag."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def canceller(tmp_path: Path, ros_domain: int) -> Iterator[Canceller]:
    make_library(tmp_path / "data")
    with (
        moving_robot(tmp_path / "data", TASKS__IDLE_DOCK_S="600"),
        Canceller(tmp_path / "data" / "run") as canceller,
    ):
        yield canceller


def test_a_cancel_is_answered_at_once_and_the_robot_brakes(canceller: Canceller) -> None:
    """A machine that stood still just then is asked once more."""
    for moment, goal, again in (
        ("turning", "DESK-2", "ROOM-101"),
        ("cruising", "ROOM-101", "DESK-2"),
    ):
        found = [canceller.cancel(moment, goal)]
        if not is_quick(found[0]):
            found.append(canceller.cancel(moment, again))
        assert is_quick(found[-1]), (moment, found)
        assert {one.reason for one in found} == {Reason.CANCELLED}


def is_quick(found: Cancelled) -> bool:
    limits = Limits()
    braking_s = max(
        found.speed_m_s / (BRAKING * limits.max_acceleration_m_s2),
        abs(found.turn_rad_s) / (BRAKING * limits.max_turn_acceleration_rad_s2),
    )
    told = found.ended_s < ENDED_S and found.zero_s < ZERO_S
    return told and found.stood_s < braking_s + LAG_S
