"""Books and their copies. A book's status is derived from its copies, never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from edge.domain.errors import ValidationError


class CopyStatus(StrEnum):
    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    CHECKED_OUT = "CHECKED_OUT"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class BookDraft:
    """What a catalogue record says of a book, before it has an id."""

    title: str
    author: str = ""
    isbn: str | None = None
    publisher: str | None = None
    publication_year: int | None = None
    description: str | None = None
    cover_image_url: str | None = None
    call_number: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
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
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Copy:
    """One physical volume. `location` is a waypoint's code, `user:<id>` or `robot:<id>`."""

    id: str
    book_id: str
    barcode: str
    status: CopyStatus
    location: str


def book_status(copies: Collection[CopyStatus]) -> CopyStatus:
    """The best that any copy offers; UNAVAILABLE where there is none."""
    order = (CopyStatus.AVAILABLE, CopyStatus.RESERVED, CopyStatus.CHECKED_OUT)
    return next((status for status in order if status in copies), CopyStatus.UNAVAILABLE)


def normal_isbn(text: str) -> str:
    """The ISBN-13 without hyphens. Raises ValidationError where the check digit is wrong."""
    digits = text.replace("-", "").replace(" ", "").upper()
    if len(digits) == 10 and digits[:9].isdecimal() and _isbn10_is_right(digits):
        body = "978" + digits[:9]
        return body + _isbn13_check(body)
    if len(digits) == 13 and digits.isdecimal() and digits[12] == _isbn13_check(digits[:12]):
        return digits
    said = f"{text!r} is no ISBN: its length or check digit is wrong."
    raise ValidationError(said, fields={"isbn": [said]})


def _isbn10_is_right(digits: str) -> bool:
    if not (digits[9].isdecimal() or digits[9] == "X"):
        return False
    values = [int(digit) for digit in digits[:9]] + [10 if digits[9] == "X" else int(digits[9])]
    return sum((10 - place) * value for place, value in enumerate(values)) % 11 == 0


def _isbn13_check(body: str) -> str:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return str(-total % 10)
