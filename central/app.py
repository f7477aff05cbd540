"""The central server's HTTP API: the same envelope and paths as the robot's own, seen from above."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from central import accounts, catalogue, requests, tables
from central.accounts import Tokens
from central.robots import SiteLink
from central.store import Store, new_id, timestamp
from edge.domain.errors import (
    ConflictError,
    ForbiddenError,
    LunaError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    ValidationError,
)

STATUS: dict[type[LunaError], int] = {
    NotFoundError: 404,
    ForbiddenError: 403,
    UnauthenticatedError: 401,
    ValidationError: 422,
    ConflictError: 409,
    UnavailableError: 503,
}
MAX_LIMIT = 100
_REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(Body):
    email: str = Field(max_length=254)
    password: str = Field(max_length=256)


class NewRequest(Body):
    book_id: str
    request_location: str = Field(max_length=200, description="name or code of a waypoint")
    user_id: str | None = None
    user_email: str | None = None
    robot_id: str | None = Field(None, description="needed where the site has several")
    notes: str | None = Field(None, max_length=1000)


class Paging(BaseModel):
    page: int = Field(1, ge=1)
    limit: int = Field(20, ge=1, le=MAX_LIMIT)


Page = Annotated[Paging, Query()]


def create_app(store: Store, tokens: Tokens, link: SiteLink | None) -> FastAPI:
    """The application. `link` runs as long as it does; None: no robots (for tests of the API alone)."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if link is not None:
            link.start()
        yield
        if link is not None:
            link.stop()

    app = FastAPI(title="LUNA central", version="1", lifespan=lifespan)
    app.state.store, app.state.tokens, app.state.link = store, tokens, link
    app.middleware("http")(_with_id)
    app.include_router(_open)
    app.include_router(_api)
    app.add_exception_handler(LunaError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_bad_input)
    return app


async def _with_id(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Each answer bears the id of its request, in its header as in its body."""
    request_id = new_id()
    _REQUEST_ID.set(request_id)
    answer = await call_next(request)
    answer.headers["X-Request-ID"] = request_id
    return answer


def _caller(request: Request, authorization: Annotated[str, Header()] = "") -> str:
    """The id of who asks. Raises UnauthenticatedError."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError("Log in first.")
    claims: dict[str, Any] = request.app.state.tokens.read(token)
    return str(claims["sub"])


Caller = Annotated[str, Depends(_caller)]
_open = APIRouter()
_api = APIRouter(prefix="/api/v1", dependencies=[Depends(_caller)])


@_open.get("/health", tags=["health"], summary="The process is alive")
def health(request: Request) -> dict[str, Any]:
    link = request.app.state.link
    return _one({"status": "ok", "mqtt": "connected" if link and link.connected else "away"})


@_open.post("/api/v1/auth/login", tags=["auth"], summary="Log in")
def log_in(request: Request, body: Login) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        account = accounts.log_in(tx, body.email, body.password)
    token = request.app.state.tokens.make(account)
    return _one(
        {
            "user": account,
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": accounts.TOKEN_S,
        }
    )


@_api.post("/requests", tags=["requests"], summary="Ask for a book", status_code=201)
def create_request(request: Request, body: NewRequest, caller: Caller) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        made = requests.create(tx, actor=caller, **body.model_dump())
    _wake(request)
    return _one(made)


@_api.put(
    "/requests/{request_id}/cancel", tags=["requests"], summary="Ask the robot to cancel a request"
)
def cancel_request(request: Request, request_id: str, caller: Caller) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        cancelled = requests.cancel(tx, request_id, actor=caller)
    _wake(request)
    return _one(cancelled)


@_api.get("/requests", tags=["requests"], summary="Requests")
def list_requests(
    request: Request, paging: Page, status: str | None = None, user_id: str | None = None
) -> dict[str, Any]:
    return _page(request, "request", paging, status=status, user_id=user_id)


@_api.get("/books", tags=["books"], summary="Search the catalogue")
def list_books(request: Request, paging: Page, q: str | None = None) -> dict[str, Any]:
    return _page(request, "book", paging, q=q)


@_api.get("/books/{book_id}/copies", tags=["books"], summary="Where the copies of a book are")
def list_copies(request: Request, book_id: str, paging: Page) -> dict[str, Any]:
    return _page(request, "copy", paging, book_id=book_id)


@_api.get("/deliveries", tags=["deliveries"], summary="Trips of the robots")
def list_deliveries(request: Request, paging: Page, status: str | None = None) -> dict[str, Any]:
    return _page(request, "task", paging, status=status)


@_api.get("/notifications", tags=["notifications"], summary="What people were told")
def list_notifications(
    request: Request, paging: Page, user_id: str | None = None
) -> dict[str, Any]:
    return _page(request, "notification", paging, user_id=user_id)


@_api.get("/users", tags=["users"], summary="People")
def list_users(request: Request, paging: Page, q: str | None = None) -> dict[str, Any]:
    return _page(request, "user", paging, q=q)


@_api.get("/robots", tags=["robots"], summary="The robots as they last told")
def list_robots(request: Request) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        found = [
            _robot(row) for row in tx.execute(select(tables.robot).order_by(tables.robot.c.id))
        ]
    return _many(found, Paging(limit=MAX_LIMIT), len(found))


@_api.get("/robots/{robot_id}", tags=["robots"], summary="One robot")
def get_robot(request: Request, robot_id: str) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        row = tx.execute(select(tables.robot).where(tables.robot.c.id == robot_id)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such robot.")
    return _one(_robot(row))


def _add_getter(path: str, entity: str) -> None:
    @_api.get(
        f"/{path}/{{entity_id}}", tags=[path], summary=f"One {entity}", operation_id=f"get_{entity}"
    )
    def get_one(request: Request, entity_id: str) -> dict[str, Any]:
        with _store(request).transaction() as tx:
            return _one(catalogue.get(tx, entity, entity_id))


for _path, _entity in (
    ("requests", "request"),
    ("books", "book"),
    ("deliveries", "task"),
    ("notifications", "notification"),
    ("users", "user"),
):
    _add_getter(_path, _entity)


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _wake(request: Request) -> None:
    if request.app.state.link is not None:
        request.app.state.link.wake()


def _robot(row: Any) -> dict[str, Any]:
    return {"id": row.id, "connection": row.connection, "state": row.state}


def _page(request: Request, entity: str, paging: Paging, **wanted: str | None) -> dict[str, Any]:
    with _store(request).transaction() as tx:
        found, total = catalogue.page(tx, entity, page=paging.page, limit=paging.limit, **wanted)
    return _many(found, paging, total)


def _one(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data, "meta": _meta()}


def _many(data: list[dict[str, Any]], paging: Paging, total: int) -> dict[str, Any]:
    pages = -(-total // paging.limit)
    counts = {"page": paging.page, "limit": paging.limit, "total": total, "total_pages": pages}
    return {**_one(data), "pagination": counts}


def _meta() -> dict[str, str]:
    return {"timestamp": timestamp(), "request_id": _REQUEST_ID.get()}


def _failure(status: int, code: str, message: str, details: dict[str, Any]) -> Response:
    error = {"code": code, "message": message, "details": details}
    return JSONResponse({"success": False, "error": error, "meta": _meta()}, status)


def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, LunaError)
    status = next((number for kind, number in STATUS.items() if isinstance(error, kind)), 500)
    return _failure(status, error.code, str(error), error.told())


def _on_bad_input(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields: dict[str, list[str]] = {}
    for one in error.errors():
        fields.setdefault(".".join(str(part) for part in one["loc"][1:]), []).append(one["msg"])
    return _failure(422, ValidationError.code, "What was sent cannot be right.", {"fields": fields})
