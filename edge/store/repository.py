"""What all repositories share: a view of the store, and pages of what they list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Generic, TypeVar

from edge.domain.errors import ValidationError
from edge.store.database import Reader
from edge.store.paging import Page
from edge.store.sqlite import Row

R_co = TypeVar("R_co", bound=Reader, covariant=True)
T = TypeVar("T")

MAX_LIMIT = 100
"""Rows on a page at most, as the HTTP contract says."""


class Repository(Generic[R_co]):
    """Made with a Reader it reads; made with a Transaction it also changes."""

    def __init__(self, store: R_co) -> None:
        self._store = store


def columns(record: Any) -> dict[str, Any]:
    """Of a dataclass whose fields are those of its table."""
    return {name: getattr(record, name) for name in _names(record.__class__)}


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def page_of(
    reader: Reader,
    source: str,
    conditions: Sequence[tuple[Any, ...]],
    make: Callable[[Row], T],
    *,
    order_by: str,
    page: int,
    limit: int,
) -> Page[T]:
    """One page of `SELECT {source}`; `source` is columns and tables.

    Each of `conditions` is a piece of SQL and the values of its marks; one with a None is left out.
    """
    wanted = [one for one in conditions if None not in one]
    values = [value for _, *values in wanted for value in values]
    columns, _, tables = source.partition(" FROM ")
    where = f"FROM {tables} WHERE {' AND '.join(sql for sql, *_ in wanted) or 'TRUE'}"
    total = reader.count(where, *values)
    rows = reader.rows(
        f"SELECT {columns} {where} ORDER BY {order_by} LIMIT ? OFFSET ?",
        *values,
        limit,
        (page - 1) * limit,
    )
    return Page([make(row) for row in rows], page, limit, total)


def ordering(columns: Mapping[str, str], sort: str, order: str, *, tie: str = "id") -> str:
    """The ORDER BY for a caller's `sort` and `order`, from a list of what may be sorted by.

    Raises ValidationError.
    """
    if sort not in columns:
        raise ValidationError("SORT_BY", field="sort", allowed=list(columns))
    if order not in ("asc", "desc"):
        raise ValidationError("ORDER_WRONG", field="order")
    return f"{columns[sort]} {order}, {tie} {order}"


def check_page(page: int, limit: int) -> None:
    """Raises ValidationError."""
    if page < 1:
        raise ValidationError("PAGE_WRONG", field="page")
    if not 1 <= limit <= MAX_LIMIT:
        raise ValidationError("LIMIT_WRONG", field="limit", most=MAX_LIMIT)
