"""The OpenAPI document: what FastAPI finds out by itself, with roles, error answers and examples on every route.

`python -m api.document docs/openapi.json` writes it; a test says when that file is not the same any more.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api import examples
from api.deps import OPEN, STOP, Policy, policies_of
from api.routes import routes_of
from api.schemas.base import Failure
from edge.domain.users import Role

DESCRIPTION = """The robot's own contract, served from its own store, with or without a network.

Every answer is an envelope: `success`, `data` or `error`, and `meta` with the `request_id` that is also in the header
`X-Request-ID` and in the robot's log. Sign in by `POST /api/v1/auth/login` and send the access token as
`Authorization: Bearer …`. A `POST` that creates takes an `Idempotency-Key`; a change takes `If-Match`.

Live events: a WebSocket at `/api/v1/ws`. Send `{"type": "auth", "token": "…"}` within 5 s, then
`{"type": "subscribe", "channels": ["robot", "tasks", "notifications"], "last_id": 0}`; a newer token is sent the same
way as the first. It ends with its token or its session, by the code 4401."""

TAGS = {
    "auth": "Accounts and sessions.",
    "oidc": "Signing in by somebody else's word.",
    "books": "The catalogue.",
    "imports": "Catalogue files in and out.",
    "requests": "Readers ask for books to be brought.",
    "returns": "Readers give books back.",
    "deliveries": "The robot's tasks.",
    "stop": "STOP, its reset, and going on after it.",
    "robot": "How the robot is, and orders to it.",
    "places": "Places, lanes and the map.",
    "notifications": "What people are told.",
    "users": "Accounts, as admins manage them.",
    "audit": "Who did what.",
    "health": "Alive, ready, and in numbers.",
    "docs": "This document.",
}

ERRORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "400": ("BAD_REQUEST", "What was sent cannot be read.", {}),
    "401": ("UNAUTHENTICATED", "Sign in first.", {}),
    "403": ("FORBIDDEN", "Your role may not do this.", {}),
    "404": ("NOT_FOUND", "There is no such thing, or it is not yours.", {}),
    "409": ("CONFLICT", "Not now: the record is in another state.", {}),
    "413": ("PAYLOAD_TOO_LARGE", "A body has at most 65536 bytes.", {}),
    "422": (
        "VALIDATION_ERROR",
        "What was sent cannot be right.",
        {"fields": {"title": ["Field required"]}},
    ),
    "429": ("RATE_LIMITED", "Too much at once.", {}),
    "507": ("STORAGE_FULL", "The robot's disk is full.", {}),
    "503": ("ROBOT_UNAVAILABLE", "The motion gate does not answer.", {}),
}
RETRY = {"Retry-After": {"description": "s", "schema": {"type": "integer"}}}


def install(app: FastAPI, modules: Iterable[Any]) -> None:
    """Have `app` give this document. `modules`: those of its routers."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = build(app, modules)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def operation_id(route: APIRoute) -> str:
    """Short, for clients that are generated: `books_search`."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def build(app: FastAPI, modules: Iterable[Any]) -> dict[str, Any]:
    for route in routes_of(modules):
        route.unique_id = operation_id(route)
    found: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    found["tags"] = [{"name": name, "description": said} for name, said in TAGS.items()]
    components = found["components"]
    components["responses"] = {status: _failure(status) for status in ERRORS}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    failure = Failure.model_json_schema(ref_template=examples.REF + "{model}")
    components["schemas"] |= failure.pop("$defs") | {"Failure": failure}
    for route, operation in _operations(modules, found):
        (policy,) = policies_of(route)
        _complete(operation, route, policy)
        _plain(operation.get("parameters", []))
        examples.add(operation, components["schemas"])
    return found


def _operations(
    modules: Iterable[Any], found: dict[str, Any]
) -> Iterator[tuple[APIRoute, dict[str, Any]]]:
    for route in routes_of(modules):
        for method in route.methods or ():
            if route.include_in_schema:
                yield route, found["paths"][route.path_format][method.lower()]


def _complete(operation: dict[str, Any], route: APIRoute, policy: Policy) -> None:
    said = operation.get("description", "")
    operation["description"] = f"{said}\n\nRole: {policy.name}.".strip()
    operation["x-role"] = policy.name
    without: list[dict[str, Any]] = [{}] if Role.KIOSK in policy.roles or policy is STOP else []
    operation["security"] = [] if policy is OPEN else [*without, {"bearer": []}]
    for status in _statuses(operation, route, policy):
        operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _plain(parameters: list[dict[str, Any]]) -> None:
    """What is not said in an address is left out there: no parameter is ever null."""
    for one in parameters:
        kinds = one["schema"].pop("anyOf", [])
        others = [kind for kind in kinds if kind != {"type": "null"}]
        if len(others) == 1:
            one["schema"] |= others[0]
        elif others:
            one["schema"]["anyOf"] = others


def _statuses(operation: dict[str, Any], route: APIRoute, policy: Policy) -> Iterator[str]:
    """What can go wrong here."""
    changes = route.methods != {"GET"} or route.path.endswith("/callback")
    sends = "requestBody" in operation
    told = {
        "400": sends,
        "401": policy is not OPEN or "/auth/" in route.path,
        "403": changes or policy is not OPEN,
        "404": "{" in route.path or changes or route.path.endswith("/map"),
        "409": changes,
        "413": sends,
        "422": sends or bool(operation.get("parameters")),
        "429": policy is not STOP,
        "503": route.path not in ("/health", "/metrics"),
        "507": changes and policy is not STOP,
    }
    return (status for status, possible in told.items() if possible)


def _failure(status: str) -> dict[str, Any]:
    code, message, details = ERRORS[status]
    error = {"code": code, "message": message, "details": details}
    answer: dict[str, Any] = {
        "description": message,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Failure"},
                "example": {"success": False, "error": error, "meta": examples.META},
            }
        },
    }
    return answer | ({"headers": RETRY} if status in ("429", "503") else {})
