"""The limiter: caps, ramps, and what it refuses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.limiter import Limiter, RefusedCommandError, ramp
from firmware_bridge.messages import Limits

LIMITS = Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0)
DT_S = 0.02
any_number = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(any_number, any_number, st.floats(0.0, 0.1)), max_size=50))
def test_no_command_exceeds_speed_turn_or_acceleration(
    commands: list[tuple[float, float, float]],
) -> None:
    limiter, before = Limiter(LIMITS), (0.0, 0.0)
    for linear, angular, dt_s in commands:
        try:
            v, w = limiter.step(linear, angular, dt_s)
        except RefusedCommandError:
            assert not (math.isfinite(linear) and math.isfinite(angular))
            continue
        assert abs(v) <= LIMITS.speed and abs(w) <= LIMITS.turn
        assert abs(v) - abs(before[0]) <= LIMITS.acceleration * dt_s + 1e-12
        assert abs(w) - abs(before[1]) <= LIMITS.turn_acceleration * dt_s + 1e-12
        assert v * before[0] >= 0.0 and w * before[1] >= 0.0  # never through zero in one step
        before = (v, w)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_changes_nothing(bad: float) -> None:
    limiter = Limiter(LIMITS)
    before = limiter.step(0.3, 0.3, DT_S)
    for command in ((bad, 0.0), (0.0, bad)):
        with pytest.raises(RefusedCommandError):
            limiter.step(*command, DT_S)
    assert (limiter.linear_m_s, limiter.angular_rad_s) == before


def test_it_reaches_what_is_asked_in_the_time_that_the_acceleration_takes() -> None:
    limiter = Limiter(LIMITS)
    steps = 0
    while limiter.step(0.25, -1.0, DT_S) != (0.25, -1.0):
        steps += 1
    assert steps * DT_S == pytest.approx(0.5, abs=2 * DT_S)


def test_braking_is_never_later_than_asked() -> None:
    limiter = Limiter(LIMITS)
    for _ in range(100):
        limiter.step(0.3, 1.0, DT_S)
    assert limiter.step(0.1, 0.2, DT_S) == (0.1, 0.2)
    assert limiter.step(0.0, 0.0, DT_S) == (0.0, 0.0)


def test_after_a_stop_the_ramp_starts_at_zero() -> None:
    limiter = Limiter(LIMITS)
    for _ in range(100):
        limiter.step(0.3, 1.0, DT_S)
    limiter.stop()
    assert limiter.step(0.3, 1.0, DT_S) == pytest.approx((0.01, 0.04))


@pytest.mark.parametrize("dt_s", [0.1001, 5.0, -0.01, math.nan])
def test_a_gap_in_time_is_a_stop_and_no_leap(dt_s: float) -> None:
    limiter = Limiter(LIMITS)
    for _ in range(100):
        limiter.step(0.3, 1.0, DT_S)
    assert limiter.step(0.3, 1.0, dt_s) == (0.0, 0.0)
    assert limiter.step(0.3, 1.0, DT_S) == pytest.approx((0.01, 0.04))


@pytest.mark.parametrize("dt_s", [0.0, 0.1])
def test_a_step_may_take_no_time_and_up_to_100_ms(dt_s: float) -> None:
    limiter = Limiter(LIMITS)
    for _ in range(100):
        limiter.step(0.3, 1.0, DT_S)
    assert limiter.step(0.3, 1.0, dt_s) == (0.3, 1.0)


@pytest.mark.parametrize(
    ("now", "target", "then"),
    [
        (0.0, 1.0, 0.1),
        (0.0, -1.0, -0.1),
        (0.95, 1.0, 1.0),
        (1.0, 0.0, 0.8),
        (-1.0, -0.5, -0.8),
        (0.1, 0.0, 0.0),
        (0.1, -1.0, 0.0),
        (1.0, -1.0, 0.8),
        (0.5, 0.45, 0.45),
        (-0.5, -0.45, -0.45),
        (-1.0, -0.9, -0.9),
        (-0.95, -1.0, -1.0),
        (-1.0, 1.0, -0.8),
        (-1.0, 0.0, -0.8),
    ],
)
def test_a_ramp_brakes_first_and_accelerates_then(now: float, target: float, then: float) -> None:
    assert ramp(now, target, 0.1, 0.2) == pytest.approx(then)
