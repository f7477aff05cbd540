"""Times as records keep them: RFC 3339 in UTC with milliseconds, so that they sort as text."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from edge.domain.errors import ValidationError

CLOCK_WAS_SET = datetime(2025, 1, 1, tzinfo=UTC)
"""A clock that says an earlier time was never set."""


def format_time(moment: datetime) -> str:
    """`moment` (aware) as records keep it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(time: str, seconds: float) -> str:
    """The time so many seconds after `time`."""
    return format_time(datetime.fromisoformat(time) + timedelta(seconds=seconds))


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def at_library(text: str, zone: tzinfo, *, field: str) -> str:
    """An RFC 3339 time, or one without a zone, which then is the library's, as records keep it.

    Over daylight saving as in RFC 5545: of an hour that comes twice the first is meant; a time in the hour that is
    left out is counted by the offset before it, so 02:30 is 03:30 by the clock on the wall. Raises ValidationError,
    naming `field`.
    """
    try:
        moment = datetime.fromisoformat(text)
        return format_time(moment if moment.tzinfo else moment.replace(tzinfo=zone, fold=0))
    except (ValueError, OverflowError):
        raise ValidationError("NOT_A_LOCAL_TIME", field=field, text=text) from None


def order_at_library(order: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """The same order, its times by `at_library`. Raises ValidationError."""
    times = {
        name: at_library(str(order[name]), zone, field=name)
        for name in ("not_before", "deadline")
        if order.get(name)
    }
    return {**order, **times}


def normal_time(text: str, *, field: str) -> str:
    """Any RFC 3339 time, as records keep it. Raises ValidationError, naming `field`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return format_time(moment)
    except (ValueError, OverflowError):
        pass  # said below, as for a time without a zone
    raise ValidationError("NOT_A_TIME", field=field, text=text)
