"""What the central server tells: applied once, in order, each batch in one transaction with its cursor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.domain.errors import LunaError, StorageFullError
from edge.services import audit, catalogue, requests, users
from edge.store.database import Reader, Transaction
from edge.store.inbox import Rejected, RemoteCommands
from edge.store.outbox import Cursors
from edge.store.sqlite import MISFIT

DOWN = "down"
ACCEPTED = {"status": "ACCEPTED"}

Event = Mapping[str, Any]


def apply_batch(tx: Transaction, stream: str, events: Sequence[Event]) -> int:
    """Apply what is new and without a gap; the number through which all is done.

    An event that cannot be applied is parked with its reason and never holds up those behind it.
    """
    through = Cursors(tx).through(stream, DOWN)
    for event in sorted(events, key=lambda one: int(one["seq"])):
        seq = int(event["seq"])
        if seq <= through:
            continue
        if seq > through + 1:
            break  # a gap: the cursor that goes back as the answer asks for it again
        try:
            reason = _try(tx, event)
        except StorageFullError:
            break  # it comes again when there is room
        if reason is not None:
            Rejected(tx).add(stream, seq, event, reason)
        through = seq
    Cursors(tx).advance(stream, DOWN, through)
    return through


def rejected(reader: Reader, stream: str) -> list[tuple[int, dict[str, Any], str]]:
    """Number, event and reason of what was parked."""
    return Rejected(reader).all(stream)


def register_command(tx: Transaction, command: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether this command comes for the first time, and the answer that it got."""
    commands = RemoteCommands(tx)
    command_id = str(command["command_id"])
    answer = commands.answer(command_id)
    if answer is not None:
        return False, answer
    commands.add(command, ACCEPTED)
    audit.record(tx, f"remote.{command.get('type')}", "command", command_id)
    return True, dict(ACCEPTED)


def first_answer(reader: Reader, command_id: str) -> dict[str, Any] | None:
    """The answer that this command got; None for one that never came."""
    return RemoteCommands(reader).answer(command_id)


def answer_command(tx: Transaction, command_id: str, answer: dict[str, Any]) -> None:
    """What the command came to; given again to whoever sends it again."""
    RemoteCommands(tx).set_answer(command_id, answer)
    audit.record(tx, "remote.answer", "command", command_id, **answer)


def _try(tx: Transaction, event: Event) -> str | None:
    """Apply one event, or say why not, with nothing changed."""
    apply_one = _APPLY.get(str(event.get("type")))
    if apply_one is None:
        return f"unknown type {event.get('type')!r}"
    try:
        with tx.part():
            apply_one(tx, _believed(tx, event), event["data"])
    except StorageFullError:
        raise
    except LunaError as error:
        return f"{error.code}: {error.message}"
    except (KeyError, TypeError, ValueError, AttributeError, *MISFIT) as error:
        return f"malformed: {error!r}"
    return None


def _believed(tx: Transaction, event: Event) -> Event:
    """The event, as of now where its clock is too far ahead to be right."""
    if tx.witness(str(event["hlc"])):
        return event
    audit.record(tx, "sync.clock_ahead", "event", str(event["id"]), hlc=event["hlc"])
    return {**event, "hlc": tx.stamp()}


def _request_created(tx: Transaction, event: Event, data: Mapping[str, Any]) -> None:
    requests.create(
        tx,
        request_id=str(data["id"]),
        user_id=str(data["user_id"]),
        book_id=str(data["book_id"]),
        request_location=str(data["request_location"]),
        notes=data.get("notes"),
        not_before=data.get("not_before"),
        auto_approve=True,
    )


def _request_cancelled(tx: Transaction, event: Event, data: Mapping[str, Any]) -> None:
    requests.cancel(tx, str(data["id"]))


def _user_changed(tx: Transaction, event: Event, data: Mapping[str, Any]) -> None:
    users.merge(tx, str(data["id"]), dict(data), hlc=event["hlc"], origin=str(event["origin"]))


def _book_changed(tx: Transaction, event: Event, data: Mapping[str, Any]) -> None:
    catalogue.merge(tx, str(data["id"]), dict(data), hlc=event["hlc"], origin=str(event["origin"]))


_APPLY: dict[str, Callable[[Transaction, Event, Mapping[str, Any]], None]] = {
    "request.created": _request_created,
    "request.cancelled": _request_cancelled,
    "user.changed": _user_changed,
    "book.changed": _book_changed,
}
