"""Pages of lists, and the filters' common part."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from api import envelope
from edge.services import records
from edge.store.paging import Page

T = TypeVar("T")


class SortOrder(StrEnum):
    ASC = "asc"
    DESC = "desc"


class Paging(BaseModel):
    page: int = Field(1, ge=1, le=1_000_000)
    limit: int = Field(20, ge=1, le=100)


def many(page: Page[T], record: Callable[[T], dict[str, Any]] = records.record) -> Response:
    """One page as an answer, each item by `record`."""
    return envelope.many(
        [record(one) for one in page.items], page=page.page, limit=page.limit, total=page.total
    )


async def _paging(
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Paging:
    return Paging.model_construct(page=page, limit=limit)


Paged = Annotated[Paging, Depends(_paging)]
Direction = Annotated[SortOrder, Query()]
SortKey = Annotated[str, Query(pattern=r"^[a-z_]{1,40}$")]
