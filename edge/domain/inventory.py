"""Books and their copies. A book's status is derived from its copies, never stored."""

from collections.abc import Collection
from dataclasses import dataclass, field
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
class CopyDraft:
    """A copy before it has an id. Without a barcode it gets one; without a shelf, one by its call number."""

    barcode: str | None = None
    shelf: str | None = None
    status: CopyStatus = CopyStatus.AVAILABLE


@dataclass(frozen=True, slots=True)
class CatalogueRecord:
    """One title of a catalogue file. `source_key` is the same each time the same record is read.

    `line`: where it stands there, in MARC its number; `book_id`: the book that it was exported from.
    """

    draft: BookDraft
    copies: tuple[CopyDraft, ...]
    source_key: str
    line: int = field(default=0, compare=False)
    book_id: str | None = None


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


BEST_FIRST = (CopyStatus.AVAILABLE, CopyStatus.RESERVED, CopyStatus.CHECKED_OUT)


def book_status(copies: Collection[str]) -> CopyStatus:
    """The best that any copy offers; UNAVAILABLE where there is none."""
    return next((status for status in BEST_FIRST if status in copies), CopyStatus.UNAVAILABLE)


def user_place(user_id: str) -> str:
    """Where a copy is that a person has."""
    return f"user:{user_id}"


def robot_place(robot_id: str) -> str:
    """Where a copy is that lies on the robot's tray."""
    return f"robot:{robot_id}"


def normal_isbn(text: str) -> str:
    """The ISBN-13 without hyphens. Raises ValidationError where the check digit is wrong."""
    found = isbn13(text.replace("-", "").replace(" ", "").upper())
    if found is None:
        raise ValidationError("NOT_AN_ISBN", field="isbn", text=text)
    return found


def isbn13(digits: str) -> str | None:
    """The ISBN-13 of ten or thirteen digits; None where they are no ISBN."""
    if not digits.isascii():
        return None
    if len(digits) == 10 and digits[:9].isdecimal() and _isbn10_is_right(digits):
        return with_check_digit("978" + digits[:9])
    if len(digits) == 13 and digits.isdecimal() and digits == with_check_digit(digits[:12]):
        return digits if digits[:3] in ("978", "979") else None
    return None


def with_check_digit(body: str) -> str:
    """The ISBN-13 whose first twelve digits are `body`."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def _isbn10_is_right(digits: str) -> bool:
    if not (digits[9].isdecimal() or digits[9] == "X"):
        return False
    values = [int(digit) for digit in digits[:9]] + [10 if digits[9] == "X" else int(digits[9])]
    return sum((10 - place) * value for place, value in enumerate(values)) % 11 == 0
