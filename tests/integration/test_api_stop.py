"""STOP by HTTP, with the real gate: it works while everything else is broken, and says so when it does not."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import stop
from edge.store.database import Database
from tests.support.gates import end_stop, gate
from tests.support.served import ELSEWHERE, SCREEN, Served, served

DEADLINE_S = stop.DEADLINE_S
PATIENCE_S = 10.0
STOP = "/api/v1/robot/emergency-stop"
FORM = {
    "Accept": "text/html,application/xhtml+xml",
    "Content-Type": "application/x-www-form-urlencoded",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


@pytest.fixture(scope="module")
def gate_process(library: Served) -> Iterator[subprocess.Popen[bytes]]:
    with gate(library.settings.data_dir) as process:
        yield process


@pytest.fixture
def running(
    library: Served, gate_process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """A robot that is not stopped, and is not left so either; a busy machine gets more time to confirm a stop."""
    monkeypatch.setattr(stop, "DEADLINE_S", PATIENCE_S)
    until(lambda: stop_state(library)["state"])
    yield library
    end_stop(library.settings.data_dir)
    until(lambda: stop_state(library)["event_id"] is None)


def until(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ask():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def stop_state(library: Served) -> dict[str, Any]:
    answer = library.asked_by(at=SCREEN).get("/api/v1/robot/status")
    found: dict[str, Any] = answer.json()["data"]["emergency_stop"]
    return found


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_at_the_robot_nobody_has_to_sign_in_to_stop_it(running: Served) -> None:
    answer = running.asked_by(at=SCREEN).post(STOP)
    assert answer.status_code == 200
    event_id = answer.json()["data"]["event_id"]
    until(lambda: stop_state(running)["active"])
    state = stop_state(running)
    assert (state["event_id"], state["source"], state["state"]) == (
        event_id,
        "TOUCHSCREEN",
        "LATCHED",
    )
    assert (
        running.asked_by(at=SCREEN).get("/api/v1/robot/status").json()["data"]["status"]
        == "STOPPED"
    )


def test_a_second_stop_joins_the_first(running: Served) -> None:
    first = running.asked_by(at=SCREEN).post(STOP).json()["data"]
    second = running.asked_by("student").post(f"{STOP}/luna-01").json()["data"]
    assert (first["joined"], second["joined"]) == (False, True)
    assert first["event_id"] == second["event_id"]


def test_a_plain_form_stops_it_and_gets_a_page(running: Served) -> None:
    answer = running.asked_by(at=SCREEN).post(STOP, headers=FORM)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "is stopped" in answer.text


@pytest.mark.parametrize("header", ["Bearer rubbish", "Basic x", ""])
def test_a_bad_token_never_keeps_a_person_at_the_robot_from_stopping_it(
    running: Served, header: str
) -> None:
    headers = {"Authorization": header}
    assert running.asked_by(at=SCREEN).post(STOP, headers=headers).status_code == 200


def test_from_elsewhere_only_who_is_signed_in_stops_it(running: Served) -> None:
    assert code(running.asked_by().post(STOP)) == (401, "UNAUTHENTICATED")
    assert not stop_state(running)["active"]
    assert running.asked_by("student").post(STOP).status_code == 200


def test_another_robot_is_not_stopped_here(running: Served) -> None:
    assert code(running.asked_by(at=SCREEN).post(f"{STOP}/luna-99")) == (404, "NOT_FOUND")
    assert not stop_state(running)["active"]


def test_it_stops_without_the_store(running: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("STOP asked the store")

    monkeypatch.setattr(Database, "read", broken)
    monkeypatch.setattr(Database, "submit", broken)
    assert running.asked_by(at=SCREEN).post(STOP).status_code == 200
    monkeypatch.undo()


def test_it_is_never_rate_limited(running: Served) -> None:
    screen = running.asked_by(at=SCREEN)
    assert {screen.post(STOP).status_code for _ in range(100)} == {200}


def test_a_frozen_gate_is_told_within_the_deadline(
    running: Served, gate_process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "DEADLINE_S", DEADLINE_S)
    gate_process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = running.asked_by(at=SCREEN).post(STOP)
        took = time.monotonic() - began
        page = running.asked_by(at=SCREEN).post(STOP, headers=FORM)
    finally:
        gate_process.send_signal(signal.SIGCONT)
    assert code(answer) == (503, "ROBOT_UNAVAILABLE")
    assert "red button" in answer.json()["error"]["message"]
    assert answer.headers["Retry-After"]
    assert took < DEADLINE_S + 2.0  # on a busy machine
    assert page.status_code == 503
    assert "not confirmed" in page.text
    # It was only late, and a late stop is a stop.
    until(lambda: stop_state(running)["active"])


def test_reset_then_resume_and_only_at_the_robot(running: Served) -> None:
    event_id = running.asked_by(at=SCREEN).post(STOP).json()["data"]["event_id"]
    until(lambda: stop_state(running)["active"])
    here = running.asked_by("librarian", at=SCREEN)
    there = running.asked_by("librarian", at=ELSEWHERE)
    body = {"event_id": event_id}
    assert code(there.post("/api/v1/robot/resume")) == (409, "ROBOT_STOPPED")
    assert code(here.post("/api/v1/robot/resume")) == (409, "ROBOT_STOPPED")
    assert code(there.post(f"{STOP}/reset", json=body)) == (403, "FORBIDDEN")
    nobody = running.asked_by(at=SCREEN).post(f"{STOP}/reset", json=body)
    assert code(nobody) == (401, "UNAUTHENTICATED")
    student = running.asked_by("student", at=SCREEN).post(f"{STOP}/reset", json=body)
    assert code(student) == (403, "FORBIDDEN")
    assert code(here.post(f"{STOP}/reset", json={"event_id": "another"}))[0] == 409
    # Until the board has confirmed the stop, it is not reset.
    until(lambda: here.post(f"{STOP}/reset", json=body).status_code == 200)
    until(lambda: stop_state(running)["state"] == "RESET")
    assert code(here.post("/api/v1/robot/go-to", json={"location": "R1"})) == (409, "ROBOT_STOPPED")
    assert code(there.post("/api/v1/robot/resume")) == (403, "FORBIDDEN")
    assert here.post("/api/v1/robot/resume").status_code == 200
    until(lambda: stop_state(running)["event_id"] is None)


def test_a_pause_is_ended_from_anywhere(running: Served) -> None:
    there = running.asked_by("librarian", at=ELSEWHERE)
    assert there.post("/api/v1/robot/pause").json()["data"]["paused"] is True
    assert there.post("/api/v1/robot/resume").json()["data"]["paused"] is False


def test_an_order_that_comes_late_moves_nothing(running: Served) -> None:
    librarian = running.asked_by("librarian")
    late = (datetime.now(UTC) - timedelta(seconds=0.1)).isoformat()
    for path, body in (("go-to", {"location": "R1"}), ("dock", {}), ("resume", {})):
        answer = librarian.post(f"/api/v1/robot/{path}", json={**body, "expires_at": late})
        assert code(answer) == (409, "EXPIRED")
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    answer = librarian.post("/api/v1/robot/go-to", json={"location": "R1", "expires_at": soon})
    assert answer.json()["data"]["status"] == "PENDING"
    unknown = librarian.post("/api/v1/robot/go-to", json={"location": "Mars"})
    assert code(unknown) == (422, "UNKNOWN_WAYPOINT")


@pytest.mark.parametrize(
    ("path", "body"), [("go-to", {"location": "R1"}), ("dock", {}), ("resume", {})]
)
def test_under_maintenance_only_who_is_at_the_robot_lets_it_move(
    running: Served, path: str, body: dict[str, Any]
) -> None:
    there = running.asked_by("librarian", at=ELSEWHERE)
    here = running.asked_by("librarian", at=SCREEN)
    there.post("/api/v1/robot/maintenance", json={"enabled": True})
    try:
        assert code(there.post(f"/api/v1/robot/{path}", json=body)) == (409, "CONFLICT")
        assert here.post(f"/api/v1/robot/{path}", json=body).status_code == 200
    finally:
        here.post("/api/v1/robot/maintenance", json={"enabled": False})


def test_without_a_gate_nothing_is_claimed(tmp_path: Path) -> None:
    with served(tmp_path) as library:
        librarian = library.asked_by("librarian")
        for path, body in (("go-to", {"location": "R1"}), ("dock", {}), ("resume", {})):
            answer = librarian.post(f"/api/v1/robot/{path}", json=body)
            assert code(answer) == (503, "ROBOT_UNAVAILABLE")
        assert code(library.asked_by(at=SCREEN).post(STOP)) == (503, "ROBOT_UNAVAILABLE")
        assert stop_state(library)["active"] is None
        ready = library.asked_by().get("/ready")
        assert code(ready) == (503, "ROBOT_UNAVAILABLE")
        parts = ready.json()["error"]["details"]["parts"]
        assert parts["firmware"]["status"] == parts["ros"]["status"] == "down"
        assert parts["mqtt"]["status"] == "degraded"
        assert parts["store"]["status"] == "ok"
