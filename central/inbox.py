"""What the robots tell: each batch is applied in one transaction with its cursor, whatever is in it."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from central import tables
from central.store import timestamp
from sync.wire.envelope import Ack, Event, Rejected

ENTITIES = frozenset(
    (
        "book",
        "command",
        "copy",
        "notification",
        "request",
        "return",
        "robot",
        "site",
        "stop",
        "task",
    )
) | {"user", "waypoint"}
CREATED = ("created_at", "requested_at", "initiated_at", "at")
"""The fields that may tell when a record was made, by kind of record."""


def apply_batch(tx: Connection, robot_id: str, stream: str, events: list[dict[str, Any]]) -> Ack:
    """Apply what is new of `events`, and say how far we are. Stops before a gap: the robot then sends it again.

    An event that cannot be applied is parked with the reason; those behind it are not held up.
    """
    through = _through(tx, stream)
    parked: list[Rejected] = []
    for raw in events:
        seq = raw.get("seq")
        if not isinstance(seq, int) or raw.get("stream") != stream or seq <= through:
            continue
        if seq != through + 1:
            break
        through = seq
        reason = _take(tx, robot_id, raw)
        if reason:
            parked.append(Rejected(seq=seq, id=str(raw.get("id", "")), reason=reason))
            row = {
                "stream": stream,
                "seq": seq,
                "id": str(raw.get("id", "")),
                "reason": reason,
                "body": raw,
            }
            tx.execute(insert(tables.rejected).values(row))
    _set_through(tx, robot_id, stream, through)
    return Ack(stream=stream, through=through, rejected=parked)


def position(tx: Connection, stream: str) -> Ack:
    """How far we are with `stream`."""
    return Ack(stream=stream, through=_through(tx, stream))


def _take(tx: Connection, robot_id: str, raw: dict[str, Any]) -> str:
    """Apply one event; the reason where that is not possible."""
    try:
        event = Event.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        return f"malformed: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    if event.entity not in ENTITIES:
        return f"unknown entity {event.entity!r}"
    row = {
        **event.model_dump(include={"stream", "seq", "id", "type", "entity", "entity_id"}),
        "robot_id": robot_id,
        "body": raw,
    }
    if tx.execute(insert(tables.event).values(row).on_conflict_do_nothing()).rowcount == 0:
        return "an event with this id came before"
    _apply(tx, robot_id, event)
    return ""


def _apply(tx: Connection, robot_id: str, event: Event) -> None:
    """The robot owns what it tells of, and its events come in order: the newest is the truth."""
    known = tx.execute(
        select(tables.record.c.data).where(
            tables.record.c.entity == event.entity, tables.record.c.id == event.entity_id
        )
    ).scalar()
    put_record(
        tx,
        entity=event.entity,
        entity_id=event.entity_id,
        robot_id=robot_id,
        data={**(known or {}), **event.data},
        deleted=event.type.endswith(".deleted"),
    )


def put_record(
    tx: Connection,
    *,
    entity: str,
    entity_id: str,
    robot_id: str,
    data: Mapping[str, Any],
    deleted: bool = False,
) -> None:
    """Write a record as it is now."""
    values = {
        "entity": entity,
        "id": entity_id,
        "robot_id": robot_id,
        "data": {**data, "id": entity_id},
        "deleted": deleted,
        "user_id": data.get("user_id"),
        "book_id": data.get("book_id"),
        "status": data.get("status"),
        "words": searchable(data),
        "created_at": next((str(data[name]) for name in CREATED if data.get(name)), timestamp()),
    }
    changed = {name: value for name, value in values.items() if name not in ("entity", "id")}
    row = insert(tables.record).values(values)
    tx.execute(row.on_conflict_do_update(index_elements=["entity", "id"], set_=changed))


def searchable(data: Mapping[str, Any]) -> str:
    """The words of a record that people search by, without case and accents."""
    names = ("title", "author", "isbn", "call_number", "email", "first_name", "last_name")
    return plain(" ".join(str(data[name]) for name in names if data.get(name)))


def plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _through(tx: Connection, stream: str) -> int:
    found = tx.execute(
        select(tables.cursor.c.through).where(tables.cursor.c.stream == stream)
    ).scalar()
    return int(found or 0)


def _set_through(tx: Connection, robot_id: str, stream: str, through: int) -> None:
    row = insert(tables.cursor).values(stream=stream, robot_id=robot_id, through=through)
    tx.execute(row.on_conflict_do_update(index_elements=["stream"], set_={"through": through}))
