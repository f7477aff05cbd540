"""What a curious student sends: an envelope, the right code, nothing changed and nothing leaked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest
import structlog

from tests.support.served import ELSEWHERE, KEY, Served, served

ID = "019a8f3c-5b1e-7c64-9d2a-3f8e6b7a1c05"
BOOKS = "/api/v1/books"
TRICKS = {
    "nul": "a\x00b",
    "right to left": "\u202eevil\u202c",
    "combining": "a" + "\u0301" * 150,
    "emoji": "👩🏽‍🚀" * 10,
    "private use": "\ue000\uf8ff",
    "not a character": "\ufffe\uffff",
    "newlines": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "sql": "'; DROP TABLE book; --",
    "fts": '" OR title:* NEAR( AND',
    "html": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "percent": "%00%2e%2e%2f",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


def code(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"success", "error", "meta"}
    assert body["meta"]["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS.keys())
def test_a_trick_is_a_text_like_any_other(library: Served, text: str) -> None:
    librarian = library.asked_by("librarian")
    made = librarian.post(BOOKS, json={"title": f"x{text}x", "author": "A"})
    assert made.status_code == 201, made.text
    path = f"{BOOKS}/{made.json()['data']['id']}"
    assert librarian.get(path).json()["data"]["title"].startswith("x")
    for query in ("q", "author", "location"):
        assert librarian.get(BOOKS, params={query: text[:190]}).status_code == 200
    assert code(librarian.get(BOOKS, params={"status": text[:50]})) == (422, "VALIDATION_ERROR")
    assert librarian.get(f"{BOOKS}/{ID}{quote(text[:20], safe='')}").status_code == 404
    assert librarian.delete(path).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"title": }',
        b"\xff\xfe{}",
        b'{"title": "\\ud800", "author": "A"}',
        b'{"title": NaN, "author": "A"}',
        b'{"title": "a", "author": "A", "publication_year": 1e999}',
        b"[" * 20_000,
        b'{"a":' * 10_000,
        b'{"title": "a", "title": ["b"], "author": "A"}',
        b'{"title": "a", "author": "A", "__proto__": {}}',
        b'{"title": "a", "author": "A", "copies": {}}',
    ],
    ids=lambda one: one[:24].decode("latin-1"),
)
def test_a_body_that_is_no_book_makes_none(library: Served, content: bytes) -> None:
    librarian = library.asked_by("librarian")
    before = library.database.data_version()
    headers = {"Content-Type": "application/json"}
    answer = librarian.post(BOOKS, content=content, headers=headers)
    assert code(answer) in ((422, "VALIDATION_ERROR"), (400, "BAD_REQUEST"))
    assert library.database.data_version() == before


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1"},
        {"page": "0"},
        {"page": "1e9"},
        {"page": "99999999999999999999"},
        {"limit": "-5"},
        {"limit": "101"},
        {"limit": ""},
        {"sort": "id;--"},
        {"sort": "password_hash"},
        {"order": "up"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "path",
    [
        BOOKS,
        "/api/v1/requests",
        "/api/v1/returns",
        "/api/v1/deliveries",
        "/api/v1/users",
        "/api/v1/audit",
        f"{BOOKS}/imports",
    ],
)
def test_a_page_that_cannot_be_is_refused(
    library: Served, path: str, query: dict[str, str]
) -> None:
    answer = library.asked_by("admin").get(path, params=query)
    assert code(answer) == (422, "VALIDATION_ERROR")
    assert set(answer.json()["error"]["details"]["fields"]) == set(query)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{BOOKS}/{ID}"),
        ("PUT", f"{BOOKS}/{ID}"),
        ("DELETE", f"{BOOKS}/{ID}"),
        ("GET", f"{BOOKS}/{ID}/availability"),
        ("PUT", f"{BOOKS}/copies/{ID}"),
        ("GET", f"{BOOKS}/imports/{ID}"),
        ("POST", f"{BOOKS}/imports/{ID}/commit"),
        ("POST", f"{BOOKS}/imports/{ID}/undo"),
        ("GET", f"/api/v1/users/{ID}"),
        ("PATCH", f"/api/v1/users/{ID}"),
        ("GET", f"/api/v1/requests/{ID}"),
        ("PUT", f"/api/v1/requests/{ID}/approve"),
        ("GET", f"/api/v1/returns/{ID}"),
        ("GET", f"/api/v1/deliveries/{ID}"),
        ("PUT", f"/api/v1/deliveries/{ID}/cancel"),
        ("GET", f"/api/v1/notifications/{ID}"),
    ],
)
def test_an_id_that_never_was_is_not_found(library: Served, method: str, path: str) -> None:
    body: dict[str, Any] = {"json": {}} if method in ("PUT", "PATCH") else {}
    admin = library.asked_by("admin")
    before = library.database.data_version()
    assert code(admin.request(method, path, **body)) == (404, "NOT_FOUND")
    assert library.database.data_version() == before


def forged(library: Served, **changes: Any) -> Iterator[tuple[str, str]]:
    """Tokens that are nearly right."""
    good = library.asked_by("admin").headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, KEY, ["HS256"])
    yield "no algorithm", jwt.encode(claims, "", "none")
    yield "another key", jwt.encode(claims, "k" * 40, "HS256")
    yield "another algorithm", jwt.encode(claims, KEY * 2, "HS512")
    yield "over", jwt.encode({**claims, "exp": 1}, KEY, "HS256")
    yield "no end", jwt.encode({k: v for k, v in claims.items() if k != "exp"}, KEY, "HS256")
    yield "no session", jwt.encode({**claims, "sid": ID}, KEY, "HS256")
    yield "another role", jwt.encode({**claims, "role": "ROOT"}, KEY, "HS256")
    head, body, signature = good.split(".")
    yield "a changed body", f"{head}.{body[:-2]}AA.{signature}"
    yield "no signature", f"{head}.{body}."
    yield "a changed signature", f"{head}.{body}.{signature[:-3]}AAA"


def test_a_token_that_is_nearly_right_is_wrong(library: Served) -> None:
    client = library.asked_by(at=ELSEWHERE)
    for what, token in forged(library):
        answer = client.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"})
        wanted = "TOKEN_EXPIRED" if what == "over" else "UNAUTHENTICATED"
        assert code(answer) == (401, wanted), what
        assert token not in answer.text


@pytest.mark.parametrize("key", ["", "x" * 201, "\u00e9" * 10])
def test_an_odd_idempotency_key_is_no_crash(library: Served, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode()), (b"Content-Type", b"application/json")]
    body = json.dumps({"title": "a", "author": "A"})
    answer = library.asked_by("librarian").post(BOOKS, content=body, headers=headers)
    assert answer.status_code in (201, 422), answer.text


def test_what_was_refused_and_what_was_changed_is_written_down(library: Served) -> None:
    admin = library.asked_by("admin")
    merged = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=merged) as told:
        library.asked_by().get("/api/v1/users", headers={"X-Request-ID": "trace-8"})
        admin.patch(f"/api/v1/users/{ID}", json={})
        admin.get("/api/v1/users")
    lines = [one for one in told if one["event"] == "request"]
    facts = [(one["method"], one["route"], one["status"], one["reason"]) for one in lines[-2:]]
    assert facts == [
        ("GET", "/api/v1/users", 401, "UNAUTHENTICATED"),
        ("PATCH", "/api/v1/users/{user_id}", 404, "NOT_FOUND"),
    ]
    assert lines[-2]["request_id"] == "trace-8"
    assert not any(ID in str(one) for one in lines)


def test_an_operator_sees_who_guesses(library: Served) -> None:
    client = library.asked_by()
    client.post("/api/v1/auth/login", json={"email": "no@example.org", "password": "x"})
    told = client.get("/metrics").text
    assert 'luna_sign_ins_total{outcome="refused"}' in told
    assert 'luna_part_ready{part="store"} 1.0' in told
    waiting = next(line for line in told.splitlines() if line.startswith("luna_outbox_waiting"))
    assert float(waiting.split()[1]) > 0
