"""The catalogue."""

from pydantic import Field

from api.schemas.base import At, Body, Model, Text, Unchanged, Words
from edge.domain.inventory import CopyStatus


class NewCopy(Body):
    barcode: Text | None = None
    location: Text | None = Field(None, description="the shelf where it belongs")


class NewBook(Body):
    title: Text
    author: Text
    isbn: Text | None = None
    publisher: Text | None = None
    publication_year: int | None = Field(None, ge=-3000, le=3000)
    description: Words | None = None
    cover_image_url: Text | None = None
    call_number: Text | None = None
    copies: list[NewCopy] = Field(default_factory=list, max_length=1000)


class BookChange(Body):
    """What is left out stays as it is."""

    title: Text = Unchanged
    author: Text = Unchanged
    isbn: Text | None = None
    publisher: Text | None = None
    publication_year: int | None = Field(None, ge=-3000, le=3000)
    description: Words | None = None
    cover_image_url: Text | None = None
    call_number: Text | None = None


class CopyChange(Body):
    """What is left out stays as it is."""

    barcode: Text | None = None
    status: CopyStatus | None = None
    location: Text | None = None


class Book(Model):
    id: str
    isbn: str | None
    title: str
    author: str
    publisher: str | None
    publication_year: int | None
    description: str | None
    cover_image_url: str | None
    call_number: str | None
    status: CopyStatus
    shelf_location: str | None
    copies_total: int
    copies_available: int
    version: int
    created_at: At
    updated_at: At


class Count(Model):
    location: str = Field(description="a place's code, a shelf, `user` or a robot")
    status: CopyStatus
    count: int


class Availability(Model):
    book_id: str
    status: CopyStatus
    copies_total: int
    copies_available: int
    by_status: dict[CopyStatus, int] = Field(examples=[{"AVAILABLE": 1}])
    by_location: list[Count]


class Copy(Model):
    id: str
    book_id: str
    barcode: str
    status: CopyStatus
    location: str
