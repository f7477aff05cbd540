"""Every route says who may use it, once."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from api import app
from api.deps import LIBRARIAN_AT_ROBOT, OPEN, STOP, Policy


def routes() -> Iterator[APIRoute]:
    for module in app.ROUTERS:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                yield route


def policies(route: APIRoute) -> list[Policy]:
    return [one.call for one in route.dependant.dependencies if isinstance(one.call, Policy)]


@pytest.mark.parametrize("route", list(routes()), ids=lambda route: f"{route.methods} {route.path}")
def test_a_route_declares_one_policy(route: APIRoute) -> None:
    assert len(policies(route)) == 1


def test_what_is_open_to_anyone_is_a_short_list() -> None:
    assert {route.path for route in routes() if OPEN in policies(route)} == {
        "/",
        "/ui/{name}",
        "/health",
        "/ready",
        "/metrics",
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/refresh",
    }


def test_only_stop_is_for_whoever_is_there() -> None:
    found = {route.path for route in routes() if STOP in policies(route)}
    assert found == {"/api/v1/robot/emergency-stop", "/api/v1/robot/emergency-stop/{robot_id}"}


def test_a_stop_is_reset_only_by_a_librarian_at_the_robot() -> None:
    (reset,) = (route for route in routes() if route.path.endswith("/reset"))
    assert policies(reset) == [LIBRARIAN_AT_ROBOT]


@pytest.mark.parametrize("route", list(routes()), ids=lambda route: f"{route.methods} {route.path}")
def test_a_route_says_what_it_is_for(route: APIRoute) -> None:
    assert not route.include_in_schema or (route.summary and route.tags)
