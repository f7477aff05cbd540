"""Catalogue files as libraries export them: MARC21, MARCXML, or CSV with a header. Read as a stream."""

import csv
import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.domain.errors import SetupError
from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft, isbn13

BadRecord = Callable[[int, str], None]
"""Told of each record that cannot be used: its number, or in a CSV its line, and why."""

SNIFFED_BYTES = 4096
MAX_COPIES = 1000
"""Of one line; more is a column in the wrong place."""


def read_catalogue(
    path: Path, *, on_bad: BadRecord = lambda number, reason: None
) -> Iterator[CatalogueRecord]:
    """The titles in a file, one after the other. Raises SetupError at once where it is no catalogue."""
    try:
        records = _reader(path)(path, on_bad)
        first = next(records, None)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SetupError(f"{path} is not a catalogue: {error}.", hint=_WANTED) from error
    if first is None:
        raise SetupError(f"{path} is not a catalogue: there is no title in it.", hint=_WANTED)
    return itertools.chain([first], records)


_WANTED = "Give a MARC21 (.mrc), MARCXML or CSV file; a CSV needs a header with a title column."

_Reader = Callable[[Path, BadRecord], Iterator[CatalogueRecord]]


def _reader(path: Path) -> _Reader:
    """By what is in the file, not by its name."""
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    from edge.services import marc  # with pymarc, which only an import needs

    if text.startswith(b"<"):
        return marc.read_xml
    # A MARC leader: the record's length in five digits, and "45" at its end.
    if text[:5].isdigit() and text[20:22] == b"45":
        return marc.read_binary
    header = next(csv.reader([text.split(b"\n", 1)[0].decode("utf-8", "replace")]), [])
    if "title" in (name.strip().casefold() for name in header):
        return _read_csv
    raise SetupError(f"{path} is not a catalogue.", hint=_WANTED)


def _read_csv(path: Path, on_bad: BadRecord) -> Iterator[CatalogueRecord]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, restval="")
        for row in rows:
            columns = {
                name.strip().casefold(): value.strip()
                for name, value in row.items()
                if isinstance(name, str) and isinstance(value, str)
            }
            try:
                yield _csv_record(columns)
            except ValueError as error:
                on_bad(rows.line_num, str(error))


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
    key = columns.get("id") or f"{draft.isbn}/{draft.title}/{draft.author}/{draft.publication_year}"
    return CatalogueRecord(draft, _csv_copies(columns), source_key("csv", key))


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
