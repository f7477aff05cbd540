"""A small library of real works for the simulator: the same titles, numbers and copies for the same seed."""

import random
from collections.abc import Iterator
from itertools import islice

from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft, with_check_digit
from edge.services.demo_works import WORKS

TITLES = 500
EDITIONS = (
    ("Everyman Reader", 1906),
    ("Riverside Classics", 1951),
    ("Lantern Press", 1987),
    ("University Texts", 2014),
)
"""Imprints of our own invention, and the year in which each began."""
MAX_COPIES = 3
LAST_YEAR = 2024


def demo_records(seed: int = 1, *, titles: int = TITLES) -> Iterator[CatalogueRecord]:
    """Up to `titles` records: each work once in all its volumes, then again in other editions.

    A copy's shelf is left open: it follows from its call number when it is added.
    """
    chance = random.Random(seed)
    return islice(_editions(chance), titles)


def _editions(chance: random.Random) -> Iterator[CatalogueRecord]:
    works = [[part.strip() for part in line.split("|")] for line in WORKS.strip().splitlines()]
    number = 0
    for edition, (publisher, since) in enumerate(EDITIONS):
        for author, title, written, dewey, volumes in works:
            year = chance.randint(max(since, int(written)), LAST_YEAR)
            for volume in range(1, int(volumes) + 1):
                number += 1
                draft = BookDraft(
                    title=_title(title, volume, int(volumes), edition),
                    author=author,
                    isbn=with_check_digit(f"97999{number:07d}"),
                    publisher=publisher,
                    publication_year=year,
                    call_number=_call_number(dewey, author, volume, int(volumes), year),
                )
                copies = (CopyDraft(),) * chance.randint(1, MAX_COPIES)
                yield CatalogueRecord(draft, copies, f"demo:{number}")


def _title(title: str, volume: int, volumes: int, edition: int) -> str:
    part = f", volume {volume}" if volumes > 1 else ""
    return f"{title}{part}" if edition == 0 else f"{title}{part} ({EDITIONS[edition][0]})"


def _call_number(dewey: str, author: str, volume: int, volumes: int, year: int) -> str:
    surname = author.rpartition(" ")[2][:3].upper()
    part = f" v.{volume}" if volumes > 1 else ""
    return f"{dewey} {surname} {year}{part}"
