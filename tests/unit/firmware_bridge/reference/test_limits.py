"""The limits of the board in C by their numbers: the ramp, what is within, and what LIMITS lower."""

import ctypes
from ctypes import c_bool, c_int16, c_int32, c_uint16, c_uint32
from functools import partial

import pytest

from firmware_bridge.messages import Limits
from firmware_bridge.simulated_firmware import OWN_CAPS
from tests.support.c_board import CBoard, CLimits, CMotion, Reference
from tests.support.peer import Peer

FASTER, SLOWER = 1_000, 1_500
"""Acceleration and braking, mm/s^2."""


def ramp(
    reference: Reference,
    velocity: int,
    target: int,
    step_ms: int,
    rates: tuple[int, int] = (FASTER, SLOWER),
) -> int:
    reference.luna_ramp.restype = c_int32
    faster, slower = map(c_uint16, rates)
    given = c_int32(velocity), c_int16(target), faster, slower, c_uint32(step_ms)
    return int(reference.luna_ramp(*given))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("velocity", "target", "step_ms", "then"),
    [
        (0, 500, 10, 10_000),
        (490_000, 500, 10, 500_000),
        (490_001, 500, 10, 500_000),
        (489_999, 500, 10, 499_999),
        (100_000, 300, 10, 110_000),
        (300_000, 100, 100, 150_000),
        (300_000, 200, 100, 200_000),
        (300_000, -300, 100, 150_000),
        (150_001, -300, 100, 1),
        (150_000, -300, 100, 0),
        (100_000, -300, 100, 0),
        (100_000, 0, 100, 0),
        (1, -300, 1, 0),
        (300_000, 300, 10, 300_000),
        (0, 0, 10, 0),
        (300_000, -300, 0, 300_000),
    ],
)
def test_the_ramp_accelerates_away_from_zero_brakes_towards_it_and_ends_there(
    reference: Reference, sign: int, velocity: int, target: int, step_ms: int, then: int
) -> None:
    assert ramp(reference, sign * velocity, sign * target, step_ms) == sign * then


@pytest.mark.parametrize("step_ms", [100, 101, 2**32 - 1])
def test_no_step_counts_for_more_than_100_ms(reference: Reference, step_ms: int) -> None:
    assert ramp(reference, 0, 500, 99) == 99_000
    assert ramp(reference, 0, 500, step_ms) == 100_000


def test_the_largest_rates_and_velocities_do_not_overflow(reference: Reference) -> None:
    largest = 65_535, 65_535
    assert ramp(reference, 0, 32_767, 100, largest) == 6_553_500
    assert ramp(reference, 32_767_000, -32_768, 100, largest) == 32_767_000 - 6_553_500
    assert ramp(reference, -32_768_000, 32_767, 100, largest) == -32_768_000 + 6_553_500


@pytest.mark.parametrize(
    ("linear", "angular", "within"),
    [
        *[(500, 2_000, True), (-500, -2_000, True), (500, -2_000, True), (-500, 2_000, True)],
        *[(501, 0, False), (-501, 0, False), (0, 2_001, False), (0, -2_001, False)],
    ],
)
def test_a_motion_is_within_the_limits_up_to_their_very_numbers(
    reference: Reference, linear: int, angular: int, within: bool
) -> None:
    reference.luna_within.restype = c_bool
    limits, motion = CLimits(500, 2_000), CMotion(linear, angular)
    assert reference.luna_within(ctypes.byref(limits), ctypes.byref(motion)) is within


def test_half_of_an_odd_braking_is_rounded_up(reference: Reference) -> None:
    caps = Limits(0.5, 2.0, 1.0, 4.0, 1.501, 0.001)
    peer = Peer(partial(CBoard, reference, caps=caps))
    peer.hello()
    peer.send(Limits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), ttl_ms=0)
    assert peer.board.limits == Limits(0.0, 0.0, 0.0, 0.0, 0.751, 0.001)


@pytest.mark.parametrize(("own", "half"), [(1.502, 0.751), (0.002, 0.001), (0.003, 0.002)])
def test_half_of_any_braking_is_no_more_than_that(
    reference: Reference, own: float, half: float
) -> None:
    caps = Limits(0.5, 2.0, 1.0, 4.0, own, own)
    peer = Peer(partial(CBoard, reference, caps=caps))
    peer.hello()
    peer.send(Limits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), ttl_ms=0)
    assert peer.board.limits == Limits(0.0, 0.0, 0.0, 0.0, half, half)


@pytest.mark.parametrize(
    ("wanted", "then"), [(0.749, 0.75), (0.75, 0.75), (0.751, 0.751), (1.5, 1.5), (1.501, 1.5)]
)
def test_braking_is_lowered_to_half_and_never_raised(
    reference: Reference, wanted: float, then: float
) -> None:
    peer = Peer(partial(CBoard, reference))
    peer.hello()
    peer.send(Limits(9.0, 9.0, 9.0, 9.0, wanted, 4 * wanted), ttl_ms=0)
    limits = peer.board.limits
    assert limits.braking == then and limits.turn_braking == pytest.approx(4 * then)
    assert limits.speed == OWN_CAPS.speed
