"""The catalogue's search, at a hundred thousand and at a million titles: beside a bare full-text query, and LIKE.

Synthetic titles of words that are as unevenly frequent as real ones. Times are medians of many different queries, warm;
ratios are medians of what took turns.
"""

import bisect
import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Row
from edge.domain.search import words
from edge.domain.users import SYSTEM
from edge.services import catalogue
from edge.store.books import SEARCHED
from edge.store.database import Database, Reader, Transaction, create

LIKE_RATIO = {"rare word": 50.0, "two words": 50.0, "common word": 5.0}
BARE_RATIO = 1.3
CHUNK = 20_000
QUERIES, LIKE_QUERIES = 40, 5
_AT = "2026-01-01T00:00:00.000Z"


def run(place: Path, *, quick: bool) -> list[Row]:
    return [
        row
        for size in ((5_000,) if quick else (100_000, 1_000_000))
        for row in _at_size(place / f"titles-{size}.db", size)
    ]


def _at_size(path: Path, size: int) -> list[Row]:
    create(path)
    database = Database.open(path)
    vocabulary = _Words()
    titles = vocabulary.titles(size)
    while some := list(itertools.islice(titles, CHUNK)):
        database.write(SYSTEM, lambda tx, some=some: _add(tx, some))  # type: ignore[misc]
    rows = [
        row
        for kind, queries in vocabulary.queries().items()
        for row in database.read(lambda r, k=kind, q=queries: _compared(r, size, k, q))  # type: ignore[misc]
    ]
    database.close()
    return rows


def _compared(reader: Reader, size: int, kind: str, queries: list[str]) -> list[Row]:
    bare, ours = _in_turns(
        [lambda q: _bare(reader, q), lambda q: catalogue.search(reader, q=q)], queries
    )
    what = f"9 {size:,} titles, {kind}:"
    rows = [
        Row("titles", f"{what} full-text query alone", statistics.median(bare), "ms"),
        Row("titles", f"{what} the catalogue's search", statistics.median(ours), "ms"),
        Row(
            "titles",
            f"{what} the catalogue's search / query alone",
            _ratio(ours, bare),
            "x",
            BARE_RATIO,
        ),
    ]
    if kind in LIKE_RATIO:
        like, ours = _in_turns(
            [lambda q: _like(reader, q), lambda q: catalogue.search(reader, q=q)],
            queries[:LIKE_QUERIES],
        )
        rows += [
            Row("titles", f"{what} LIKE (peer)", statistics.median(like), "ms"),
            Row(
                "titles",
                f"{what} LIKE / ours",
                _ratio(like, ours),
                "x",
                LIKE_RATIO[kind],
                at_least=True,
            ),
        ]
    return rows


def _bare(reader: Reader, query: str) -> list[Any]:
    match = " AND ".join(f'"{word}"*' for word in words(query))
    weights = ", ".join(map(str, SEARCHED.values()))
    return reader.rows(
        f"""SELECT book.* FROM (SELECT rowid AS number, bm25(book_search, {weights}) AS score FROM book_search
            WHERE book_search MATCH ? ORDER BY score LIMIT 20) AS hit
        JOIN book ON book.number = hit.number ORDER BY hit.score""",
        match,
    )


def _like(reader: Reader, query: str) -> list[Any]:
    parts = query.split()
    wanted = " AND ".join(["(title LIKE ? OR author LIKE ?)"] * len(parts))
    values = [f"%{part}%" for part in parts for _ in range(2)]
    return reader.rows(f"SELECT * FROM book WHERE {wanted} ORDER BY title LIMIT 20", *values)


def _in_turns(searches: Sequence[Callable[[str], object]], queries: list[str]) -> list[list[float]]:
    """Times in ms of each search for each query, warm."""
    took: list[list[float]] = [[] for _ in searches]
    for query in queries:
        for search, times in zip(searches, took, strict=True):
            search(query)
            began = time.perf_counter()
            search(query)
            times.append((time.perf_counter() - began) * 1e3)
    return took


def _ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def _add(tx: Transaction, titles: list[tuple[int, str, str]]) -> None:
    for number, title, author in titles:
        tx.insert(
            "book",
            number=number,
            id=str(number),
            title=title,
            author=author,
            created_at=_AT,
            updated_at=_AT,
        )
        empty = dict.fromkeys(SEARCHED, "")
        tx.insert("book_search", rowid=number, **{**empty, "title": title, "author": author})


class _Words:
    """Of which the n-th is used about 1/n as often as the first."""

    def __init__(self) -> None:
        rng = random.Random(1)
        made: set[str] = set()
        while len(made) < 40_000:
            pieces = rng.choice((1, 2, 2, 3, 3, 4))
            made.add(
                "".join(
                    rng.choice("bcdfghjklmnprstvz") + rng.choice("aeiou") for _ in range(pieces)
                )
            )
            made.add(
                "".join(rng.choice("bcdfghjklmnprstvz") + rng.choice("aeiou") for _ in range(4))
            )
        self._words = sorted(made)
        rng.shuffle(self._words)
        self._sums = list(itertools.accumulate(1 / (n + 3) for n in range(len(self._words))))

    def titles(self, count: int) -> Iterator[tuple[int, str, str]]:
        rng = random.Random(2)
        for number in range(1, count + 1):
            title = " ".join(self._pick(rng) for _ in range(rng.randint(2, 9)))
            yield number, title, f"{self._pick(rng)} {self._pick(rng)}"

    def queries(self) -> dict[str, list[str]]:
        rng = random.Random(3)
        common, middle, rare = self._words[5:60], self._words[200:3000], self._words[3000:20_000]
        return {
            "rare word": [rng.choice(rare) for _ in range(QUERIES)],
            "two words": [f"{rng.choice(common)} {rng.choice(middle)}" for _ in range(QUERIES)],
            "common word": [rng.choice(common) for _ in range(QUERIES)],
            "three letters": [rng.choice(middle)[:3] for _ in range(QUERIES)],
        }

    def _pick(self, rng: random.Random) -> str:
        return self._words[bisect.bisect_left(self._sums, rng.random() * self._sums[-1])]
