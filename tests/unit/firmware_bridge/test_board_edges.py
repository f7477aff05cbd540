"""The board's limits to the millisecond and to the last digit, in Python and in C: where each one begins and ends."""

import pytest

from firmware_bridge.messages import (
    Clear,
    FaultCode,
    Heartbeat,
    Hello,
    Limits,
    Message,
    Motion,
    Stop,
    StopKind,
)
from firmware_bridge.simulated_firmware import SimulatedFirmware
from tests.support.peer import Peer

STANDS, DRIVES = (0.0, 0.0), (0.3, 0.0)


@pytest.mark.parametrize(("ttl_ms", "good_ms"), [(50, 50), (200, 200), (201, 200), (60_000, 200)])
@pytest.mark.parametrize("kind", [Motion, Heartbeat])
def test_a_permission_is_good_to_its_last_millisecond_and_not_after_it(
    exact: Peer, kind: type[Message], ttl_ms: int, good_ms: int
) -> None:
    old, other = Motion(*DRIVES), Heartbeat()
    exact.send(old if kind is Motion else other, ttl_ms=ttl_ms)
    exact.later(good_ms - 30)
    exact.send(other if kind is Motion else old)
    exact.later(30)
    assert exact.board.target() == DRIVES
    exact.later(1)
    assert exact.board.target() == STANDS


@pytest.mark.parametrize("late_ms", [1, 120])
def test_the_age_at_which_a_motion_came_counts_to_the_millisecond(
    exact: Peer, late_ms: int
) -> None:
    exact.send(Heartbeat(), late_s=late_ms / 1e3)
    exact.send(Motion(*DRIVES), late_s=late_ms / 1e3)
    exact.later(200 - late_ms)
    assert exact.board.target() == DRIVES
    exact.later(1)
    assert exact.board.target() == STANDS


@pytest.mark.parametrize("quicker_ms", [1, 50])
def test_a_frame_quicker_than_all_before_is_of_age_0_and_no_younger(
    exact: Peer, quicker_ms: int
) -> None:
    exact.send(Heartbeat(), late_s=-quicker_ms / 1e3)
    exact.send(Motion(*DRIVES), late_s=-quicker_ms / 1e3)
    exact.later(200)
    assert exact.board.target() == DRIVES
    exact.later(1)
    assert exact.board.target() == STANDS


def test_what_was_said_before_a_latch_moves_nothing_after_the_clear(exact: Peer) -> None:
    exact.send(Heartbeat())
    exact.send(Motion(*DRIVES))
    exact.later(1)
    exact.send(Stop(StopKind.LATCH), ttl_ms=0)
    exact.send(Clear(1), ttl_ms=500)
    exact.later(1)
    assert not exact.board.causes and exact.board.target() == STANDS


def test_a_frame_may_be_as_old_as_its_ttl_and_no_older(exact: Peer) -> None:
    exact.send(Heartbeat(), late_s=0.2)
    exact.send(Heartbeat(), ttl_ms=1, late_s=0.001)
    assert exact.refused(FaultCode.LATE) == 0
    exact.send(Heartbeat(), late_s=0.201)
    exact.send(Heartbeat(), ttl_ms=1, late_s=0.002)
    assert exact.refused(FaultCode.LATE) == 2


@pytest.mark.parametrize(("quiet_ms", "grown_ms"), [(999, 0), (1000, 1), (1999, 1), (60_000, 60)])
def test_a_millisecond_of_lateness_is_forgiven_for_each_whole_second(
    exact: Peer, quiet_ms: int, grown_ms: int
) -> None:
    exact.send(Heartbeat())
    exact.later(quiet_ms)
    exact.send(Heartbeat(), late_s=(201 + grown_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1
    exact.send(Heartbeat(), late_s=(200 + grown_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1


@pytest.mark.parametrize("quicker_ms", [0, 1])
def test_the_seconds_are_counted_from_the_newest_frame_that_was_as_quick_as_any(
    exact: Peer, quicker_ms: int
) -> None:
    exact.later(600)
    exact.send(Heartbeat(), late_s=-quicker_ms / 1e3)
    exact.later(600)
    exact.send(Heartbeat(), late_s=(201 - quicker_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1


def test_the_seconds_go_on_while_frames_are_late(exact: Peer) -> None:
    for _ in range(5):
        exact.later(900)
        exact.send(Heartbeat(), late_s=0.1)
    exact.send(Heartbeat(), late_s=0.205)  # 4.5 s are 4 ms
    assert exact.refused(FaultCode.LATE) == 1
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1


def test_no_part_of_a_second_is_gained_or_lost_by_looking_often(exact: Peer) -> None:
    exact.send(Heartbeat())
    for quiet_ms in (1_000, 1_000, 1_000, 997):
        exact.later(quiet_ms)
        exact.send(Heartbeat(), late_s=0.1)
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1
    exact.later(3)
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1


@pytest.mark.parametrize("kind", [Motion, Heartbeat])
def test_in_the_very_moment_of_the_boot_both_permissions_are_needed_too(
    fresh: Peer, kind: type[Message]
) -> None:
    fresh.send(Hello(5), ttl_ms=0)
    fresh.session = fresh.board.session
    fresh.send(Motion(*DRIVES) if kind is Motion else Heartbeat())
    for _ in range(3):
        fresh.later(0)
        assert fresh.board.target() == STANDS
        fresh.later(1)


@pytest.mark.parametrize(("late_ms", "refused"), [(2**31 - 1, 1), (2**30 * 3 // 2, 1), (2**31, 0)])
def test_of_stamps_modulo_2_to_the_32_one_half_is_older_and_the_other_quicker(
    exact: Peer, late_ms: int, refused: int
) -> None:
    exact.clock_s += 2**32 / 1e3
    exact.send(Heartbeat(), late_s=late_ms / 1e3)
    assert exact.refused(FaultCode.LATE) == refused


def test_a_sequence_must_rise_by_one_at_least(exact: Peer) -> None:
    exact.send(Heartbeat())
    exact.sequence -= 1
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 1
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 1


def test_the_sequence_of_a_new_session_may_begin_again(exact: Peer) -> None:
    exact.sequence = 5_000
    exact.send(Heartbeat())
    exact.sequence = 0
    exact.hello()
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 0


@pytest.mark.parametrize(
    "motion", [Motion(0.5, 2.0), Motion(-0.5, -2.0), Motion(0.5, -2.0), Motion(-0.5, 2.0)]
)
def test_the_caps_themselves_are_allowed(exact: Peer, motion: Motion) -> None:
    exact.send(Heartbeat())
    exact.send(motion)
    exact.later(1)
    assert exact.board.target() == (motion.linear_m_s, motion.angular_rad_s)


@pytest.mark.parametrize("motion", [Motion(0.2, 0.0), Motion(-0.2, 0.0), Motion(0.0, 1.0)])
def test_limits_at_the_motion_in_force_leave_it(exact: Peer, motion: Motion) -> None:
    exact.send(Heartbeat())
    exact.send(motion)
    exact.send(Limits(0.2, 1.0, 1.0, 4.0, 1.5, 6.0), ttl_ms=0)
    exact.later(1)
    assert exact.board.target() == (motion.linear_m_s, motion.angular_rad_s)
    exact.send(Limits(0.199, 0.999, 1.0, 4.0, 1.5, 6.0), ttl_ms=0)
    assert exact.board.target() == STANDS


def test_each_axis_ramps_by_its_own_rates(exact: Peer) -> None:
    exact.driving = Motion(0.5, 2.0)
    exact.forward(0.1)
    assert exact.board.velocity == pytest.approx((0.1, 0.4))
    exact.forward(1.0)
    exact.driving = None
    exact.send(Stop(StopKind.LATCH), ttl_ms=0)
    exact.forward(0.1)
    assert exact.board.velocity == pytest.approx((0.5 - 0.15, 2.0 - 0.6))


@pytest.mark.parametrize(("step_ms", "gained"), [(1, 0.001), (99, 0.099), (100, 0.1), (101, 0.1)])
def test_a_step_of_the_ramp_counts_for_100_ms_at_most(
    exact: Peer, step_ms: int, gained: float
) -> None:
    exact.send(Motion(0.5, 0.0))
    exact.send(Heartbeat())
    exact.later(step_ms)
    assert exact.board.velocity == pytest.approx((gained, 0.0), abs=1e-9)


def test_the_velocity_is_counted_in_whole_micrometres_and_microradians(exact: Peer) -> None:
    exact.send(Limits(0.5, 2.0, 0.001, 0.001, 1.5, 6.0), ttl_ms=0)
    exact.send(Motion(0.5, -2.0))
    exact.send(Heartbeat())
    exact.later(1)
    assert exact.board.velocity == (1e-6, -1e-6)


def test_after_latch_65535_comes_0(fresh: Peer) -> None:
    if isinstance(fresh.board, SimulatedFirmware):
        fresh.board.latch = 0xFFFF
    else:
        fresh.board._board.latch = 0xFFFF
    fresh.hello()
    fresh.send(Stop(StopKind.LATCH), ttl_ms=0)
    assert fresh.board.latch == 0 and fresh.board.causes
