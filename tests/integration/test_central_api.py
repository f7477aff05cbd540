"""The central server's API, on a real file, without robots."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from central import accounts, inbox, outbox, requests, tables
from central.accounts import Tokens
from central.app import create_app
from central.store import Store

ADMIN, PASSWORD = "admin@central.example", "a long password"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "central.db")
    with opened.transaction() as tx:
        accounts.set_admin(tx, ADMIN, PASSWORD)
        tx.execute(
            tables.robot.insert().values(id="luna-01", connection={"state": "ONLINE"}, state={})
        )
        put(tx, "user", "u1", email="ada@example.org", first_name="Ada")
        put(tx, "book", "b1", title="Bücher lesen", author="Ann")
        put(tx, "copy", "c1", book_id="b1", status="AVAILABLE")
        put(tx, "book", "b2", title="Gone", author="Bob")
        put(tx, "copy", "c2", book_id="b2", status="CHECKED_OUT")
        put(tx, "waypoint", "w1", name="Room 101", location_code="ROOM-101")
    yield opened
    opened.close()


def put(tx: Any, entity: str, entity_id: str, **data: Any) -> None:
    inbox.put_record(tx, entity=entity, entity_id=entity_id, robot_id="luna-01", data=data)


@pytest.fixture
def nobody(store: Store, tmp_path: Path) -> TestClient:
    return TestClient(create_app(store, Tokens(tmp_path / "jwt.key"), None))


@pytest.fixture
def admin(nobody: TestClient) -> TestClient:
    answer = nobody.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD}).json()
    nobody.headers["Authorization"] = f"Bearer {answer['data']['access_token']}"
    return nobody


def ask(admin: TestClient, **changed: Any) -> tuple[int, Any]:
    body = {"book_id": "b1", "request_location": "room 101", "user_id": "u1", **changed}
    answer = admin.post(
        "/api/v1/requests", json={name: value for name, value in body.items() if value}
    )
    return answer.status_code, answer.json()


def told(store: Store) -> list[dict[str, Any]]:
    with store.transaction() as tx:
        return outbox.pending(tx, "luna-01", 0, 100)


@pytest.mark.parametrize(
    "path", ["/requests", "/books", "/users", "/robots", "/deliveries", "/notifications"]
)
def test_nothing_is_told_to_who_has_not_logged_in(nobody: TestClient, path: str) -> None:
    answer = nobody.get(f"/api/v1{path}")

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


def test_health_needs_no_login(nobody: TestClient) -> None:
    assert nobody.get("/health").json()["data"]["status"] == "ok"


@pytest.mark.parametrize(
    ("email", "password"), [(ADMIN, "wrong"), ("nobody@central.example", PASSWORD)]
)
def test_a_wrong_login_says_the_same_whoever_it_is(
    nobody: TestClient, email: str, password: str
) -> None:
    answer = nobody.post("/api/v1/auth/login", json={"email": email, "password": password})

    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "The address or the password is wrong."


def test_a_forged_token_is_refused(nobody: TestClient, tmp_path: Path) -> None:
    forged = Tokens(tmp_path / "other.key").make({"id": "x", "role": "ADMIN", "email": ADMIN})

    answer = nobody.get("/api/v1/books", headers={"Authorization": f"Bearer {forged}"})

    assert answer.status_code == 401


def test_books_are_searched_and_paged(admin: TestClient) -> None:
    found = admin.get("/api/v1/books", params={"q": "bucher"}).json()
    assert [book["id"] for book in found["data"]] == ["b1"]

    page = admin.get("/api/v1/books", params={"limit": 1, "page": 2}).json()
    assert page["pagination"] == {"page": 2, "limit": 1, "total": 2, "total_pages": 2}
    assert len(page["data"]) == 1


def test_a_percent_sign_is_no_wildcard(admin: TestClient) -> None:
    assert admin.get("/api/v1/books", params={"q": "%"}).json()["data"] == []


def test_a_request_and_what_the_robot_is_told_are_one(admin: TestClient, store: Store) -> None:
    status, answer = ask(admin)

    assert status == 201
    made = answer["data"]
    assert (made["status"], made["request_location"], made["robot_id"]) == (
        "PENDING",
        "ROOM-101",
        "luna-01",
    )
    (event,) = told(store)
    assert (event["seq"], event["type"], event["origin"]) == (1, "request.created", "central")
    assert event["data"]["id"] == made["id"] == event["entity_id"]
    assert admin.get(f"/api/v1/requests/{made['id']}").json()["data"]["status"] == "PENDING"


def test_a_request_can_be_made_for_an_address(admin: TestClient) -> None:
    status, answer = ask(admin, user_id=None, user_email="ADA@example.org")

    assert (status, answer["data"]["user_id"]) == (201, "u1")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"book_id": "nothing"}, 404, "NOT_FOUND"),
        ({"book_id": "b2"}, 409, "BOOK_NOT_AVAILABLE"),
        ({"request_location": "the moon"}, 422, "UNKNOWN_WAYPOINT"),
        ({"user_id": None}, 422, "VALIDATION_ERROR"),
        ({"user_id": None, "user_email": "ad"}, 422, "VALIDATION_ERROR"),
        ({"book_id": None}, 422, "VALIDATION_ERROR"),
        ({"surprise": 1}, 422, "VALIDATION_ERROR"),
    ],
)
def test_a_request_that_cannot_be_right_changes_nothing(
    admin: TestClient, store: Store, changed: dict[str, Any], status: int, code: str
) -> None:
    found, answer = ask(admin, **changed)

    assert (found, answer["error"]["code"]) == (status, code)
    assert told(store) == []


def test_a_cancellation_is_a_wish_until_the_robot_says_so(admin: TestClient, store: Store) -> None:
    request_id = ask(admin)[1]["data"]["id"]

    for _ in range(2):
        answer = admin.put(f"/api/v1/requests/{request_id}/cancel").json()
        assert answer["data"]["status"] == "PENDING" and answer["data"]["cancel_requested_at"]

    assert [event["type"] for event in told(store)] == ["request.created", "request.cancelled"]


def test_what_is_over_cannot_be_cancelled(admin: TestClient, store: Store) -> None:
    request_id = ask(admin)[1]["data"]["id"]
    with store.transaction() as tx:
        put(tx, "request", request_id, status="COMPLETED")

    assert admin.put(f"/api/v1/requests/{request_id}/cancel").status_code == 409


def test_a_request_that_the_robot_refused_is_cancelled_with_the_reason(
    admin: TestClient, store: Store
) -> None:
    request_id = ask(admin)[1]["data"]["id"]
    with store.transaction() as tx:
        requests.refused_by_robot(tx, "luna-01", 1, "BOOK_NOT_AVAILABLE: gone")

    found = admin.get(f"/api/v1/requests/{request_id}").json()["data"]
    assert (found["status"], found["refused"]) == ("CANCELLED", "BOOK_NOT_AVAILABLE: gone")


def test_with_several_robots_one_has_to_be_named(admin: TestClient, store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(tables.robot.insert().values(id="luna-02", connection={}, state={}))

    assert ask(admin)[0] == 422
    assert ask(admin, robot_id="luna-02")[1]["data"]["robot_id"] == "luna-02"


def test_robots_are_shown_as_they_last_told(admin: TestClient) -> None:
    (robot,) = admin.get("/api/v1/robots").json()["data"]

    assert (robot["id"], robot["connection"]) == ("luna-01", {"state": "ONLINE"})
    assert admin.get("/api/v1/robots/nobody").status_code == 404


def test_each_answer_bears_the_id_of_its_request(nobody: TestClient) -> None:
    for answer in (nobody.get("/health"), nobody.get("/api/v1/books")):
        assert answer.headers["X-Request-ID"] == answer.json()["meta"]["request_id"]


def test_the_token_is_of_the_same_type_as_the_robots(nobody: TestClient) -> None:
    answer = nobody.post("/api/v1/auth/login", json={"email": ADMIN, "password": PASSWORD}).json()

    assert answer["data"]["token_type"] == "Bearer"
