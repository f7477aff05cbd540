"""The catalogue."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import envelope
from api.deps import Everybody, Robot, Staff
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.once import Once
from api.schemas.base import Deleted, Many, One
from api.schemas.books import Availability, Book, BookChange, Copy, CopyChange, NewBook, NewCopy
from api.versions import IfMatch, etag
from edge.domain.inventory import BookDraft, CopyDraft, CopyStatus
from edge.services import catalogue, records

router = APIRouter(prefix="/api/v1/books", tags=["books"])


@router.get("", response_model=Many[Book], summary="Search the catalogue")
async def search(
    _: Everybody,
    robot: Robot,
    paging: Paged,
    q: Annotated[str | None, Query(max_length=200, description="words, or an ISBN")] = None,
    status: CopyStatus | None = None,
    author: Annotated[str | None, Query(max_length=200)] = None,
    location: Annotated[str | None, Query(max_length=200)] = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: catalogue.search(
            reader,
            q=q,
            status=status,
            author=author,
            location=location,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found)


@router.get("/{book_id}", response_model=One[Book], summary="One book")
async def get_book(book_id: str, _: Everybody, robot: Robot) -> Response:
    book = robot.read(lambda reader: catalogue.get(reader, book_id))
    return envelope.one(records.record(book), headers=etag(book.version))


@router.get(
    "/{book_id}/availability", response_model=One[Availability], summary="Where its copies are"
)
async def availability(book_id: str, who: Everybody, robot: Robot) -> Response:
    """Which reader has a copy is for librarians alone."""
    found = robot.read(lambda reader: catalogue.availability(reader, book_id))
    if not who.is_staff:
        for one in found["by_location"]:
            one["location"] = "user" if one["location"].startswith("user:") else one["location"]
    return envelope.one(found)


@router.post("", response_model=One[Book], status_code=201, summary="Add a book")
async def add_book(body: NewBook, who: Staff, once: Once) -> Response:
    draft = BookDraft(**body.model_dump(exclude={"copies"}))
    copies = [_draft(one) for one in body.copies]
    return await once.create(
        who, body, lambda tx: records.record(catalogue.add_book(tx, draft, copies=copies))
    )


@router.post("/{book_id}/copies", response_model=One[Copy], status_code=201, summary="Add a copy")
async def add_copy(book_id: str, body: NewCopy, who: Staff, once: Once) -> Response:
    return await once.create(
        who, body, lambda tx: records.record(catalogue.add_copy(tx, book_id, _draft(body)))
    )


@router.put("/{book_id}", response_model=One[Book], summary="Change a book")
async def update_book(
    book_id: str, body: BookChange, who: Staff, robot: Robot, version: IfMatch
) -> Response:
    changes = body.model_dump(exclude_unset=True)
    book = await robot.write(
        who.actor, lambda tx: catalogue.update_book(tx, book_id, version=version, **changes)
    )
    return envelope.one(records.record(book), headers=etag(book.version))


@router.delete("/{book_id}", response_model=One[Deleted], summary="Remove a book")
async def delete_book(book_id: str, who: Staff, robot: Robot, version: IfMatch) -> Response:
    await robot.write(who.actor, lambda tx: catalogue.delete_book(tx, book_id, version=version))
    return envelope.one({"deleted": True})


@router.put("/copies/{copy_id}", response_model=One[Copy], summary="Change a copy")
async def update_copy(copy_id: str, body: CopyChange, who: Staff, robot: Robot) -> Response:
    changes = body.model_dump(exclude_unset=True)
    copy = await robot.write(who.actor, lambda tx: catalogue.update_copy(tx, copy_id, **changes))
    return envelope.one(records.record(copy))


def _draft(copy: NewCopy) -> CopyDraft:
    return CopyDraft(barcode=copy.barcode, shelf=copy.location)
