"""Clocks: the machine's, one that tests move by hand, and the hybrid logical clock that orders events."""

import time
from datetime import UTC, datetime, timedelta

from edge.ports import Clock

MAX_DRIFT_MS = 60_000
"""How far ahead of ours another's clock is believed, in ms; beyond that it is clamped and reported."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a time server does."""
        self._now += timedelta(seconds=seconds)


class HybridLogicalClock:
    """Stamps that follow the wall clock but never go back: `milliseconds-counter`, sortable as text.

    Source: Kulkarni et al., Logical Physical Clocks, 2014. One writer at a time may use an instance.
    """

    def __init__(self, clock: Clock, last: str = "") -> None:
        self._clock = clock
        self._ms, self._count = parse_stamp(last) if last else (0, 0)

    @property
    def last(self) -> str:
        """The newest stamp given or witnessed."""
        return format_stamp(self._ms, self._count)

    def tick(self) -> str:
        """The stamp of a new event here."""
        return self._advance(self._wall_ms())

    def witness(self, stamp: str) -> bool:
        """Take note of another's stamp. False where it was too far ahead to be believed, and clamped."""
        ms, count = parse_stamp(stamp)
        limit = self._wall_ms() + MAX_DRIFT_MS
        believed = ms <= limit
        if not believed:
            ms, count = limit, 0
        if (ms, count) > (self._ms, self._count):
            self._ms, self._count = ms, count
        return believed

    def _advance(self, wall_ms: int) -> str:
        if wall_ms > self._ms:
            self._ms, self._count = wall_ms, 0
        else:
            self._count += 1
        return format_stamp(self._ms, self._count)

    def _wall_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def format_stamp(ms: int, count: int) -> str:
    """Fixed width, so that stamps sort as text."""
    return f"{ms:013d}-{count:06d}"


def parse_stamp(stamp: str) -> tuple[int, int]:
    """Milliseconds since 1970 and counter. Raises ValueError."""
    ms, _, count = stamp.partition("-")
    return int(ms), int(count)
