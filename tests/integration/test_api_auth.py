"""Accounts, tokens, and the shape of answers."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.support.served import ELSEWHERE, PASSWORD, PIN, SCREEN, Served, served


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


def register(library: Served, email: str, **changes: Any) -> Any:
    body = {"email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "L"}
    return library.asked_by().post("/api/v1/auth/register", json=body | changes)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_new_reader_is_a_student_and_signed_in(library: Served) -> None:
    answer = register(library, "New@Example.org")
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["user"]["role"] == "STUDENT"
    assert (data["token_type"], data["expires_in"]) == ("Bearer", 900)
    assert "password" not in answer.text
    assert "hash" not in answer.text
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    me = library.asked_by().get("/api/v1/auth/me", headers=headers).json()["data"]
    assert me == data["user"]


def test_nobody_registers_as_a_librarian(library: Served) -> None:
    assert code(register(library, "sly@example.org", role="LIBRARIAN")) == (422, "VALIDATION_ERROR")


def test_an_address_belongs_to_one(library: Served) -> None:
    assert code(register(library, "student@example.org")) == (409, "CONFLICT")


@pytest.mark.parametrize("password", ["short", "password123"])
def test_a_bad_password_is_refused(library: Served, password: str) -> None:
    answer = register(library, "weak@example.org", password=password)
    assert code(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["error"]["details"]["fields"]) == ["password"]


def test_unknown_name_and_wrong_password_are_answered_alike(library: Served) -> None:
    def login(email: str) -> dict[str, Any]:
        body = {"email": email, "password": "not it"}
        answer = library.asked_by().post("/api/v1/auth/login", json=body)
        assert answer.status_code == 401
        error: dict[str, Any] = answer.json()["error"]
        return error

    assert login("other@example.org") == login("nobody@example.org")


def test_a_refresh_token_is_good_once(library: Served) -> None:
    client = library.asked_by()
    first = register(library, "fresh@example.org").json()["data"]["refresh_token"]
    second = client.post("/api/v1/auth/refresh", json={"refresh_token": first})
    assert second.status_code == 200
    again = client.post("/api/v1/auth/refresh", json={"refresh_token": first})
    assert code(again) == (401, "UNAUTHENTICATED")
    # Somebody has a copy: the one that came of it is worth nothing either.
    later = {"refresh_token": second.json()["data"]["refresh_token"]}
    assert code(client.post("/api/v1/auth/refresh", json=later))[0] == 401


def test_of_fifty_refreshes_side_by_side_one_has_a_successor(library: Served) -> None:
    first = register(library, "race@example.org").json()["data"]["refresh_token"]
    client, together = library.asked_by(), threading.Barrier(50)

    def refresh() -> int:
        together.wait()
        return client.post("/api/v1/auth/refresh", json={"refresh_token": first}).status_code

    with ThreadPoolExecutor(50) as threads:
        answers = Counter(one.result() for one in [threads.submit(refresh) for _ in range(50)])
    assert answers == {200: 1, 401: 49}


def test_signing_out_ends_the_session(library: Served) -> None:
    data = register(library, "leaving@example.org").json()["data"]
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    token = {"refresh_token": data["refresh_token"]}
    client = library.asked_by()
    assert client.post("/api/v1/auth/logout", json=token, headers=headers).status_code == 200
    assert code(client.post("/api/v1/auth/refresh", json=token))[0] == 401


def test_too_many_wrong_passwords_lock_the_account(library: Served) -> None:
    register(library, "locked@example.org")
    client = library.asked_by()
    wrong = {"email": "locked@example.org", "password": "not it"}
    answers = [client.post("/api/v1/auth/login", json=wrong) for _ in range(12)]
    last = answers[-1]
    assert code(last) == (429, "ACCOUNT_LOCKED")
    assert int(last.headers["Retry-After"]) > 0
    right = {"email": "locked@example.org", "password": PASSWORD}
    assert code(client.post("/api/v1/auth/login", json=right)) == (429, "ACCOUNT_LOCKED")


@pytest.mark.parametrize("name", ["student@example.org", "card-student"])
def test_a_pin_signs_in_at_the_touchscreen_alone(library: Served, name: str) -> None:
    body = {"login": name, "pin": PIN}
    at_screen = library.asked_by(at=SCREEN).post("/api/v1/auth/pin-login", json=body)
    assert at_screen.json()["data"]["user"]["email"] == "student@example.org"
    elsewhere = library.asked_by(at=ELSEWHERE).post("/api/v1/auth/pin-login", json=body)
    assert elsewhere.status_code == 401
    wrong = {**body, "pin": "0000"}
    assert library.asked_by(at=SCREEN).post("/api/v1/auth/pin-login", json=wrong).status_code == 401


def test_a_new_password_needs_the_old_one(library: Served) -> None:
    data = register(library, "careful@example.org").json()["data"]
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    client, path = library.asked_by(), "/api/v1/auth/change-password"
    new = {"current_password": "not it", "new_password": "another good one"}
    assert code(client.put(path, json=new, headers=headers))[0] == 401
    new["current_password"] = PASSWORD
    assert client.put(path, json=new, headers=headers).status_code == 200
    login = {"email": "careful@example.org", "password": "another good one"}
    assert client.post("/api/v1/auth/login", json=login).status_code == 200


def test_one_changes_ones_own_name_and_not_ones_role(library: Served) -> None:
    data = register(library, "named@example.org").json()["data"]
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    client = library.asked_by()
    changed = client.put("/api/v1/auth/me", json={"first_name": "Grace"}, headers=headers)
    assert changed.json()["data"]["first_name"] == "Grace"
    sly = client.put("/api/v1/auth/me", json={"role": "ADMIN"}, headers=headers)
    assert code(sly) == (422, "VALIDATION_ERROR")


@pytest.mark.parametrize("header", ["Bearer rubbish", "Basic YTpi", "Bearer", ""])
def test_a_bad_token_is_refused_even_at_the_robot(library: Served, header: str) -> None:
    headers = {"Authorization": header}
    answer = library.asked_by(at=SCREEN).get("/api/v1/books", headers=headers)
    assert code(answer) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "NOT_FOUND")),
        ("GET", "/api/v1/nowhere", (404, "NOT_FOUND")),
        ("GET", "/api/v1/books/none", (404, "NOT_FOUND")),
        ("PATCH", "/health", (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/api/v1/books?page=0", (422, "VALIDATION_ERROR")),
        ("GET", "/api/v1/books?limit=101", (422, "VALIDATION_ERROR")),
        ("GET", "/api/v1/books?sort=id;drop", (422, "VALIDATION_ERROR")),
        ("GET", "/api/v1/books?sort=nothing", (422, "VALIDATION_ERROR")),
        ("GET", "/api/v1/auth/me", (401, "UNAUTHENTICATED")),
        ("GET", "/api/v1/requests", (401, "UNAUTHENTICATED")),
        ("GET", "/api/v1/deliveries", (401, "UNAUTHENTICATED")),
        ("POST", "/api/v1/robot/pause", (401, "UNAUTHENTICATED")),
        ("POST", "/api/v1/robot/emergency-stop/reset", (401, "UNAUTHENTICATED")),
    ],
)
def test_errors_have_the_envelope(
    library: Served, method: str, path: str, expected: tuple[int, str]
) -> None:
    answer = library.asked_by(at=SCREEN).request(method, path)
    assert code(answer) == expected
    assert answer.json()["meta"]["request_id"] == answer.headers["X-Request-ID"]


def test_a_sane_request_id_is_kept_and_another_replaced(library: Served) -> None:
    client = library.asked_by()
    kept = client.get("/health", headers={"X-Request-ID": "trace-42"})
    assert kept.json()["meta"]["request_id"] == kept.headers["X-Request-ID"] == "trace-42"
    for bad in ("a b", "x" * 65, "<script>"):
        answer = client.get("/health", headers={"X-Request-ID": bad})
        assert answer.headers["X-Request-ID"] not in (bad, "")


def test_a_crash_is_an_envelope_without_a_trace(
    library: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("api.routers.books.catalogue.get", crash)
    answer = library.asked_by(at=SCREEN).get("/api/v1/books/any")
    assert code(answer) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"', b"null", b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(library: Served, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = library.asked_by().post("/api/v1/auth/login", content=content, headers=headers)
    assert code(answer) in ((422, "VALIDATION_ERROR"), (400, "BAD_REQUEST"))


def test_a_body_that_is_too_long_is_refused(library: Served) -> None:
    body = {"email": "a", "password": "b" * 70_000}
    answer = library.asked_by().post("/api/v1/auth/login", json=body)
    assert code(answer) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9"])
def test_another_sites_page_changes_nothing(library: Served, origin: str) -> None:
    headers = {"Origin": origin}
    screen = library.asked_by(at=SCREEN)
    for path in ("/api/v1/auth/login", "/api/v1/robot/emergency-stop"):
        assert code(screen.post(path, json={}, headers=headers)) == (403, "FORBIDDEN")
    assert screen.get("/health", headers=headers).status_code == 200


def test_a_name_of_theirs_that_points_to_us_is_no_touchscreen(library: Served) -> None:
    headers = {"Host": "evil.example"}
    answer = library.asked_by(at=SCREEN).get("/api/v1/books", headers=headers)
    assert code(answer)[0] == 401


def test_the_log_says_which_request_it_was(
    library: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("api.routers.books.catalogue.get", crash)
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as told:
        library.asked_by(at=SCREEN).get("/api/v1/books/any", headers={"X-Request-ID": "trace-7"})
    assert [one["request_id"] for one in told] == ["trace-7"]
