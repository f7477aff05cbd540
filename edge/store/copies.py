"""Physical volumes and where each one is."""

from collections import defaultdict
from collections.abc import Collection

from edge.domain.inventory import Copy, CopyStatus
from edge.store.database import Transaction
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


class Copies(Repository[R_co]):
    def get(self, copy_id: str) -> Copy | None:
        row = self._store.row("SELECT * FROM copy WHERE id = ?", copy_id)
        return None if row is None else _copy(row)

    def by_barcode(self, barcode: str) -> Copy | None:
        row = self._store.row("SELECT * FROM copy WHERE barcode = ?", barcode)
        return None if row is None else _copy(row)

    def of_book(self, book_id: str) -> list[Copy]:
        """The oldest first."""
        sql = "SELECT * FROM copy WHERE book_id = ? ORDER BY created_at, id"
        return [_copy(row) for row in self._store.rows(sql, book_id)]

    def of_each(self, book_ids: Collection[str]) -> dict[str, list[tuple[str, str]]]:
        """Status and home shelf of each book's copies, the oldest first."""
        marks = ", ".join("?" * len(book_ids))
        rows = self._store.rows(
            f"SELECT book_id, status, shelf FROM copy WHERE book_id IN ({marks}) ORDER BY created_at, id",
            *book_ids,
        )
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for book_id, status, shelf in rows:
            found[book_id].append((status, shelf))
        return found

    def first_available(self, book_id: str) -> Copy | None:
        row = self._store.row(
            """SELECT copy.* FROM copy JOIN book ON book.id = book_id
            WHERE book_id = ? AND status = ? AND deleted_at IS NULL
            ORDER BY copy.created_at, copy.id LIMIT 1""",
            book_id,
            CopyStatus.AVAILABLE,
        )
        return None if row is None else _copy(row)

    def title(self, copy_id: str) -> str:
        """Of the book that it is a copy of."""
        return str(
            self._store.value(
                "SELECT title FROM copy JOIN book ON book.id = book_id WHERE copy.id = ?", copy_id
            )
        )

    def is_in_use(self, copy_id: str) -> bool:
        """Whether an open task is about it."""
        return bool(
            self._store.value(
                """SELECT EXISTS (SELECT 1 FROM task
                WHERE copy_id = ? AND phase NOT IN ('COMPLETED', 'FAILED', 'CANCELLED'))""",
                copy_id,
            )
        )

    def add(self: "Copies[Transaction]", copy: Copy, *, shelf: str) -> None:
        self._store.insert(
            "copy",
            id=copy.id,
            book_id=copy.book_id,
            barcode=copy.barcode,
            status=copy.status,
            location=copy.location,
            shelf=shelf,
            created_at=self._store.now,
            updated_at=self._store.now,
        )

    def retire(self: "Copies[Transaction]", book_id: str) -> None:
        """A deleted book's copies stay for the tasks that name them; their barcodes are free again."""
        self._store.execute(
            "UPDATE copy SET barcode = 'deleted ' || id, status = ? WHERE book_id = ?",
            CopyStatus.UNAVAILABLE,
            book_id,
        )

    def erase(self: "Copies[Transaction]", copy_id: str) -> None:
        self._store.execute("DELETE FROM copy WHERE id = ?", copy_id)

    def save(self: "Copies[Transaction]", copy: Copy) -> None:
        self._store.execute(
            "UPDATE copy SET barcode = ?, status = ?, location = ?, version = version + 1,"
            " updated_at = ? WHERE id = ?",
            copy.barcode,
            copy.status,
            copy.location,
            self._store.now,
            copy.id,
        )


def _copy(row: Row) -> Copy:
    return Copy(
        row["id"], row["book_id"], row["barcode"], CopyStatus(row["status"]), row["location"]
    )
