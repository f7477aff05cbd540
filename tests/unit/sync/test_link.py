"""When a lost connection is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from sync.link import FIRST_BACKOFF_S, LONGEST_BACKOFF_S, backoff_s

CHANCE = st.floats(0, 1)


@given(st.integers(0, 10_000), CHANCE)
def test_the_wait_is_never_longer_than_the_cap_nor_nothing(attempt: int, chance: float) -> None:
    assert FIRST_BACKOFF_S / 2 <= backoff_s(attempt, chance) <= LONGEST_BACKOFF_S


@given(st.integers(0, 10))
def test_those_who_failed_together_do_not_come_back_together(attempt: int) -> None:
    assert backoff_s(attempt, 1.0) == 2 * backoff_s(attempt, 0.0)


def test_it_waits_longer_after_each_failure() -> None:
    waits = [backoff_s(attempt, 0.5) for attempt in range(6)]
    assert waits == sorted(waits) and len(set(waits)) == 6
