"""Examples for the OpenAPI document, made from the schemas and from what fields are called: so none is forgotten."""

from collections.abc import Iterator
from typing import Any

ID = "019a8f3c-5b1e-7c64-9d2a-3f8e6b7a1c05"
TIME = "2026-01-31T09:00:00.000Z"
META = {"timestamp": TIME, "request_id": "trace-42"}

REF = "#/components/schemas/"

BY_NAME: dict[str, Any] = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "action": "book.update",
    "actor": ID,
    "author": "Jane Austen",
    "barcode": "B0001",
    "battery_level": 0.82,
    "book_id": ID,
    "call_number": "823.7 AUS",
    "card_number": "2000012345",
    "copies_available": 1,
    "copies_total": 2,
    "copy_id": ID,
    "cover_image_url": "https://covers.example/9780141439587.jpg",
    "current_password": "a long enough secret",
    "deadline": TIME,
    "description": "A novel about youthful hubris.",
    "destination_location": "R1",
    "details": {},
    "email": "ada@example.org",
    "end": "019a8f3c-5b1e-7c64-9d2a-3f8e6b7a1c06",
    "eta": TIME,
    "event_id": ID,
    "expires_at": TIME,
    "expires_in": 900,
    "file": "title,author\nEmma,Jane Austen\n",
    "file_name": "spring.csv",
    "first_name": "Ada",
    "frame": "map",
    "history": [],
    "image": "data:image/png;base64,iVBORw0KGgo=",
    "isbn": "9780141439587",
    "issuer": ID,
    "kind": "room",
    "last_name": "Lovelace",
    "limit": 20,
    "line": 2,
    "location": "R1",
    "location_code": "R1",
    "login": "ada@example.org",
    "message": "LUNA is at Study room 1 with “Emma”.",
    "metadata": {},
    "name": "Study room 1",
    "new_password": "another long secret",
    "not_before": TIME,
    "notes": "By the window, please.",
    "origin": "luna-01",
    "page": 1,
    "password": "a long enough secret",
    "phone_number": "+49 30 1234567",
    "pickup_location": "R1",
    "pin": "2468",
    "preferences": {"DELIVERY_UPDATE": {"in_app": True, "touchscreen": True, "mqtt": False}},
    "publication_year": 1815,
    "publisher": "Penguin",
    "reason": "it has no title",
    "refresh_token": "kP0x3Jq8vT5nW2yB7cZ4mF9hL6dS1aR",
    "request_id": ID,
    "request_location": "R1",
    "resolution": 0.05,
    "robot_id": "luna-01",
    "robot_name": "LUNA 01",
    "shelf_location": "A",
    "source_location": "DESK1",
    "start": ID,
    "theta": 1.57,
    "title": "Emma",
    "token": "kP0x3Jq8vT5nW2yB7cZ4mF9hL6dS1aR",
    "total": 1,
    "total_pages": 1,
    "user_id": ID,
    "version": 1,
}
"""By the field's name. What does not fit the field's schema is passed over."""


def add(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Put examples beside the schemas of an operation's bodies."""
    for media in _media(operation):
        if "schema" in media and "example" not in media:
            media["example"] = example(media["schema"], schemas)


def example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """A value that fits `schema`. `schemas`: what it may refer to; `name`: of the field."""
    schema = _resolved(schema, schemas)
    for key in ("example", "const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    if schema.get("examples"):
        return schema["examples"][0]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return example(choices[0], schemas, name)
    if "enum" in schema:
        wanted = BY_NAME.get(name)
        return wanted if wanted in schema["enum"] else schema["enum"][0]
    return _by_type(schema, schemas, name)


def _by_type(schema: dict[str, Any], schemas: dict[str, Any], name: str) -> Any:
    known, kind = BY_NAME.get(name), schema.get("type")
    match kind:
        case "object":
            return known if isinstance(known, dict) else _object(schema, schemas)
        case "array":
            return known if isinstance(known, list) else [example(schema["items"], schemas, name)]
        case "string":
            return known if isinstance(known, str) else _text(name)
        case "boolean":
            return True
        case "integer" | "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
            fallback = max(1, least) if least >= 0 else 1
            return known if isinstance(known, int | float) else fallback
    return known if known is not None else {}


def _object(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    fields = schema.get("properties")
    if fields is None:
        return {}
    return {
        name: META if name == "meta" else example(one, schemas, name)
        for name, one in fields.items()
    }


def _text(name: str) -> str:
    if name.endswith("_at") or name in ("at", "since", "last_heartbeat", "timestamp"):
        return TIME
    if name == "id" or name.endswith("_id"):
        return ID
    return "text"


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(REF)]
    return schema


def _media(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        yield from body.get("content", {}).values()
