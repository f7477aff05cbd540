"""What happens to every request: an id, limits, a refused foreign origin, a plain answer to a crash, a count.

One plain ASGI layer, because each costs every request and Starlette's own kind would cost a task.
"""

import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import envelope, errors, origins
from api.metrics import Metrics
from edge import logs
from edge.store.database import new_id

log = logs.get("api")
SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
MAX_BODY_BYTES = 64 * 1024
MAX_FILE_BYTES = 256 << 20
"""A catalogue of 100,000 records has some 150 MB."""
UPLOADS = frozenset({"/api/v1/books/bulk-import"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Outermost:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        from structlog.contextvars import bind_contextvars  # after edge.logs, which makes it lean

        self._app = app
        self._metrics = metrics
        self._bind = bind_contextvars

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # WebSockets check their origin themselves, before they accept
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        # Never taken back: each request has a context of its own.
        envelope.REQUEST_ID.set(request_id)
        self._bind(request_id=request_id)
        sent = _Sent(send, request_id)
        started = time.perf_counter()
        try:
            if scope["method"] not in SAFE_METHODS and origins.is_foreign(headers):
                refused = envelope.failure(
                    403, "FORBIDDEN", "A page of another site may not do this."
                )
                await refused(scope, receive, sent)
            else:
                await self._app(scope, _limited(receive, _limit(scope)), sent)
        except Exception:  # the last line: the caller gets an envelope, the log the reason
            log.exception("a request failed", method=scope["method"], path=scope["path"])
            if not sent.status:
                await errors.unexpected()(scope, receive, sent)
        finally:
            self._metrics.request(scope, sent.status, time.perf_counter() - started)


class _Sent:
    """Adds the headers that every answer has, and remembers what was answered."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _limit(scope: Scope) -> int:
    return MAX_FILE_BYTES if scope["path"] in UPLOADS else MAX_BODY_BYTES


def _limited(receive: Receive, limit: int) -> Receive:
    """The same, but a body that is too long ends in a 413 as soon as it is. One that nobody reads harms nobody."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, f"A body has at most {limit} bytes.")
        return message

    return limited


def _request_id(headers: Headers) -> str:
    offered = headers.get("x-request-id", "")
    return offered if SANE_ID.fullmatch(offered) else new_id()
