"""Readers' requests for books."""

from typing import Any

from edge.domain.requests import Request, RequestStatus
from edge.store.database import Transaction
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, columns, ordering, page_of
from edge.store.sqlite import Row

SORTS = {"created_at": "requested_at", "requested_at": "requested_at", "status": "status"}


class Requests(Repository[R_co]):
    def get(self, request_id: str) -> Request | None:
        row = self._store.row("SELECT * FROM request WHERE id = ?", request_id)
        return None if row is None else _request(row)

    def page(
        self,
        user_id: str | None,
        status: RequestStatus | None,
        *,
        page: int,
        limit: int,
        sort: str,
        order: str,
    ) -> Page[Request]:
        return page_of(
            self._store,
            "* FROM request",
            [("user_id = ?", user_id), ("status = ?", status)],
            _request,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def add(self: "Requests[Transaction]", request: Request) -> None:
        self._store.insert("request", **columns(request))

    def change(self: "Requests[Transaction]", request_id: str, **columns: Any) -> None:
        self._store.update("request", request_id, **columns)


def _request(row: Row) -> Request:
    return Request(**{**dict(row), "status": RequestStatus(row["status"])})
