"""Catalogue files as libraries export them: MARC21, MARCXML, or CSV with a header. Read as a stream.

A CSV may be Excel's: with a byte order mark, with semicolons or tabs, in UTF-16 or in Windows' Latin letters.
"""

import codecs
import csv
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.domain.errors import SetupError, ValidationError
from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft, isbn13

BadRecord = Callable[[int, str], None]
"""Told of each record that cannot be used: its number, or in a CSV its line, and why."""

SNIFFED_BYTES = 4096
DELIMITERS = (",", ";", "\t")
_FORMULA_GUARD = re.compile(r"^'([=+@-])")
"""What our export puts before a text that a spreadsheet would take for a formula."""
MAX_COPIES = 1000
"""Of one line; more is a column in the wrong place."""


def read_catalogue(
    path: Path, *, on_bad: BadRecord = lambda number, reason: None
) -> Iterator[CatalogueRecord]:
    """The titles in a file, one after the other. Raises SetupError at once where it is no catalogue."""
    try:
        records = open_catalogue(path, on_bad=on_bad)
        first = next(records, None)
    except (OSError, ValidationError) as error:
        raise SetupError(f"{path} is not a catalogue: {error}", hint=_WANTED) from error
    if first is None:
        raise SetupError(f"{path} is not a catalogue: there is no title in it.", hint=_WANTED)
    return itertools.chain([first], records)


def open_catalogue(path: Path, *, on_bad: BadRecord) -> Iterator[CatalogueRecord]:
    """The same where also a file with bad records alone is one. Raises ValidationError."""
    from edge.services import marc  # with pymarc, which only an import needs

    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    # By what is in the file, not by its name.
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<"):
        return marc.read_xml(path, on_bad)
    # A MARC leader: the record's length in five digits, and "45" at its end.
    if head[:5].isdigit() and head[20:22] == b"45":
        return marc.read_binary(path, on_bad)
    encoding = _encoding(path, head)
    dialect = _dialect(head.decode(encoding, "replace"))
    if dialect is None:
        raise ValidationError("NOT_A_CATALOGUE", field="file")
    return _read_csv(path, encoding, dialect, on_bad)


_WANTED = "Give a MARC21 (.mrc), MARCXML or CSV file; a CSV needs a header with a title column."


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    skipped: int
    """Lines before the header: Excel's `sep=;`."""


def _encoding(path: Path, head: bytes) -> str:
    """UTF-8 where all of it is, else what Excel writes on a computer in Western Europe or America."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 16):
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _dialect(head: str) -> _Dialect | None:
    """None where there is no header with a title."""
    lines = head.removeprefix("\ufeff").splitlines()
    skipped = 1 if lines and lines[0].strip().strip('"').casefold().startswith("sep=") else 0
    for header in lines[skipped : skipped + 1]:
        for delimiter in DELIMITERS:
            names = next(csv.reader([header], delimiter=delimiter), [])
            if "title" in (name.strip().casefold() for name in names):
                return _Dialect(delimiter, skipped)
    return None


def _read_csv(
    path: Path, encoding: str, dialect: _Dialect, on_bad: BadRecord
) -> Iterator[CatalogueRecord]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        for _ in range(dialect.skipped):
            file.readline()
        rows = csv.DictReader(file, restval="", delimiter=dialect.delimiter)
        while True:
            try:
                row = next(rows, None)
                if row is None:
                    return
                yield replace(_csv_record(_columns(row)), line=rows.line_num + dialect.skipped)
            except (ValueError, csv.Error) as error:
                on_bad(rows.line_num + dialect.skipped, str(error))


def _columns(row: dict[str | Any, str | Any]) -> dict[str, str]:
    """By lower-case name, without what spreadsheets put around a value."""
    return {
        name.strip().casefold(): _FORMULA_GUARD.sub(r"\1", value.strip())
        for name, value in row.items()
        if isinstance(name, str) and isinstance(value, str)
    }


def _csv_record(columns: dict[str, str]) -> CatalogueRecord:
    """Raises ValueError, in words."""
    if not columns.get("title"):
        raise ValueError("it has no title")
    year = columns.get("publication_year") or columns.get("year")
    isbn = columns.get("isbn") or None
    if isbn is not None and isbn13(isbn.replace("-", "").replace(" ", "").upper()) is None:
        raise ValueError(f"{isbn} is no ISBN")
    draft = BookDraft(
        title=columns["title"],
        author=columns.get("author", ""),
        isbn=isbn,
        publisher=columns.get("publisher") or None,
        publication_year=_whole(year, "year") if year else None,
        description=columns.get("description") or None,
        cover_image_url=columns.get("cover_image_url") or None,
        call_number=columns.get("call_number") or None,
    )
    key = (
        columns.get("book_id")
        or columns.get("id")
        or f"{draft.isbn}/{draft.title}/{draft.author}/{draft.publication_year}"
    )
    copies = _csv_copies(columns)
    book_id = columns.get("book_id") or None
    return CatalogueRecord(draft, copies, source_key("csv", key), book_id=book_id)


def _csv_copies(columns: dict[str, str]) -> tuple[CopyDraft, ...]:
    """As many as there are barcodes, or as the column `copies` says, else one."""
    shelf = columns.get("shelf_location") or columns.get("location") or None
    barcodes = [code.strip() for code in columns.get("barcode", "").split(";") if code.strip()]
    if barcodes:
        return tuple(CopyDraft(barcode, shelf) for barcode in barcodes)
    count = _whole(columns.get("copies") or "1", "number of copies")
    if not 0 <= count <= MAX_COPIES:
        raise ValueError(f"{count} copies cannot be")
    return (CopyDraft(shelf=shelf),) * count


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no {what}") from None


def source_key(kind: str, key: str) -> str:
    """Short, and the same each time."""
    return f"{kind}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
