"""The limit: Starlette, raw sqlite3 in the event loop, orjson. Nothing is checked that is not asked for."""

import os
import sqlite3
import uuid
from datetime import UTC, datetime

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peers import COLUMNS

SELECT = f"SELECT {', '.join(COLUMNS)} FROM books"

store = sqlite3.connect(os.environ["BOOKS"], isolation_level=None)
store.row_factory = sqlite3.Row
store.execute("PRAGMA journal_mode = WAL")
store.execute("PRAGMA synchronous = FULL")


def _json(data: object, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")


async def get_book(request: Request) -> Response:
    row = store.execute(f"{SELECT} WHERE id = ?", (request.path_params["id"],)).fetchone()
    return _json(dict(row))


async def list_books(request: Request) -> Response:
    limit = int(request.query_params["limit"])
    rows = store.execute(f"{SELECT} ORDER BY created_at, id LIMIT ?", (limit,))
    return _json([dict(row) for row in rows])


async def create(request: Request) -> Response:
    body = orjson.loads(await request.body())
    now = datetime.now(UTC).isoformat()
    made = (
        str(uuid.uuid4()),
        "somebody",
        body["book_id"],
        body["request_location"],
        "PENDING",
        now,
    )
    store.execute("BEGIN IMMEDIATE")
    store.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", made)
    data = orjson.dumps(made).decode()
    store.execute(
        "INSERT INTO outbox (type, data, at) VALUES ('request.created', ?, ?)", (data, now)
    )
    store.execute("COMMIT")
    return _json({"id": made[0], "status": "PENDING"}, 201)


app = Starlette(
    routes=[
        Route("/api/v1/books/{id}", get_book),
        Route("/api/v1/books", list_books),
        Route("/api/v1/requests", create, methods=["POST"]),
    ]
)
