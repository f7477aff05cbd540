"""What the robots tell: each batch is applied in one transaction with its cursor, whatever is in it."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select, tuple_
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
    fresh = _next_in_order(stream, events, through)
    if not fresh:
        return Ack(stream=stream, through=through)
    good, parked = _sort_out(tx, fresh)
    if good:
        rows = [_ledger_row(robot_id, event, raw) for event, raw in good]
        tx.execute(insert(tables.event), rows)
        put_records(tx, _merge(tx, robot_id, [event for event, _ in good]))
    if parked:
        tx.execute(
            insert(tables.rejected), [_parked_row(stream, raw, reason) for raw, reason in parked]
        )
    through = int(fresh[-1]["seq"])
    _set_through(tx, robot_id, stream, through)
    said = [
        Rejected(seq=raw["seq"], id=str(raw.get("id", "")), reason=reason) for raw, reason in parked
    ]
    return Ack(stream=stream, through=through, rejected=said)


def position(tx: Connection, stream: str) -> Ack:
    """How far we are with `stream`."""
    return Ack(stream=stream, through=_through(tx, stream))


def _next_in_order(stream: str, events: list[dict[str, Any]], through: int) -> list[dict[str, Any]]:
    """Those that come right after `through`, up to the first gap."""
    found: list[dict[str, Any]] = []
    for raw in events:
        if raw.get("stream") != stream or raw.get("seq") != through + len(found) + 1:
            continue
        found.append(raw)
    return found


def _sort_out(
    tx: Connection, events: list[dict[str, Any]]
) -> tuple[list[tuple[Event, dict[str, Any]]], list[tuple[dict[str, Any], str]]]:
    """Those that can be applied, and the others with the reason."""
    ids = [str(raw.get("id", "")) for raw in events]
    seen = set(tx.execute(select(tables.event.c.id).where(tables.event.c.id.in_(ids))).scalars())
    good, parked = [], []
    for raw in events:
        try:
            event = Event.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            parked.append((raw, f"malformed: {'.'.join(map(str, first['loc']))}: {first['msg']}"))
            continue
        if event.entity not in ENTITIES:
            parked.append((raw, f"unknown entity {event.entity!r}"))
        elif event.id in seen:
            parked.append((raw, "an event with this id came before"))
        else:
            seen.add(event.id)
            good.append((event, raw))
    return good, parked


def _merge(tx: Connection, robot_id: str, events: list[Event]) -> list[dict[str, Any]]:
    """The records after `events`. The robot owns what it tells of, and tells it in order: the newest is the truth."""
    wanted = {(event.entity, event.entity_id) for event in events}
    keys = tuple_(tables.record.c.entity, tables.record.c.id)
    query = select(tables.record.c.entity, tables.record.c.id, tables.record.c.data)
    known = {(row.entity, row.id): row.data for row in tx.execute(query.where(keys.in_(wanted)))}
    rows = {}
    for event in events:
        key = (event.entity, event.entity_id)
        known[key] = {**known.get(key, {}), **event.data}
        rows[key] = _row(*key, robot_id, known[key], deleted=event.type.endswith(".deleted"))
    return list(rows.values())


def put_record(
    tx: Connection, *, entity: str, entity_id: str, robot_id: str, data: Mapping[str, Any]
) -> None:
    """Write a record as it is now."""
    put_records(tx, [_row(entity, entity_id, robot_id, data, deleted=False)])


def put_records(tx: Connection, rows: list[dict[str, Any]]) -> None:
    new = insert(tables.record)
    changed = {name: new.excluded[name] for name in rows[0] if name not in ("entity", "id")}
    tx.execute(new.on_conflict_do_update(index_elements=["entity", "id"], set_=changed), rows)


def _row(
    entity: str, entity_id: str, robot_id: str, data: Mapping[str, Any], *, deleted: bool
) -> dict[str, Any]:
    return {
        "entity": entity,
        "id": entity_id,
        "robot_id": robot_id,
        "data": {**data, "id": entity_id},
        "deleted": deleted,
        "user_id": _text(data.get("user_id")),
        "book_id": _text(data.get("book_id")),
        "status": _text(data.get("status")),
        "words": searchable(data),
        "created_at": next((str(data[name]) for name in CREATED if data.get(name)), timestamp()),
    }


def _ledger_row(robot_id: str, event: Event, raw: dict[str, Any]) -> dict[str, Any]:
    columns = ("stream", "seq", "id", "type", "entity", "entity_id")
    return {**{name: getattr(event, name) for name in columns}, "robot_id": robot_id, "body": raw}


def _parked_row(stream: str, raw: dict[str, Any], reason: str) -> dict[str, Any]:
    return {
        "stream": stream,
        "seq": raw["seq"],
        "id": str(raw.get("id", "")),
        "reason": reason,
        "body": raw,
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


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
