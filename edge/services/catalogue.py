"""Books and their copies."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from edge.domain.errors import ConflictError, LunaError, NotFoundError, ValidationError
from edge.domain.inventory import (
    Book,
    BookDraft,
    CatalogueRecord,
    Copy,
    CopyDraft,
    CopyStatus,
    normal_isbn,
)
from edge.domain.shelving import shelf_for
from edge.domain.waypoints import WaypointKind
from edge.services import audit, outbox, places
from edge.services.merging import accept_fields, check_version, stamp_fields
from edge.services.records import record
from edge.store.books import EDITABLE, RELEVANCE, Books
from edge.store.copies import Copies
from edge.store.database import Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page

NO_SHELF = "UNSHELVED"
"""Where a copy is in a library without shelves."""


def add_book(
    tx: Transaction,
    draft: BookDraft,
    *,
    copies: Sequence[CopyDraft] = (),
    source_key: str | None = None,
) -> Book:
    """Raises ValidationError for a wrong ISBN or no title, ConflictError for a barcode that is taken."""
    tx.need_room()
    checked = check_draft(draft)
    book_id = new_id()
    Books(tx).add(book_id, BookDraft(**checked), source_key)
    for copy in copies:
        _add_copy(tx, book_id, copy, checked["call_number"])
    audit.record(tx, "book.add", "book", book_id, title=checked["title"])
    return _changed(tx, book_id)


def add_records(
    tx: Transaction,
    records: Iterable[CatalogueRecord],
    *,
    on_bad: Callable[[CatalogueRecord, str], None] = lambda record, reason: None,
) -> int:
    """Add those that are not in the catalogue yet, by their source key; how many that were.

    `on_bad` is told of each that cannot be added; it leaves nothing behind and stops nobody.
    """
    tx.need_room()
    added = 0
    for one in records:
        if Books(tx).by_source_key(one.source_key) is not None:
            continue
        try:
            with tx.part():
                add_book(tx, one.draft, copies=one.copies, source_key=one.source_key)
        except LunaError as error:
            on_bad(one, error.message)
        else:
            added += 1
    return added


def get(reader: Reader, book_id: str) -> Book:
    """Raises NotFoundError."""
    book = Books(reader).get(book_id)
    if book is None:
        raise NotFoundError("NO_SUCH_BOOK")
    return book


def search(
    reader: Reader,
    *,
    q: str | None = None,
    status: CopyStatus | None = None,
    author: str | None = None,
    location: str | None = None,
    sort: str = "created_at",
    order: str = "asc",
    page: int = 1,
    limit: int = 20,
) -> Page[Book]:
    """Books that fit everything given. With `q`, the most fitting come first unless another sort is asked for."""
    check_page(page, limit)
    q = q if q and q.strip() else None
    if sort == RELEVANCE and q is None:
        sort = "created_at"
    elif sort == "created_at" and q is not None:
        sort = RELEVANCE
    return Books(reader).search(
        q,
        author=author if author and author.strip() else None,
        status=status,
        location=location,
        sort=sort,
        order=order,
        page=page,
        limit=limit,
    )


def availability(reader: Reader, book_id: str) -> dict[str, Any]:
    """How many copies there are of each status, and of each status at each place."""
    book = get(reader, book_id)
    copies = list_copies(reader, book_id)
    places_of = Counter((copy.location, copy.status) for copy in copies)
    return {
        "book_id": book.id,
        "status": book.status.value,
        "copies_total": book.copies_total,
        "copies_available": book.copies_available,
        "by_status": dict(Counter(copy.status.value for copy in copies)),
        "by_location": [
            {"location": location, "status": status.value, "count": count}
            for (location, status), count in sorted(places_of.items())
        ],
    }


def update_book(
    tx: Transaction, book_id: str, *, version: int | None = None, **fields: Any
) -> Book:
    """Change some fields. With `version`, only if nobody else has changed the book since."""
    book = get(tx, book_id)
    check_version(book.version, version)
    wanted = _checked(fields)
    changed = {name: value for name, value in wanted.items() if getattr(book, name) != value}
    if not changed:
        return book
    stamp_fields(tx, "book", book_id, changed)
    Books(tx).change(book_id, **changed)
    audit.record(tx, "book.update", "book", book_id, fields=sorted(changed))
    return _changed(tx, book_id)


def merge(tx: Transaction, book_id: str, fields: dict[str, Any], *, hlc: str, origin: str) -> Book:
    """Take over another side's change of a book that we have. Raises NotFoundError, ValidationError."""
    get(tx, book_id)
    known = _checked({name: value for name, value in fields.items() if name in EDITABLE})
    newer = accept_fields(tx, "book", book_id, known, hlc=hlc, origin=origin)
    if newer:
        Books(tx).change(book_id, **newer)
        audit.record(tx, "book.update", "book", book_id, fields=sorted(newer))
    return get(tx, book_id)


def delete_book(tx: Transaction, book_id: str, *, version: int | None = None) -> None:
    """Raises ConflictError while a request, a task or a reader has it."""
    book = get(tx, book_id)
    check_version(book.version, version)
    if Books(tx).is_in_use(book_id):
        raise ConflictError("BOOK_IN_HANDS")
    Books(tx).remove(book_id)
    Copies(tx).retire(book_id)
    audit.record(tx, "book.delete", "book", book_id, title=book.title)
    outbox.emit(tx, "book.deleted", "book", book_id, {"id": book_id})


def check_draft(draft: BookDraft) -> dict[str, Any]:
    """Its fields as they would be kept. Raises ValidationError."""
    return _checked({field.name: getattr(draft, field.name) for field in fields_of(draft)})


def take_back_book(tx: Transaction, book_id: str) -> None:
    """As if this book, which nobody has touched, had never been added: its barcodes are free again."""
    for copy in list_copies(tx, book_id):
        take_back_copy(tx, copy.id)
    Books(tx).erase(book_id)
    audit.record(tx, "book.delete", "book", book_id)
    outbox.emit(tx, "book.deleted", "book", book_id, {"id": book_id})


def take_back_copy(tx: Transaction, copy_id: str) -> None:
    """The same for a copy."""
    Copies(tx).erase(copy_id)
    outbox.emit(tx, "copy.deleted", "copy", copy_id, {"id": copy_id})


def add_copy(tx: Transaction, book_id: str, draft: CopyDraft) -> Copy:
    """Raises NotFoundError, and ConflictError where the barcode is taken."""
    copy = _add_copy(tx, book_id, draft, get(tx, book_id).call_number)
    audit.record(tx, "copy.add", "copy", copy.id, barcode=copy.barcode)
    _changed(tx, book_id)
    return copy


def get_copy(reader: Reader, copy_id: str) -> Copy:
    """Raises NotFoundError."""
    copy = Copies(reader).get(copy_id)
    if copy is None:
        raise NotFoundError("NO_SUCH_COPY")
    return copy


def list_copies(reader: Reader, book_id: str) -> list[Copy]:
    return Copies(reader).of_book(book_id)


def update_copy(
    tx: Transaction,
    copy_id: str,
    *,
    barcode: str | None = None,
    status: CopyStatus | None = None,
    location: str | None = None,
) -> Copy:
    """A person says how it is. Raises ConflictError while the robot or a request has it."""
    copy = get_copy(tx, copy_id)
    if barcode is not None and barcode != copy.barcode and Copies(tx).by_barcode(barcode):
        raise ConflictError("BARCODE_TAKEN", barcode=barcode)
    if Copies(tx).is_in_use(copy_id):
        raise ConflictError("COPY_IN_TASK")
    changed = replace(
        copy,
        barcode=barcode or copy.barcode,
        status=status or copy.status,
        location=location or copy.location,
    )
    audit.record(tx, "copy.update", "copy", copy_id, status=changed.status)
    return move_copy(tx, copy, changed)


def move_copy(tx: Transaction, before: Copy, after: Copy) -> Copy:
    """Write down that a copy is elsewhere or has another status, and tell it."""
    if after == before:
        return after
    Copies(tx).save(after)
    kind = "copy.changed" if after.location == before.location else "copy.moved"
    moved = {"from": before.location, "to": after.location, "by": tx.actor.id}
    outbox.emit(tx, kind, "copy", after.id, {**record(after), **moved})
    return after


def _add_copy(tx: Transaction, book_id: str, draft: CopyDraft, call_number: str | None) -> Copy:
    copy_id = new_id()
    barcode = draft.barcode or f"L{copy_id.replace('-', '').upper()}"
    if Copies(tx).by_barcode(barcode) is not None:
        raise ConflictError("BARCODE_TAKEN", barcode=barcode)
    shelves = [shelf for shelf in places.waypoints(tx, WaypointKind.SHELF) if shelf.is_active]
    shelf = draft.shelf or shelf_for(call_number, shelves) or NO_SHELF
    copy = Copy(copy_id, book_id, barcode, draft.status, shelf)
    Copies(tx).add(copy, shelf=shelf)
    outbox.emit(tx, "copy.changed", "copy", copy.id, record(copy))
    return copy


def _changed(tx: Transaction, book_id: str) -> Book:
    book = get(tx, book_id)
    outbox.emit(tx, "book.changed", "book", book_id, record(book))
    return book


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are kept. Raises ValidationError."""
    unknown = {name: ["BOOK_NO_FIELD"] for name in fields if name not in EDITABLE}
    if unknown:
        raise ValidationError("BOOK_NO_FIELD", fields=unknown)
    kept = {name: _composed(value) for name, value in fields.items()}
    if not kept.get("title", "untouched"):
        raise ValidationError("BOOK_NO_TITLE", field="title")
    if kept.get("isbn"):
        kept["isbn"] = normal_isbn(kept["isbn"])
    return kept


def _composed(value: Any) -> Any:
    """One form for the same letters, whichever way a catalogue wrote them."""
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value
