"""Times as records keep them: RFC 3339 in UTC with milliseconds, so that they sort as text."""

from datetime import UTC, datetime, timedelta

from edge.domain.errors import ValidationError

RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before this was never set."""


def format_time(moment: datetime) -> str:
    """`moment` (aware) as records keep it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def later(time: str, seconds: float) -> str:
    """The time so many seconds after `time`."""
    return format_time(datetime.fromisoformat(time) + timedelta(seconds=seconds))


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def normal_time(text: str, *, field: str) -> str:
    """Any RFC 3339 time, as records keep it. Raises ValidationError, naming `field`."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return format_time(moment)
    except (ValueError, OverflowError):
        pass  # said below, as for a time without a zone
    raise ValidationError("NOT_A_TIME", field=field, text=text)
