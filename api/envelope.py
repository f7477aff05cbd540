"""The one shape of every answer: what was asked for or what went wrong, and `meta`."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Response

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is being answered; also in its X-Request-ID header and its log lines."""

REASON: ContextVar[str] = ContextVar("reason", default="")
"""The code of the failure that the request in hand is answered with, for its log line; empty where it is none."""


def one(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """One thing."""
    return _answer({"success": True, "data": data, "meta": _meta()}, status, headers)


def many(
    items: Sequence[Any],
    *,
    page: int,
    limit: int,
    total: int,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One page of a list."""
    pages = -(-total // limit)
    pagination = {"page": page, "limit": limit, "total": total, "total_pages": pages}
    return _answer(
        {"success": True, "data": items, "pagination": pagination, "meta": _meta()}, 200, headers
    )


def failure(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    REASON.set(code)
    error = {"code": code, "message": message, "details": dict(details or {})}
    return _answer({"success": False, "error": error, "meta": _meta()}, status, headers)


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _meta() -> dict[str, str]:
    return {"timestamp": now(), "request_id": REQUEST_ID.get()}


def _answer(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None) -> Response:
    kept = dict(headers) if headers else None
    return Response(orjson.dumps(body), status, kept, media_type="application/json")
