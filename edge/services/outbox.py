"""Events for the other side and for the live channels, written with the change that they tell of."""

from typing import Any

from edge.domain.events import Event
from edge.store.database import Reader, Transaction
from edge.store.outbox import Cursors, Outbox

UP = "up"
KEPT_FOR_LIVE = 10_000
"""Delivered events that are kept, so that a client of the live channel finds what it missed."""


def emit(tx: Transaction, type: str, entity: str, entity_id: str, data: dict[str, Any]) -> None:
    """`data` is the whole public record after the change."""
    Outbox(tx).add(type, entity, entity_id, data)


def stream(reader: Reader) -> str:
    """The name of our stream: the robot's id and its store's birth."""
    return Outbox(reader).stream()


def pending(reader: Reader, after: int, limit: int) -> list[Event]:
    """What comes after number `after`, in order."""
    return Outbox(reader).after(after, limit)


def oldest(reader: Reader) -> int | None:
    """The first event that is still kept; None where there is none."""
    return Outbox(reader).oldest()


def newest(reader: Reader) -> int:
    """The number of the last event; 0 where there was none."""
    return Outbox(reader).newest()


def waiting(reader: Reader) -> int:
    """How many events the other side has not committed yet."""
    return newest(reader) - cursor(reader, stream(reader), UP)


def acknowledge(tx: Transaction, through: int) -> None:
    """The other side has committed everything up to `through`."""
    outbox = Outbox(tx)
    through = min(through, outbox.newest())
    Cursors(tx).advance(outbox.stream(), UP, through)
    outbox.forget(through - KEPT_FOR_LIVE)


def cursor(reader: Reader, stream: str, direction: str) -> int:
    """How far `stream` has got: `up` what the other side has of ours, `down` what we have of theirs."""
    return Cursors(reader).through(stream, direction)
