"""What goes wrong, as an answer: every error of the core, of the framework and of ours becomes one envelope."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api import envelope
from api.languages import LANGUAGE, spoken
from api.routes import routes_of
from edge import words
from edge.domain import errors

RETRY_AFTER_S = 2
"""What a client is told to wait where a part of the robot is away: about a restart of that part."""

STATUS: tuple[tuple[type[errors.LunaError], int], ...] = (
    (errors.NotFoundError, 404),
    (errors.ForbiddenError, 403),
    (errors.UnauthenticatedError, 401),
    (errors.ValidationError, 422),
    (errors.ConflictError, 409),
)

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "ROBOT_UNAVAILABLE",
}

SENTENCES = {
    400: "BAD_REQUEST",
    404: "NO_SUCH_ADDRESS",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
"""What is said where Starlette itself refuses."""


class TokenExpiredError(errors.UnauthenticatedError):
    code = "TOKEN_EXPIRED"


class ExpiredError(errors.ConflictError):
    code = "EXPIRED"


class TooManyError(errors.LunaError):
    """Too much was asked at once; `retry_after_s` says when to come back."""

    code: ClassVar[str] = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


def install(app: FastAPI, modules: Iterable[Any]) -> None:
    """`modules`: those of its routers."""

    @app.exception_handler(errors.LunaError)
    async def luna(_: Request, error: errors.LunaError) -> Response:
        return answer(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = CODES.get(error.status_code, f"HTTP_{error.status_code}")
        headers = {**_headers(error.status_code), **(error.headers or {})}
        if error.status_code == 405:
            headers["Allow"] = _allowed(modules, request.url.path)
        return failure(error.status_code, code, _sentence(error), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        said = words.text("error", "INVALID", LANGUAGE.get())
        details = {"fields": _fields(error.errors())}
        return envelope.failure(422, "VALIDATION_ERROR", said, details, spoken())


def answer(error: errors.LunaError) -> Response:
    """The envelope for an error of ours, in the language of who asked."""
    status, code, headers = _as_http(error)
    details = error.told(LANGUAGE.get())
    return envelope.failure(status, code, in_words(error), details, headers | spoken())


def in_words(error: errors.LunaError) -> str:
    """What is so and what to do about it, in the language of who asked."""
    return " ".join(error.said(LANGUAGE.get())).rstrip()


def failure(
    status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The envelope for what is no error of ours, in the language of who asked."""
    said = words.text("error", sentence, LANGUAGE.get())
    return envelope.failure(status, code, said, {}, {**(headers or {}), **spoken()})


def unexpected() -> Response:
    """Never what happened, only that something did: the log has the rest."""
    return failure(500, "INTERNAL_ERROR", "INTERNAL_ERROR")


def _as_http(error: errors.LunaError) -> tuple[int, str, dict[str, str]]:
    """Status, code and headers."""
    if isinstance(error, TooManyError):
        return 429, error.code, {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, errors.StorageFullError):
        return 507, error.code, {}
    if isinstance(error, errors.LockedError):
        return 429, error.code, {"Retry-After": str(int(error.left_s) + 1)}
    if isinstance(error, errors.ClockNotSetError):
        return 503, error.code, _headers(503)
    if isinstance(error, errors.UnavailableError):
        # One code for all that is away; which part it was, the message says.
        return 503, errors.UnavailableError.code, _headers(503)
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return status, error.code, _headers(status)


def _sentence(error: HTTPException) -> str:
    """What we raise names one; in place of what Starlette raises, the name of the status, we say our own."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return str(error.detail)
    return SENTENCES.get(error.status_code, "HTTP_ERROR")


def _allowed(modules: Iterable[Any], path: str) -> str:
    """The methods of all routes with this path; Starlette knows only those of the first."""
    found = [route for route in routes_of(modules) if route.path_regex.match(path)]
    # /books/imports is itself, and not the book `imports`.
    own = [route for route in found if route.path == path] or found
    return ", ".join(sorted({method for route in own for method in route.methods or ()}))


def _fields(found: Sequence[Any]) -> dict[str, list[str]]:
    """A field's path, without saying whether it came in body or query, with all that is wrong with it."""
    fields: dict[str, list[str]] = {}
    for one in found:
        inside = [] if one["type"] == "json_invalid" else one["loc"][1:]
        path = ".".join(str(part) for part in inside) or str(one["loc"][0])
        fields.setdefault(path, []).append(_of_field(one))
    return fields


def _of_field(found: Mapping[str, Any]) -> str:
    """What pydantic found wrong with a field, in the language of who asked; in its own English where we have none."""
    kind, context, language = str(found["type"]), found.get("ctx", {}), LANGUAGE.get()
    if kind == "value_error":  # our own
        return words.text("field", str(context["error"]), language)
    if kind not in words.catalogue()["field"]:
        return str(found["msg"])
    return words.text("field", kind, language, **context)


def _headers(status: int) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
