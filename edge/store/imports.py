"""Catalogue files that are staged or were taken over, record by record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from edge.domain.imports import Import, ImportRow, ImportStatus, Outcome
from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft
from edge.store.database import Transaction, to_json
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, ordering, page_of
from edge.store.sqlite import Row

SORTS = {"created_at": "created_at", "file_name": "file_name", "status": "status"}


@dataclass(frozen=True, slots=True)
class Staged:
    """A record that waits to be taken over."""

    number: int
    record: CatalogueRecord


@dataclass(frozen=True, slots=True)
class Done:
    """What the commit of a record did: `before` is what its fields were, None for a new book; `version` is the
    book's afterwards; `copies` were added."""

    number: int
    book_id: str
    before: dict[str, Any] | None
    version: int
    copies: tuple[str, ...]


class Imports(Repository[R_co]):
    def get(self, import_id: str) -> Import | None:
        row = self._store.row("SELECT * FROM import WHERE id = ?", import_id)
        return None if row is None else self._import(row)

    def page(self, *, page: int, limit: int, sort: str, order: str) -> Page[Import]:
        return page_of(
            self._store,
            "* FROM import",
            [],
            self._import,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def rows(self, import_id: str, outcomes: Sequence[Outcome], limit: int) -> list[ImportRow]:
        marks = ", ".join("?" * len(outcomes))
        found = self._store.rows(
            f"SELECT * FROM import_row WHERE import_id = ? AND outcome IN ({marks})"
            " ORDER BY number LIMIT ?",
            import_id,
            *outcomes,
            limit,
        )
        return [_row(one) for one in found]

    def same_before(self, import_id: str, source_key: str) -> CatalogueRecord | None:
        """The last record of this file that is about the same title."""
        found = self._store.value(
            "SELECT record FROM import_row INDEXED BY import_row_key"
            " WHERE import_id = ? AND source_key = ?"
            " AND outcome <> ? ORDER BY number DESC LIMIT 1",
            import_id,
            source_key,
            Outcome.BAD,
        )
        return None if found is None else _record(found)

    def barcode_key(self, import_id: str, barcode: str) -> str | None:
        """The source key of the title that this file gives this barcode to."""
        found = self._store.value(
            "SELECT source_key FROM import_barcode WHERE import_id = ? AND barcode = ?",
            import_id,
            barcode,
        )
        return None if found is None else str(found)

    def waiting(self, import_id: str, limit: int) -> list[Staged]:
        """The next records that are not taken over yet."""
        found = self._store.rows(
            "SELECT number, line, record FROM import_row INDEXED BY import_row_waiting"
            " WHERE import_id = ? AND NOT done AND record IS NOT NULL ORDER BY number LIMIT ?",
            import_id,
            limit,
        )
        return [Staged(one["number"], _record(one["record"], one["line"])) for one in found]

    def done(self, import_id: str, limit: int) -> list[Done]:
        """What the commit changed and no undo has taken back yet, the last first."""
        found = self._store.rows(
            "SELECT * FROM import_row INDEXED BY import_row_taken"
            " WHERE import_id = ? AND version IS NOT NULL ORDER BY number DESC LIMIT ?",
            import_id,
            limit,
        )
        return [
            Done(
                one["number"],
                one["book_id"],
                None if one["before"] is None else orjson.loads(one["before"]),
                one["version"],
                tuple(orjson.loads(one["copies"] or "[]")),
            )
            for one in found
        ]

    def changed_since(self, import_id: str, limit: int) -> list[str]:
        """Books of this import that somebody has changed, moved or asked for since."""
        found = self._store.rows(
            """WITH mine AS (
                SELECT book_id, MAX(version) AS version, MAX(before IS NULL) AS created,
                    SUM(json_array_length(copies)) AS copies
                FROM import_row WHERE import_id = ?1 AND version IS NOT NULL GROUP BY book_id
            )
            SELECT mine.book_id FROM mine LEFT JOIN book ON book.id = mine.book_id
            WHERE book.id IS NULL OR book.deleted_at IS NOT NULL OR book.version <> mine.version
                OR mine.created AND mine.copies <>
                    (SELECT COUNT(*) FROM copy WHERE copy.book_id = mine.book_id)
            UNION
            SELECT import_row.book_id FROM import_row, json_each(import_row.copies) AS added
            LEFT JOIN copy ON copy.id = added.value
            WHERE import_id = ?1 AND import_row.version IS NOT NULL
                AND (copy.id IS NULL OR copy.version <> 1)
            LIMIT ?2""",
            import_id,
            limit,
        )
        return [str(one["book_id"]) for one in found]

    def begin(self: "Imports[Transaction]", import_id: str, file_name: str) -> None:
        # Only one is staged at a time: what says so else was left by a crash.
        self._store.execute("DELETE FROM import WHERE status = ?", ImportStatus.STAGING)
        self._store.insert(
            "import",
            id=import_id,
            user_id=self._store.actor.id,
            file_name=file_name,
            status=ImportStatus.STAGING,
            created_at=self._store.now,
        )

    def add(
        self: "Imports[Transaction]",
        import_id: str,
        number: int,
        record: CatalogueRecord,
        outcome: Outcome,
        reason: str | None = None,
    ) -> None:
        self._store.insert(
            "import_row",
            import_id=import_id,
            number=number,
            line=record.line,
            outcome=outcome,
            source_key=record.source_key,
            record=to_json(asdict(record)),
            reason=reason,
            done=outcome is Outcome.BAD,
        )
        for copy in record.copies if outcome is not Outcome.BAD else ():
            if copy.barcode is not None:
                self._store.execute(
                    "INSERT OR IGNORE INTO import_barcode VALUES (?, ?, ?)",
                    import_id,
                    copy.barcode,
                    record.source_key,
                )

    def add_bad(
        self: "Imports[Transaction]", import_id: str, number: int, line: int, reason: str
    ) -> None:
        self._store.insert(
            "import_row",
            import_id=import_id,
            number=number,
            line=line,
            outcome=Outcome.BAD,
            reason=reason,
            done=1,
        )

    def set_done(
        self: "Imports[Transaction]",
        import_id: str,
        number: int,
        outcome: Outcome,
        *,
        reason: str | None = None,
        done: Done | None = None,
    ) -> None:
        self._store.execute(
            "UPDATE import_row SET done = 1, outcome = ?, reason = ?, book_id = ?, before = ?,"
            " version = ?, copies = ? WHERE import_id = ? AND number = ?",
            outcome,
            reason,
            done.book_id if done else None,
            to_json(done.before) if done and done.before is not None else None,
            done.version if done else None,
            to_json(done.copies) if done else None,
            import_id,
            number,
        )

    def set_undone(self: "Imports[Transaction]", import_id: str, number: int) -> None:
        self._store.execute(
            "UPDATE import_row SET version = NULL WHERE import_id = ? AND number = ?",
            import_id,
            number,
        )

    def set_status(self: "Imports[Transaction]", import_id: str, status: ImportStatus) -> None:
        times = {ImportStatus.COMMITTED: "committed_at", ImportStatus.UNDONE: "undone_at"}
        columns = {times[status]: self._store.now} if status in times else {}
        self._store.update("import", import_id, status=status, **columns)
        if status is ImportStatus.COMMITTED:
            self._store.execute("DELETE FROM import_barcode WHERE import_id = ?", import_id)

    def _import(self, row: Row) -> Import:
        counts: Counter[str] = Counter()
        for one in self._store.rows(
            "SELECT outcome, COUNT(*) AS n FROM import_row WHERE import_id = ? GROUP BY outcome",
            row["id"],
        ):
            counts[one["outcome"]] = one["n"]
        return Import(
            id=row["id"],
            user_id=row["user_id"],
            file_name=row["file_name"],
            status=ImportStatus(row["status"]),
            created=counts[Outcome.CREATED],
            updated=counts[Outcome.UPDATED],
            unchanged=counts[Outcome.UNCHANGED],
            bad=counts[Outcome.BAD],
            created_at=row["created_at"],
            committed_at=row["committed_at"],
            undone_at=row["undone_at"],
        )


def _row(row: Row) -> ImportRow:
    record = None if row["record"] is None else _record(row["record"])
    return ImportRow(
        line=row["line"],
        outcome=Outcome(row["outcome"]),
        title=record.draft.title if record else None,
        book_id=row["book_id"],
        reason=row["reason"],
    )


def _record(text: str, line: int = 0) -> CatalogueRecord:
    found = orjson.loads(text)
    return CatalogueRecord(
        BookDraft(**found["draft"]),
        tuple(CopyDraft(one["barcode"], one["shelf"]) for one in found["copies"]),
        found["source_key"],
        line,
        found["book_id"],
    )
