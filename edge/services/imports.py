"""Catalogue files into the catalogue: staged with a preview, committed, and undone as a whole.

A file may have a hundred thousand records, and the store has one writer: all of it goes in parts of PART records, each
a transaction of its own. What a crash cuts off goes on when it is asked for again.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from edge.domain.errors import ConflictError, LunaError, NotFoundError
from edge.domain.imports import Import, ImportRow, ImportStatus, Outcome
from edge.domain.inventory import Book, CatalogueRecord, CopyDraft
from edge.services import audit, catalogue
from edge.services.catalogue_file import open_catalogue
from edge.store.books import Books
from edge.store.copies import Copies
from edge.store.database import Reader, Transaction, new_id
from edge.store.imports import Done, Imports, Staged
from edge.store.paging import Page
from edge.store.repository import check_page

T = TypeVar("T")

Write = Callable[[Callable[[Transaction], T]], T]
"""Does a piece of work in a transaction of its own."""

PART = 50
"""Records a transaction: some 30 ms here, so that nobody else waits long for the writer."""
SHOWN = 100
BAD_SHOWN = 1000
CHANGED_SHOWN = 100
"""Records in one answer at most."""

_Found = CatalogueRecord | tuple[int, str]
"""A record, or where a bad one stands and why it is bad."""


def stage(write: Write[Any], path: Path, file_name: str) -> str:
    """Read the file and write down what would become of each record. The id of the import. Raises ValidationError."""
    import_id = new_id()
    found = _read(path)
    write(lambda tx: Imports(tx).begin(import_id, file_name))
    numbers = itertools.count(1)
    while part := list(itertools.islice(found, PART)):
        write(partial(_stage_part, import_id=import_id, numbers=numbers, part=part))
    write(partial(_finish, import_id=import_id, status=ImportStatus.STAGED, action="import.stage"))
    return import_id


def commit(write: Write[Any], import_id: str) -> None:
    """Take over what is staged; a bad record never stops the good ones. Raises NotFoundError, ConflictError."""
    S = ImportStatus
    write(partial(_begin, import_id=import_id, status=S.COMMITTING, after=(S.STAGED,)))
    while write(partial(_commit_part, import_id=import_id)):
        pass
    write(partial(_finish, import_id=import_id, status=S.COMMITTED, action="import.commit"))


def undo(write: Write[Any], import_id: str) -> None:
    """Take the whole batch back. Raises NotFoundError, and ConflictError with the books that were changed since."""
    S = ImportStatus
    write(partial(_begin, import_id=import_id, status=S.UNDOING, after=(S.COMMITTED,)))
    while write(partial(_undo_part, import_id=import_id)):
        pass
    write(partial(_finish, import_id=import_id, status=S.UNDONE, action="import.undo"))


def get(reader: Reader, import_id: str) -> Import:
    """Raises NotFoundError."""
    found = Imports(reader).get(import_id)
    if found is None:
        raise NotFoundError("NO_SUCH_IMPORT")
    return found


def preview(reader: Reader, import_id: str) -> list[ImportRow]:
    """The first records that are not bad."""
    good = [one for one in Outcome if one is not Outcome.BAD]
    return Imports(reader).rows(import_id, good, SHOWN)


def bad_rows(reader: Reader, import_id: str) -> list[ImportRow]:
    return Imports(reader).rows(import_id, [Outcome.BAD], BAD_SHOWN)


def list_imports(
    reader: Reader,
    *,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "asc",
) -> Page[Import]:
    check_page(page, limit)
    return Imports(reader).page(page=page, limit=limit, sort=sort, order=order)


def _read(path: Path) -> Iterator[_Found]:
    """The records and the bad ones, as they stand in the file. Raises ValidationError at once."""
    bad: list[tuple[int, str]] = []
    records = open_catalogue(path, on_bad=lambda line, why: bad.append((line, why)))

    def both() -> Iterator[_Found]:
        for record in records:
            yield from bad
            bad.clear()
            yield record
        yield from bad

    return both()


def _begin(
    tx: Transaction, import_id: str, status: ImportStatus, after: tuple[ImportStatus, ...]
) -> None:
    found = get(tx, import_id)
    if found.status not in (*after, status):
        raise ConflictError("IMPORT_IS", status=found.status)
    if status is ImportStatus.UNDOING:
        changed = Imports(tx).changed_since(import_id, CHANGED_SHOWN)
        if changed:
            raise ConflictError("IMPORT_CHANGED", book_ids=changed)
    Imports(tx).set_status(import_id, status)


def _finish(tx: Transaction, import_id: str, status: ImportStatus, action: str) -> None:
    Imports(tx).set_status(import_id, status)
    done = get(tx, import_id)
    counts = {"created": done.created, "updated": done.updated, "bad": done.bad}
    audit.record(tx, action, "import", import_id, file_name=done.file_name, **counts)


def _stage_part(
    tx: Transaction, import_id: str, numbers: Iterator[int], part: list[_Found]
) -> None:
    imports = Imports(tx)
    for found in part:
        number = next(numbers)
        if isinstance(found, tuple):
            imports.add_bad(import_id, number, *found)
            continue
        try:
            imports.add(import_id, number, found, _judge(tx, import_id, found))
        except LunaError as error:
            imports.add(import_id, number, found, Outcome.BAD, error.message)


def _judge(tx: Transaction, import_id: str, record: CatalogueRecord) -> Outcome:
    """What would become of it after all that stands before it in the file. Raises LunaError where it is bad."""
    catalogue.check_draft(record.draft)
    book = _known(tx, record)
    _check_barcodes(tx, import_id, record, book)
    before = Imports(tx).same_before(import_id, record.source_key)
    if before is not None:
        new = any(
            Imports(tx).barcode_key(import_id, one.barcode) is None
            for one in record.copies
            if one.barcode is not None
        )
        return Outcome.UPDATED if new or before.draft != record.draft else Outcome.UNCHANGED
    if book is None:
        return Outcome.CREATED
    same = not _changes(book, record) and not _new_copies(tx, book, record)
    return Outcome.UNCHANGED if same else Outcome.UPDATED


def _check_barcodes(
    tx: Transaction, import_id: str, record: CatalogueRecord, book: Book | None
) -> None:
    for barcode in (one.barcode for one in record.copies if one.barcode is not None):
        copy = Copies(tx).by_barcode(barcode)
        key = Imports(tx).barcode_key(import_id, barcode)
        elsewhere = copy is not None and (book is None or copy.book_id != book.id)
        if elsewhere or key not in (None, record.source_key):
            raise ConflictError("BARCODE_OF_ANOTHER", barcode=barcode)


def _commit_part(tx: Transaction, import_id: str) -> bool:
    """Whether there was anything left to do."""
    waiting = Imports(tx).waiting(import_id, PART)
    for staged in waiting:
        try:
            with tx.part():
                outcome, done = _take_over(tx, staged)
        except LunaError as error:
            Imports(tx).set_done(import_id, staged.number, Outcome.BAD, reason=error.message)
        else:
            Imports(tx).set_done(import_id, staged.number, outcome, done=done)
    return bool(waiting)


def _take_over(tx: Transaction, staged: Staged) -> tuple[Outcome, Done | None]:
    record = staged.record
    book = _known(tx, record)
    if book is None:
        new = catalogue.add_book(
            tx, record.draft, copies=record.copies, source_key=record.source_key
        )
        copies = tuple(copy.id for copy in catalogue.list_copies(tx, new.id))
        return Outcome.CREATED, Done(staged.number, new.id, None, new.version, copies)
    changes = _changes(book, record)
    before = {name: getattr(book, name) for name in changes}
    _check_barcodes(tx, "", record, book)
    added = tuple(
        catalogue.add_copy(tx, book.id, copy).id for copy in _new_copies(tx, book, record)
    )
    if changes:
        book = catalogue.update_book(tx, book.id, **changes)
    if not changes and not added:
        return Outcome.UNCHANGED, None
    return Outcome.UPDATED, Done(staged.number, book.id, before, book.version, added)


def _undo_part(tx: Transaction, import_id: str) -> bool:
    done = Imports(tx).done(import_id, PART)
    for one in done:
        if one.before is None:
            catalogue.take_back_book(tx, one.book_id)
        else:
            for copy_id in one.copies:
                catalogue.take_back_copy(tx, copy_id)
            if one.before:
                catalogue.update_book(tx, one.book_id, **one.before)
        Imports(tx).set_undone(import_id, one.number)
    return bool(done)


def _known(tx: Reader, record: CatalogueRecord) -> Book | None:
    """The book that this record is about: by its id, by its source, or by ISBN and title."""
    books = Books(tx)
    found = record.book_id if record.book_id and books.get(record.book_id) else None
    found = found or books.by_source_key(record.source_key)
    if found is None and record.draft.isbn:
        checked = catalogue.check_draft(record.draft)
        found = books.by_isbn_and_title(str(checked["isbn"]), str(checked["title"]))
    return None if found is None else books.get(found)


def _changes(book: Book, record: CatalogueRecord) -> dict[str, Any]:
    """Fields that the record says otherwise. What it does not say stays."""
    checked = catalogue.check_draft(record.draft)
    names = [one.name for one in fields(record.draft)]
    return {n: checked[n] for n in names if checked[n] and checked[n] != getattr(book, n)}


def _new_copies(tx: Reader, book: Book, record: CatalogueRecord) -> list[CopyDraft]:
    """Copies with a barcode that is new; and without one, as many as the record has more than the catalogue."""
    known = catalogue.list_copies(tx, book.id)
    barcodes = {copy.barcode for copy in known}
    named = [one for one in record.copies if one.barcode is not None]
    unnamed = [one for one in record.copies if one.barcode is None]
    missing = len(unnamed) - len(known) if not named else 0
    new = {one.barcode: one for one in named if one.barcode not in barcodes}
    return [*new.values(), *unnamed[: max(0, missing)]]
