"""What happens to every request: an id, limits, a refused foreign origin, a plain answer to a crash, a count.

One plain ASGI layer, because each costs every request and Starlette's own kind would cost a task.
"""

import asyncio
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import envelope, errors, origins
from api.languages import LANGUAGE, language_of
from api.limits import Buckets, limited
from api.metrics import Metrics
from api.tls import HSTS
from edge import logs
from edge.settings import Api
from edge.store.database import new_id

log = logs.get("api")
SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SEND_S = 30.0
"""A client that takes nothing of a streamed answer for this long is left."""

WORTH_A_LINE = frozenset({401, 403, 429, 503, 507})
"""Answers that are written down also where nothing was to be changed."""

STOPS = "/api/v1/robot/emergency-stop"
SIGN_IN = frozenset(
    f"/api/v1/auth/{one}" for one in ("register", "login", "forgot-password", "reset-password")
)
"""Each costs a password's hash, or a mail."""
PROVIDERS = "/api/v1/auth/oidc/"
"""And each of these a place in a short list, or a question to a provider."""

SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Of every answer that does not say otherwise. As ASGI has them: Starlette's own way costs 20 µs a request."""

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-ID",
    "Access-Control-Max-Age": "600",
}


class Outermost:
    def __init__(self, app: ASGIApp, metrics: Metrics, settings: Api) -> None:
        from structlog.contextvars import bind_contextvars  # after edge.logs, which makes it lean

        self._app = app
        self._metrics = metrics
        self._bind = bind_contextvars
        self._allowed = origins.allowed(settings)
        self._requests = Buckets(settings.requests_per_s)
        self._sign_ins = Buckets(settings.sign_ins_per_min / 60, burst=settings.sign_ins_per_min)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # WebSockets check their origin themselves, before they accept
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        # Never taken back: each request has a context of its own.
        envelope.REQUEST_ID.set(request_id)
        envelope.REASON.set("")
        LANGUAGE.set(language_of(headers))
        self._bind(request_id=request_id)
        origin = headers.get("origin")
        sent = _Sent(send, request_id, origin if origin in self._allowed else None)
        if scope["scheme"] == "https" and not _is_at_robot(scope):
            sent.always = (*SECURITY, HSTS)
        started = time.perf_counter()
        try:
            answer = self._refused(scope, headers) or self._preflight(scope, headers)
            if answer is not None:
                await answer(scope, receive, sent)
            else:
                # A timeout costs 15 µs: only where there is something to wait for.
                sends = "content-length" in headers or "transfer-encoding" in headers
                await self._app(scope, limited(receive, scope) if sends else receive, sent)
        except Exception:  # the last line: the caller gets an envelope, the log the reason
            log.exception("a request failed", method=scope["method"], path=scope["path"])
            if not sent.status:
                await errors.unexpected()(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.request(scope, sent.status, seconds)
            if scope["method"] not in SAFE_METHODS or sent.status in WORTH_A_LINE:
                _write_down(scope, sent.status, seconds)

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        if scope["method"] not in SAFE_METHODS and origins.is_foreign(
            headers, self._allowed, scheme=scope["scheme"]
        ):
            self._metrics.refused.labels("origin").inc()
            return errors.failure(403, "FORBIDDEN", "FOREIGN_PAGE")
        wait_s = self._wait_s(scope)
        if wait_s > 0:
            self._metrics.refused.labels("rate").inc()
            after = {"Retry-After": str(int(wait_s) + 1)}
            return errors.failure(429, "RATE_LIMITED", "TOO_MUCH_AT_ONCE", after)
        return None

    def _wait_s(self, scope: Scope) -> float:
        """How long this client has to wait. STOP never waits, and neither does the robot's own screen."""
        path = scope["path"]
        is_stop = path.startswith(STOPS) and not path.endswith("/reset")
        if is_stop or _is_at_robot(scope):
            return 0.0
        client = scope["client"]
        wait_s = self._requests.wait_s(client[0])
        if wait_s == 0 and (path in SIGN_IN or path.startswith(PROVIDERS)):
            wait_s = self._sign_ins.wait_s(client[0])
        return wait_s

    def _preflight(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a browser that asks whether a page of an allowed origin may do something."""
        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if asks and headers.get("origin") in self._allowed:
            return Response(status_code=204, headers=PREFLIGHT)
        return None


class _Sent:
    """Adds the headers that every answer has, and remembers what was answered. `origin`: an allowed one that asks."""

    def __init__(self, send: Send, request_id: str, origin: str | None) -> None:
        self._send = send
        self._request_id = request_id
        self._origin = origin
        self.always = SECURITY
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = message["headers"]
            names = {name for name, _ in said}
            missing = [header for header in self.always if header[0] not in names]
            message["headers"] = [
                *said,
                *missing,
                (b"x-request-id", self._request_id.encode("latin-1")),
            ]
            if self._origin is not None:
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = self._origin
                headers["Access-Control-Expose-Headers"] = "ETag, Retry-After, X-Request-ID"
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                headers.add_vary_header("Origin")
        if message.get("more_body"):
            async with asyncio.timeout(SEND_S):
                await self._send(message)
        else:
            await self._send(message)


def _is_at_robot(scope: Scope) -> bool:
    """Whether nobody on a network asks."""
    return scope["client"] is None or origins.is_loopback(scope["client"][0])


def _write_down(scope: Scope, status: int, seconds: float) -> None:
    """By the route's path, so that no id and nothing that somebody typed is in the log."""
    route = getattr(scope.get("route"), "path", "unknown")
    ms = round(seconds * 1000, 1)
    why = {"reason": reason} if (reason := envelope.REASON.get()) else {}
    log.info("request", method=scope["method"], route=route, status=status, **why, ms=ms)


def _request_id(headers: Headers) -> str:
    offered = headers.get("x-request-id", "")
    return offered if SANE_ID.fullmatch(offered) else new_id()
