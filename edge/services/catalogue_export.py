"""The catalogue as a CSV that a spreadsheet opens and our own import takes back."""

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from edge.domain.inventory import Book
from edge.services import catalogue
from edge.store.books import EDITABLE, Books
from edge.store.database import Reader

T = TypeVar("T")

PART = 200
"""Books that are read at once: no more are ever in memory."""
HEADER = ("book_id", *EDITABLE, "status", "copies", "barcode", "shelf_location")
FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet would run; a quotation mark before it makes it text."""


def csv_lines(read: Callable[[Callable[[Reader], Any]], Any]) -> Iterator[str]:
    """The file in pieces, each from a view of the store of its own. `read` asks the store."""
    yield "\ufeff" + _lines([HEADER])  # Excel takes a file without the mark for Latin-1
    number = 0
    while True:
        rows, number = read(partial(_part, after=number))
        if not rows:
            return
        yield _lines(rows)


def _part(reader: Reader, after: int) -> tuple[list[tuple[Any, ...]], int]:
    books, number = Books(reader).after(after, PART)
    return [_row(reader, book) for book in books], number


def _row(reader: Reader, book: Book) -> tuple[Any, ...]:
    copies = catalogue.list_copies(reader, book.id)
    fields = (getattr(book, name) for name in EDITABLE)
    barcodes = ";".join(copy.barcode for copy in copies)
    row = (book.id, *fields, book.status, len(copies), barcodes, book.shelf_location)
    return tuple(_safe(value) for value in row)


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _lines(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
