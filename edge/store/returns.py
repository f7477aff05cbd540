"""Readers' returns of books."""

from typing import Any

from edge.domain.returns import Return, ReturnStatus
from edge.store.database import Transaction
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, columns, ordering, page_of
from edge.store.sqlite import Row

SORTS = {"created_at": "initiated_at", "initiated_at": "initiated_at", "status": "status"}


class Returns(Repository[R_co]):
    def get(self, return_id: str) -> Return | None:
        row = self._store.row("SELECT * FROM return_request WHERE id = ?", return_id)
        return None if row is None else _return(row)

    def page(
        self,
        user_id: str | None,
        status: ReturnStatus | None,
        *,
        page: int,
        limit: int,
        sort: str,
        order: str,
    ) -> Page[Return]:
        return page_of(
            self._store,
            "* FROM return_request",
            [("user_id = ?", user_id), ("status = ?", status)],
            _return,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def add(self: "Returns[Transaction]", returned: Return) -> None:
        self._store.insert("return_request", **columns(returned))

    def change(self: "Returns[Transaction]", return_id: str, **columns: Any) -> None:
        self._store.update("return_request", return_id, **columns)


def _return(row: Row) -> Return:
    return Return(**{**dict(row), "status": ReturnStatus(row["status"])})
