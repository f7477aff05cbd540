"""Looking things up in what the robots told."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from central import tables
from central.inbox import plain
from edge.domain.errors import NotFoundError
from edge.domain.inventory import CopyStatus, book_status

_record = tables.record

FOR_THE_MAIL = "reset_token"
"""Of a notification: central mails it, and shows it to nobody."""


def get(tx: Connection, entity: str, entity_id: str) -> dict[str, Any]:
    """The record. Raises NotFoundError."""
    found = tx.execute(_all(entity).where(_record.c.id == entity_id)).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no such {entity}.")
    return _counted(tx, entity, [_public(found)])[0]


def every(
    tx: Connection, entity: str, *, words: Sequence[str] = (), **columns: str | None
) -> list[dict[str, Any]]:
    """All records of a kind that have these words and values."""
    return [_public(row) for row in tx.execute(_ordered(_filtered(entity, words, columns)))]


def page(
    tx: Connection,
    entity: str,
    *,
    page: int,
    limit: int,
    q: str | None = None,
    **columns: str | None,
) -> tuple[list[dict[str, Any]], int]:
    """One page of the records that have all words of `q`, oldest first, and how many there are in all."""
    query = _filtered(entity, plain(q or "").split(), columns)
    total = tx.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    rows = tx.execute(_ordered(query).limit(limit).offset((page - 1) * limit))
    return _counted(tx, entity, [_public(row) for row in rows]), int(total)


def _counted(tx: Connection, entity: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Books with what is derived from their copies: a robot tells of each copy that moves, not of its book."""
    if entity != "book":
        return found
    copies = select(_record.c.book_id, _record.c.status).where(
        _record.c.entity == "copy",
        _record.c.deleted.is_(False),
        _record.c.book_id.in_([book["id"] for book in found]),
    )
    by_book: dict[str, list[CopyStatus]] = {}
    for row in tx.execute(copies):
        if row.status not in CopyStatus.__members__:
            continue  # of a newer robot, which knows more
        by_book.setdefault(row.book_id, []).append(CopyStatus(row.status))
    return [{**book, **_counts(by_book.get(book["id"], []))} for book in found]


def _counts(copies: list[CopyStatus]) -> dict[str, Any]:
    return {
        "status": book_status(copies),
        "copies_total": len(copies),
        "copies_available": copies.count(CopyStatus.AVAILABLE),
    }


def _all(entity: str) -> Select[Any]:
    query = select(_record.c.id, _record.c.robot_id, _record.c.data, _record.c.created_at)
    return query.where(_record.c.entity == entity, _record.c.deleted.is_(False))


def _filtered(entity: str, words: Sequence[str], columns: Mapping[str, str | None]) -> Select[Any]:
    query = _all(entity)
    for word in words:
        query = query.where(_record.c.words.contains(word, autoescape=True))
    for name, value in columns.items():
        if value is not None:
            query = query.where(_record.c[name] == value)
    return query


def _ordered(query: Select[Any]) -> Select[Any]:
    return query.order_by(_record.c.created_at, _record.c.id)


def _public(row: Any) -> dict[str, Any]:
    """Without what is for its addressee's mailbox alone: whoever reads it could be somebody else."""
    data = row.data
    if isinstance(data.get("data"), dict) and FOR_THE_MAIL in data["data"]:
        kept = {name: value for name, value in data["data"].items() if name != FOR_THE_MAIL}
        data = {**data, "data": kept}
    return {**data, "robot_id": row.robot_id}
