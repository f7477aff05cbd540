"""The OpenAPI document: complete on every route, and the same as the one that is checked in."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from api import document, openapi
from api.document import bare_app

CHECKED_IN = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
COMMAND = "python -m api.document docs/openapi.json"

APP = bare_app()
DOCUMENT = APP.openapi()


def operations() -> Iterator[Any]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(operation, id=f"{method.upper()} {path}")


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is sent and what is answered: where, and the media type's schema and example."""
    for where, body in {"sent": operation.get("requestBody", {}), **operation["responses"]}.items():
        resolved = body
        if "$ref" in body:
            resolved = DOCUMENT["components"]["responses"][body["$ref"].rpartition("/")[2]]
        for kind, media in resolved.get("content", {}).items():
            if kind == "application/json":
                yield where, media


def test_the_document_that_is_checked_in_is_this_one() -> None:
    same = CHECKED_IN.read_text(encoding="utf-8") == document.text(DOCUMENT)
    assert same, f"The contract has changed. Look at the difference after: {COMMAND}"


@pytest.mark.parametrize("operation", list(operations()))
def test_an_operation_says_what_it_is_for_and_for_whom(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["tags"][0] in openapi.TAGS
    assert operation["description"].endswith(f"Role: {operation['x-role']}.")
    assert (operation["security"] == []) == (operation["x-role"] == "anyone")
    assert re.fullmatch(r"[a-z]+_[a-z_]+", operation["operationId"])


@pytest.mark.parametrize("operation", list(operations()))
def test_an_operation_has_its_error_answers(operation: dict[str, Any]) -> None:
    statuses = set(operation["responses"])
    assert statuses & {"200", "201", "204", "303"}
    if operation["x-role"] != "anyone":
        assert statuses >= {"401", "403"}
    if "requestBody" in operation:
        assert statuses >= {"400", "413", "422"}
    if operation["tags"][0] != "stop":
        assert "429" in statuses


@pytest.mark.parametrize("operation", list(operations()))
def test_every_body_has_an_example_that_fits(operation: dict[str, Any]) -> None:
    for where, media in bodies(operation):
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        assert "example" in media, where
        jsonschema.validate(media["example"], schema)


def test_names_of_operations_are_unique() -> None:
    names = [one.values[0]["operationId"] for one in operations()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_the_pages_need_nothing_from_elsewhere(page: str) -> None:
    client = TestClient(APP, "http://127.0.0.1", client=("127.0.0.1", 40001))
    answer = client.get(page)
    assert answer.status_code == 200
    assert "//" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "http" not in policy
    names = re.findall(r'(?:src|href|spec-url)="([^"]+)"', answer.text)
    assert len(names) >= 3
    for name in names:
        file = client.get(f"/{name}")
        assert file.status_code == 200 and len(file.content) > 50, name
    assert client.get("/docs/../app.py").status_code == 404
    assert client.get("/docs/passwords").status_code == 404
