"""The routes of this application: for whoever goes through them all, and found fast for a request."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send


def routes_of(modules: Iterable[Any]) -> Iterator[APIRoute]:
    """Every HTTP route of these modules' routers."""
    for module in modules:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                yield route


class Index:
    """Tries only the few routes that look like a path, however many there are.

    `otherwise` gets what fits none of them.
    """

    def __init__(self, routes: Sequence[BaseRoute], otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._alike: dict[tuple[int, str], list[APIRoute]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                self._alike.setdefault(_look(route.path), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._alike.get(_look(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
        await self._otherwise(scope, receive, send)


def _look(path: str) -> tuple[int, str]:
    """How many parts a path has, and the one that names the resource: `/api/v1/books/7` is 5, books."""
    parts = path.split("/")
    return len(parts), parts[3] if len(parts) > 3 else parts[1] if len(parts) > 1 else ""
