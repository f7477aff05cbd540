"""The routes of this application, for whoever goes through them all."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.routing import APIRoute


def routes_of(modules: Iterable[Any]) -> Iterator[APIRoute]:
    """Every HTTP route of these modules' routers."""
    for module in modules:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                yield route
