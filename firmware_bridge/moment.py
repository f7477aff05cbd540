"""Now, by both clocks, and how far the stamp of another process may be from it."""

from typing import NamedTuple

FUTURE_S = 0.05
"""How far ahead a stamp may be: one machine has one monotonic clock, so only jitter is allowed."""


class Moment(NamedTuple):
    """Now, by both clocks: `mono` for every decision, `wall` (s since 1970) only for what people
    read."""

    mono: float
    wall: float

    def accepts(self, sent: float, oldest_s: float) -> bool:
        """Whether monotonic time `sent` is at most `oldest_s` ago and not in the future. A NaN is
        neither."""
        return self.mono - oldest_s <= sent <= self.mono + FUTURE_S
