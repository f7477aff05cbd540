"""Titles of the catalogue, and the search in them."""

from collections.abc import Callable
from functools import cache
from operator import itemgetter
from typing import Any

from edge.domain.inventory import BEST_FIRST, Book, BookDraft, CopyStatus, book_status
from edge.domain.search import words
from edge.store.copies import Copies
from edge.store.database import Transaction
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, ordering, page_of
from edge.store.sqlite import Row

RELEVANCE = "relevance"
SORTS = {name: name for name in ("created_at", "title", "author", "publication_year", "updated_at")}
EDITABLE = (
    "isbn",
    "title",
    "author",
    "publisher",
    "publication_year",
    "description",
    "cover_image_url",
    "call_number",
)
SEARCHED = {"title": 10.0, "author": 6.0, "isbn": 20.0, "call_number": 4.0, "publisher": 1.0}
"""What a search looks into, and the weight of a hit there."""
RANKED = 5_000
"""Hits that are put in order: a word that is in more titles than this says little, and each costs a microsecond."""


class Books(Repository[R_co]):
    def get(self, book_id: str) -> Book | None:
        row = self._store.row("SELECT * FROM book WHERE id = ? AND deleted_at IS NULL", book_id)
        return None if row is None else self._with_copies([row])[0]

    def by_source_key(self, source_key: str) -> str | None:
        """The id of the book that this catalogue record became."""
        found = self._store.value("SELECT id FROM book WHERE source_key = ?", source_key)
        return None if found is None else str(found)

    def by_isbn_and_title(self, isbn: str, title: str) -> str | None:
        """The id of the one book with both; volumes of a set may share an ISBN."""
        rows = self._store.rows(
            "SELECT id, title FROM book WHERE isbn = ? AND deleted_at IS NULL LIMIT 50", isbn
        )
        same = [row["id"] for row in rows if words(row["title"]) == words(title)]
        return str(same[0]) if len(same) == 1 else None

    def after(self, number: int, limit: int) -> tuple[list[Book], int]:
        """The books behind that number in the order of their coming, and the last one's number."""
        rows = self._store.rows(
            "SELECT * FROM book WHERE number > ? AND deleted_at IS NULL ORDER BY number LIMIT ?",
            number,
            limit,
        )
        return self._with_copies(rows), rows[-1]["number"] if rows else number

    def search(
        self,
        q: str | None,
        *,
        author: str | None,
        status: CopyStatus | None,
        location: str | None,
        sort: str,
        order: str,
        page: int,
        limit: int,
    ) -> Page[Book]:
        match = _match(q, author)
        by_relevance = q is not None and sort == RELEVANCE
        if match and by_relevance and status is None and location is None:
            return self._best(match, page, limit)
        conditions = [
            ("book_search MATCH ?", match),
            ("deleted_at IS NULL",),
            (f"EXISTS ({_COPIES} AND ? IN (location, shelf))", location),
            *_status_conditions(status),
        ]
        source = "book.* FROM book"
        if match is not None:
            source += " JOIN book_search ON book_search.rowid = book.number"
        rows = page_of(
            self._store,
            source,
            conditions,
            lambda row: row,
            order_by=_RANK if by_relevance else ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )
        return Page(self._with_copies(rows.items), page, limit, rows.total)

    def _best(self, match: str, page: int, limit: int) -> Page[Book]:
        """Ranked by the index alone, in which no removed book is: only those on the page are fetched. Of more hits than
        RANKED, the newest are."""
        before = (page - 1) * limit
        ranked = max(RANKED, before + limit)
        # The numbers as literals: bound, they would have SQLite prepare this anew each time.
        rows = self._store.rows(
            f"""SELECT book.* FROM
                (SELECT * FROM
                    (SELECT rowid AS number, {_SCORE} AS score FROM book_search
                    WHERE book_search MATCH ? ORDER BY rowid DESC LIMIT {ranked:d})
                ORDER BY score, number LIMIT {limit:d} OFFSET {before:d}) AS hit
            JOIN book ON book.number = hit.number ORDER BY score, book.number""",
            match,
        )
        total = before + len(rows)
        if len(rows) == limit or (before and not rows):
            total = self._store.count("FROM book_search WHERE book_search MATCH ?", match)
        return Page(self._with_copies(rows), page, limit, total)

    def is_in_use(self, book_id: str) -> bool:
        """Whether an open request, return or task is about it, or somebody has it."""
        return bool(
            self._store.value(
                """SELECT EXISTS (SELECT 1 FROM task JOIN copy ON copy.id = task.copy_id
                    WHERE copy.book_id = ?1 AND phase NOT IN ('COMPLETED', 'FAILED', 'CANCELLED'))
                OR EXISTS (SELECT 1 FROM request
                    WHERE book_id = ?1 AND status NOT IN ('COMPLETED', 'CANCELLED'))
                OR EXISTS (SELECT 1 FROM copy WHERE book_id = ?1 AND status = 'CHECKED_OUT')""",
                book_id,
            )
        )

    def add(
        self: "Books[Transaction]", book_id: str, draft: BookDraft, source_key: str | None
    ) -> None:
        columns = {name: getattr(draft, name) for name in EDITABLE}
        self._store.insert(
            "book",
            id=book_id,
            source_key=source_key,
            created_at=self._store.now,
            updated_at=self._store.now,
            **columns,
        )
        self._index(self._number(book_id), columns)

    def change(self: "Books[Transaction]", book_id: str, **fields: Any) -> None:
        self._store.update("book", book_id, updated_at=self._store.now, **fields)
        self._store.execute("UPDATE book SET version = version + 1 WHERE id = ?", book_id)
        row = self._store.row("SELECT * FROM book WHERE id = ?", book_id)
        if row is not None:
            self._unindex(row["number"])
            self._index(row["number"], row)

    def remove(self: "Books[Transaction]", book_id: str) -> None:
        """The row stays, for the requests that name it."""
        self._unindex(self._number(book_id))
        self._store.update("book", book_id, deleted_at=self._store.now, source_key=None)

    def erase(self: "Books[Transaction]", book_id: str) -> None:
        """As if it had never been there."""
        self._unindex(self._number(book_id))
        self._store.execute("DELETE FROM book WHERE id = ?", book_id)

    def _number(self, book_id: str) -> int:
        return int(self._store.value("SELECT number FROM book WHERE id = ?", book_id))

    def _index(self: "Books[Transaction]", number: int, values: Any) -> None:
        folded = {name: " ".join(words(values[name] or "")) for name in SEARCHED}
        self._store.insert("book_search", rowid=number, **folded)

    def _unindex(self: "Books[Transaction]", number: int) -> None:
        self._store.execute("DELETE FROM book_search WHERE rowid = ?", number)

    def _with_copies(self, rows: Any) -> list[Book]:
        if not rows:
            return []
        said = _said(tuple(rows[0].keys()))
        copies = Copies(self._store).of_each([row["id"] for row in rows])
        return [_book(*said(row), copies=copies.get(row["id"], [])) for row in rows]


@cache
def _said(columns: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    """What a row says of a book, by position: by name each value is looked for among all."""
    return itemgetter(*map(columns.index, ("id", "version", "created_at", "updated_at", *EDITABLE)))


_COPIES = "SELECT 1 FROM copy WHERE book_id = book.id"
_SCORE = f"bm25(book_search, {', '.join(map(str, SEARCHED.values()))})"
_RANK = f"{_SCORE}, book.number"


def _match(q: str | None, author: str | None) -> str | None:
    """The full-text query: each word quoted, so that nothing in it is syntax, and only begun."""
    parts = []
    if q is not None:
        parts += [f'"{word}"*' for word in words(q)] or ['""']
    if author is not None:
        parts += [f'author : "{word}"*' for word in words(author)] or ['""']
    return " AND ".join(parts) or None


def _status_conditions(status: CopyStatus | None) -> list[tuple[Any, ...]]:
    """What `book_status` means, for the database: a copy of this status, and none of a better one."""
    if status is None:
        return []
    has = f"EXISTS ({_COPIES} AND status = ?)"
    if status not in BEST_FIRST:
        return [(f"NOT {has}", one) for one in BEST_FIRST]
    better = BEST_FIRST[: BEST_FIRST.index(status)]
    return [(has, status), *((f"NOT {has}", one) for one in better)]


def _book(
    book_id: str,
    version: int,
    created: str,
    updated: str,
    *said: Any,
    copies: list[tuple[str, str]],
) -> Book:
    """`said`: as EDITABLE; `copies`: status and shelf of each."""
    free = [shelf for status, shelf in copies if status == CopyStatus.AVAILABLE]
    shelves = free or [shelf for _, shelf in copies]
    status = book_status([status for status, _ in copies])
    shelf = shelves[0] if shelves else None
    rest: tuple[Any, ...] = (status, shelf, len(copies), len(free), version, created, updated)
    return Book(book_id, *said, *rest)
