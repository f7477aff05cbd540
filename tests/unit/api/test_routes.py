"""The index finds for each path what the router itself would have found."""

import asyncio
import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from api import app
from api.routes import Index, routes_of

ROUTES = list(routes_of(app.ROUTERS))


class Found(Exception):
    """Which route was asked; none: what came after the index."""


def first(path: str, method: str) -> APIRoute | None:
    """What looking through all of them gives."""
    asked = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return next((one for one in ROUTES if one.matches(asked)[0] is Match.FULL), None)


def by_index(path: str, method: str, monkeypatch: pytest.MonkeyPatch) -> APIRoute | None:
    async def handle(self: APIRoute, *_: Any) -> None:
        raise Found(self)

    async def otherwise(_: Scope, __: Receive, ___: Send) -> None:
        raise Found(None)

    monkeypatch.setattr(APIRoute, "handle", handle)
    asked = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    with pytest.raises(Found) as found:
        asyncio.run(Index(ROUTES, otherwise)(asked, None, None))  # type: ignore[arg-type]
    route: APIRoute | None = found.value.args[0]
    return route


@pytest.mark.parametrize("value", ["x", "imports", "copies", "me", "my"])
def test_the_index_finds_what_looking_through_all_finds(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for route in ROUTES:
        path = re.sub(r"{[^}]*}", value, route.path)
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert by_index(path, method, monkeypatch) is first(path, method), (method, path)


@pytest.mark.parametrize("path", ["", "/", "//", "/api", "/api/v1", "/api/v1/books/1/2/3", "books"])
def test_a_path_that_is_none_goes_on(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_index(path, "GET", monkeypatch) is first(path, "GET")
