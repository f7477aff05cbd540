"""What all bodies share, and the envelopes around them."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from edge.domain.times import format_time

T = TypeVar("T")


class Body(BaseModel):
    """What is sent to us: unknown fields are refused, so that a typing error is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Model(BaseModel):
    """What we answer. Handlers answer records; these models describe them."""

    model_config = ConfigDict(frozen=True)


Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _some(text: str) -> str:
    if not text.strip():
        raise ValueError("EMPTY")
    return text.strip()


# As long as they were sent: what is stripped counts too, as the document says.
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=False),
    AfterValidator(_some),
]
Words = Annotated[
    str, StringConstraints(max_length=2000, strip_whitespace=False), AfterValidator(str.strip)
]
When = Annotated[datetime, PlainSerializer(datetime.isoformat)]
"""A time of an order; without a zone it is the library's."""
Time = Annotated[AwareDatetime, PlainSerializer(format_time)]
"""A time with a zone; kept in UTC."""


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


Unchanged: Any = Field(default=None, json_schema_extra=_without_default)
"""For a field that may be left out and then stays as it is; null is not among its values."""


At = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time in UTC, as it is answered."""


class Meta(Model):
    timestamp: At = Field(examples=["2026-01-31T09:00:00.000Z"])
    request_id: str


class One(Model, Generic[T]):
    success: Literal[True]
    data: T
    meta: Meta


class Deleted(Model):
    deleted: Literal[True]


class Pagination(Model):
    page: int
    limit: int
    total: int
    total_pages: int


class Many(Model, Generic[T]):
    success: Literal[True]
    data: list[T]
    pagination: Pagination
    meta: Meta


class Problem(Model):
    code: str = Field(examples=["NOT_FOUND"])
    message: str
    details: dict[str, Any]


class Failure(Model):
    success: Literal[False]
    error: Problem
    meta: Meta
