"""The hybrid logical clock: it follows the wall clock and never goes back."""

from hypothesis import given
from hypothesis import strategies as st

from edge.clock import MAX_DRIFT_MS, HybridLogicalClock, ManualClock, format_stamp, parse_stamp

NOW_MS = 1767225600000
"""Where a ManualClock begins."""


def test_stamps_follow_the_wall_clock() -> None:
    clock = ManualClock()
    logical = HybridLogicalClock(clock)
    assert parse_stamp(logical.tick()) == (NOW_MS, 0)
    clock.advance(1.5)
    assert parse_stamp(logical.tick()) == (NOW_MS + 1500, 0)


@given(st.lists(st.integers(-(10**6), 10**6), max_size=30))
def test_stamps_grow_however_the_wall_clock_jumps(jumps: list[int]) -> None:
    clock = ManualClock()
    logical = HybridLogicalClock(clock)
    stamps = [logical.tick()]
    for seconds in jumps:
        clock.jump(seconds)
        stamps.append(logical.tick())
    assert stamps == sorted(set(stamps))


def test_a_clock_goes_on_after_a_restart_in_the_past() -> None:
    last = format_stamp(NOW_MS + 5000, 7)
    logical = HybridLogicalClock(ManualClock(), last)
    assert logical.tick() == format_stamp(NOW_MS + 5000, 8)


def test_what_comes_after_a_message_is_later_than_it() -> None:
    logical = HybridLogicalClock(ManualClock())
    theirs = format_stamp(NOW_MS + 2000, 3)
    assert logical.witness(theirs)
    assert logical.tick() > theirs


def test_an_old_message_changes_nothing() -> None:
    logical = HybridLogicalClock(ManualClock())
    first = logical.tick()
    assert logical.witness(format_stamp(5, 0))
    assert logical.last == first


def test_a_clock_too_far_ahead_is_clamped_and_said() -> None:
    logical = HybridLogicalClock(ManualClock())
    assert logical.witness(format_stamp(NOW_MS + MAX_DRIFT_MS, 0))
    assert not logical.witness(format_stamp(NOW_MS + MAX_DRIFT_MS + 1, 999))
    assert parse_stamp(logical.tick()) == (NOW_MS + MAX_DRIFT_MS, 1)


@given(st.integers(0, 9_999_999_999_998), st.integers(0, 999999))
def test_a_stamp_reads_back_and_sorts_as_text(ms: int, count: int) -> None:
    assert parse_stamp(format_stamp(ms, count)) == (ms, count)
    assert format_stamp(ms, count) < format_stamp(ms + 1, 0)


def test_a_manual_clock_jumps_without_time_passing() -> None:
    clock = ManualClock()
    clock.jump(60)
    assert clock.monotonic() == 0.0
    clock.advance(2)
    assert clock.monotonic() == 2.0
