"""A book asked for, brought and handed over, over HTTP on a real store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.schemas import books, notifications, work
from edge.domain.tasks import TaskEvent
from edge.services import catalogue
from tests.support.served import SCREEN, TO_THE_ROOM, Served, served


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def code(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert body["success"] is False
    assert body["meta"]["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


def test_a_request_is_a_task_in_the_queue_at_once(library: Served) -> None:
    request = library.request()
    assert request["status"] == "APPROVED"
    queue = get(library.asked_by("librarian"), "/api/v1/robot/tasks", limit=100)
    (task,) = [one for one in queue if one["id"] == request["task_id"]]
    assert (task["status"], task["source_location"], task["destination_location"]) == (
        "QUEUED",
        "DESK1",
        "R1",
    )


def test_who_waits_is_told_when_and_after_how_many(tmp_path: Path) -> None:
    """By a robot that nobody has taught yet how little time people take in other tests."""
    with served(tmp_path) as library:
        before, request = library.request(), library.request()
        student = library.asked_by("student")
        path = f"/api/v1/requests/{request['id']}"
        waiting, first = get(student, path), get(student, f"/api/v1/requests/{before['id']}")
        assert waiting["eta"] > request["requested_at"]
        assert waiting["queue_place"] == first["queue_place"] + 1
        cancelled = student.put(f"{path}/cancel").json()["data"]
        assert cancelled["status"] == "CANCELLED"
        over = get(student, path)
        assert (over.get("eta"), over.get("queue_place")) == (None, None)


def test_the_pin_is_for_its_owner_alone(library: Served) -> None:
    request = library.request()
    path = f"/api/v1/requests/{request['id']}"
    assert get(library.asked_by("student"), path)["pin"] == request["pin"]
    assert "pin" not in get(library.asked_by("librarian"), path)
    listed = get(library.asked_by("librarian"), "/api/v1/requests", limit=100)
    assert listed
    assert not any("pin" in one for one in listed)


def test_another_students_request_is_not_there(library: Served) -> None:
    request = library.request()
    other = library.asked_by("other")
    path = f"/api/v1/requests/{request['id']}"
    assert code(other.get(path)) == (404, "NOT_FOUND")
    assert code(other.put(f"{path}/cancel")) == (404, "NOT_FOUND")
    assert code(other.put(f"{path}/complete")) == (404, "NOT_FOUND")
    pin = {"pin": request["pin"]}
    assert code(other.put(f"{path}/complete", json=pin)) == (404, "NOT_FOUND")
    assert request["id"] not in [one["id"] for one in get(other, "/api/v1/requests", limit=100)]
    assert code(library.asked_by("librarian").put(f"{path}/cancel")) == (404, "NOT_FOUND")


def test_the_story_to_its_end(library: Served) -> None:
    request, librarian = library.request(), library.asked_by("librarian")
    task_path = f"/api/v1/deliveries/{request['task_id']}"
    library.drive(request["task_id"], TaskEvent.ASSIGN, TaskEvent.START, TaskEvent.ARRIVE)
    placed = librarian.put(f"{task_path}/book-placed").json()["data"]
    assert (placed["status"], placed["step"]) == ("IN_PROGRESS", "TO_DESTINATION")
    library.drive(request["task_id"], TaskEvent.ARRIVE)
    done = library.asked_by("student").put(f"/api/v1/requests/{request['id']}/complete")
    assert done.json()["data"]["status"] == "COMPLETED"
    task = get(librarian, task_path)
    assert task["status"] == "COMPLETED"
    events = [one["event"] for one in task["history"]]
    assert events[-3:] == ["load", "arrive", "hand_over"]
    assert get(librarian, f"{task_path}/history") == task["history"]
    copy = library.database.read(lambda reader: catalogue.get_copy(reader, request["copy_id"]))
    assert (copy.status, copy.location) == ("CHECKED_OUT", f"user:{request['user_id']}")
    told = get(library.asked_by("student"), "/api/v1/notifications", limit=100)
    assert "ROBOT_ARRIVED" in {one["type"] for one in told}


def test_at_the_touchscreen_the_pin_is_enough_and_needed(library: Served) -> None:
    request = library.request()
    library.drive(request["task_id"], *TO_THE_ROOM)
    screen, path = library.asked_by(at=SCREEN), f"/api/v1/requests/{request['id']}/complete"
    wrong = "0000" if request["pin"] != "0000" else "1111"
    assert code(screen.put(path)) == (403, "FORBIDDEN")
    assert code(screen.put(path, json={"pin": wrong})) == (403, "FORBIDDEN")
    assert code(library.asked_by().put(path, json={"pin": request["pin"]}))[0] == 401
    assert screen.put(path, json={"pin": request["pin"]}).json()["data"]["status"] == "COMPLETED"


def test_nothing_is_handed_over_before_the_robot_is_there(library: Served) -> None:
    request = library.request()
    answer = library.asked_by("student").put(f"/api/v1/requests/{request['id']}/complete")
    assert code(answer) == (409, "INVALID_TRANSITION")
    assert set(answer.json()["error"]["details"]) == {"from", "to", "allowed"}


def test_a_book_whose_copies_are_all_out_is_not_available(library: Served) -> None:
    book = library.book()
    student, body = library.asked_by("student"), {"book_id": book.id, "request_location": "R1"}
    assert student.post("/api/v1/requests", json=body).status_code == 201
    answer = student.post("/api/v1/requests", json=body)
    assert code(answer) == (409, "BOOK_NOT_AVAILABLE")
    details = answer.json()["error"]["details"]
    assert details == {"book_id": book.id, "current_status": "RESERVED"}


def test_cancelling_frees_the_copy(library: Served) -> None:
    request = library.request()
    answer = library.asked_by("student").put(f"/api/v1/requests/{request['id']}/cancel")
    assert answer.json()["data"]["status"] == "CANCELLED"
    book = get(library.asked_by("student"), f"/api/v1/books/{request['book_id']}")
    assert book["status"] == "AVAILABLE"


def test_an_unknown_place_or_book_makes_nothing(library: Served) -> None:
    student, book = library.asked_by("student"), library.book()
    before = len(get(student, "/api/v1/requests", limit=100))
    nowhere = student.post(
        "/api/v1/requests", json={"book_id": book.id, "request_location": "Mars"}
    )
    assert code(nowhere) == (422, "UNKNOWN_WAYPOINT")
    no_book = student.post("/api/v1/requests", json={"book_id": "none", "request_location": "R1"})
    assert code(no_book) == (404, "NOT_FOUND")
    extra = {"book_id": book.id, "request_location": "R1", "priority": "URGENT"}
    refused = student.post("/api/v1/requests", json=extra)
    assert code(refused) == (422, "VALIDATION_ERROR")
    assert list(refused.json()["error"]["details"]["fields"]) == ["priority"]
    assert len(get(student, "/api/v1/requests", limit=100)) == before


def test_the_same_key_gives_the_first_answer_again(library: Served) -> None:
    student, book = library.asked_by("student"), library.book(copies=3)
    body = {"book_id": book.id, "request_location": "R1"}
    key = {"Idempotency-Key": "once-only"}
    first = student.post("/api/v1/requests", json=body, headers=key)
    again = student.post("/api/v1/requests", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["data"] == again.json()["data"]
    other_body = student.post("/api/v1/requests", json={**body, "notes": "!"}, headers=key)
    assert code(other_body) == (409, "CONFLICT")
    other_user = library.asked_by("other").post("/api/v1/requests", json=body, headers=key)
    assert other_user.json()["data"]["id"] != first.json()["data"]["id"]
    assert get(student, f"/api/v1/books/{book.id}")["copies_available"] == 1


def test_a_book_is_given_back(library: Served) -> None:
    request = library.request()
    library.drive(request["task_id"], *TO_THE_ROOM, TaskEvent.HAND_OVER)
    student, body = library.asked_by("student"), {"book_id": request["book_id"]}
    made = student.post("/api/v1/returns", json={**body, "pickup_location": "R1"}).json()["data"]
    assert made["status"] == "PICKUP_SCHEDULED"
    path = f"/api/v1/returns/{made['id']}"
    assert code(library.asked_by("other").get(path)) == (404, "NOT_FOUND")
    assert code(library.asked_by("other").put(f"{path}/picked-up")) == (404, "NOT_FOUND")
    library.drive(made["task_id"], TaskEvent.ASSIGN, TaskEvent.START, TaskEvent.ARRIVE)
    assert student.put(f"{path}/picked-up").json()["data"]["status"] == "PICKED_UP"
    assert code(student.put(f"{path}/cancel")) == (409, "INVALID_TRANSITION")
    assert made["id"] in [one["id"] for one in get(student, "/api/v1/returns", limit=100)]


def test_notifications_are_ones_own(library: Served) -> None:
    library.request()
    library.request()
    student, other = library.asked_by("student"), library.asked_by("other")
    newest = get(student, "/api/v1/notifications", unread_only=True)[0]
    path = f"/api/v1/notifications/{newest['id']}"
    assert code(other.get(path)) == (404, "NOT_FOUND")
    assert code(other.put(f"{path}/read")) == (404, "NOT_FOUND")
    assert code(other.delete(path)) == (404, "NOT_FOUND")
    assert student.put(f"{path}/read").json()["data"]["read"] is True
    assert student.put("/api/v1/notifications/read-all").json()["data"]["marked"] > 0
    assert get(student, "/api/v1/notifications", unread_only=True) == []
    assert student.delete(path).status_code == 204
    assert code(student.get(path)) == (404, "NOT_FOUND")


def test_librarians_steer_deliveries(library: Served) -> None:
    librarian = library.asked_by("librarian")
    body = {"source_location": "DESK1", "destination_location": "R1", "priority": "HIGH"}
    for kind in ("inter-staff", "workstation", "transfer"):
        made = librarian.post(f"/api/v1/deliveries/{kind}", json=body)
        assert made.status_code == 201, made.text
        path = f"/api/v1/deliveries/{made.json()['data']['id']}"
        urgent = librarian.put(f"{path}/priority", json={"priority": "URGENT"}).json()["data"]
        assert urgent["priority"] == "URGENT"
        assert librarian.put(f"{path}/cancel").json()["data"]["status"] == "CANCELLED"
    cancelled = get(librarian, "/api/v1/deliveries", status="CANCELLED", task_type="TRANSFER")
    assert [one["task_type"] for one in cancelled] == ["TRANSFER"]


def test_answers_are_what_the_schema_says(library: Served) -> None:
    request, student = library.request(), library.asked_by("student")
    librarian = library.asked_by("librarian")
    work.Request.model_validate(request, extra="forbid")
    task = get(librarian, f"/api/v1/deliveries/{request['task_id']}")
    work.Task.model_validate(task, extra="forbid")
    books.Book.model_validate(get(student, f"/api/v1/books/{request['book_id']}"), extra="forbid")
    for one in get(student, "/api/v1/notifications"):
        notifications.Notification.model_validate(one, extra="forbid")


def test_a_time_without_a_zone_is_the_librarys(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[library]\ntime_zone = "Europe/Berlin"\n')
    with served(tmp_path) as library:
        body = {"book_id": library.book().id, "request_location": "R1"}
        later = body | {"not_before": "2099-07-01T09:30:00"}
        made = library.asked_by("student").post("/api/v1/requests", json=later)
        task = made.json()["data"]["task_id"]
        found = library.asked_by("librarian").get(f"/api/v1/deliveries/{task}").json()["data"]
        assert found["not_before"] == "2099-07-01T07:30:00.000Z"
        trip = {"source_location": "DESK1", "destination_location": "R1"}
        trip |= {"not_before": "2099-10-25T02:30", "deadline": "2099-10-25T03:30"}
        sent = library.asked_by("librarian").post("/api/v1/deliveries/transfer", json=trip)
        told = sent.json()["data"]
        assert told["not_before"] == "2099-10-25T00:30:00.000Z"
        assert told["deadline"] == "2099-10-25T02:30:00.000Z"
        for wrong in ("soon", "2099-13-01T09:00", ""):
            answer = library.asked_by("student").post(
                "/api/v1/requests", json=body | {"not_before": wrong}
            )
            assert answer.status_code == 422
            assert list(answer.json()["error"]["details"]["fields"]) == ["not_before"]
