"""Every route says who may use it, once."""

import pytest
from fastapi.routing import APIRoute
from starlette.routing import WebSocketRoute

from api import app
from api.deps import LIBRARIAN_AT_ROBOT, OPEN, STOP, policies_of
from api.routes import routes_of

ROUTES = list(routes_of(app.ROUTERS))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.methods} {route.path}")
def test_a_route_declares_one_policy(route: APIRoute) -> None:
    assert len(policies_of(route)) == 1


def test_a_route_without_a_policy_is_the_live_events_alone() -> None:
    """Those sign in by their first message, channel by channel."""
    every = [route for module in app.ROUTERS for route in module.router.routes]
    (live,) = (route for route in every if route not in ROUTES)
    assert isinstance(live, WebSocketRoute) and live.path == "/api/v1/ws"


def test_what_is_open_to_anyone_is_a_short_list() -> None:
    assert {route.path for route in ROUTES if OPEN in policies_of(route)} == {
        "/",
        "/ui/{name}",
        "/ca.crt",
        "/docs",
        "/docs/{name}",
        "/redoc",
        "/health",
        "/ready",
        "/metrics",
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/refresh",
        "/api/v1/auth/forgot-password",
        "/api/v1/auth/reset-password",
        "/api/v1/auth/oidc/providers",
        "/api/v1/auth/oidc/{provider}/start",
        "/api/v1/auth/oidc/{provider}/callback",
        "/api/v1/auth/oidc/session",
    }


def test_only_stop_is_for_whoever_is_there() -> None:
    found = {route.path for route in ROUTES if STOP in policies_of(route)}
    assert found == {"/api/v1/robot/emergency-stop", "/api/v1/robot/emergency-stop/{robot_id}"}


def test_a_stop_is_reset_only_by_a_librarian_at_the_robot() -> None:
    (reset,) = (route for route in ROUTES if route.path.endswith("/reset"))
    assert policies_of(reset) == [LIBRARIAN_AT_ROBOT]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.methods} {route.path}")
def test_a_route_says_what_it_is_for(route: APIRoute) -> None:
    assert not route.include_in_schema or (route.summary and route.tags)
