"""Who reads German is answered in German: errors, notices and the robot's status, over HTTP and live."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.datastructures import Headers

from api.languages import language_of
from edge.domain.notifications import NotificationType
from edge.domain.users import SYSTEM
from edge.services import notifications
from tests.support.served import Served, served


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("languages")) as library:
        yield library


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT, en;q=0.5", "de"),
        ("DE-CH", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr, de;q=0.4, en;q=0.3", "de"),
        ("fr, it", "en"),
        ("de;q=0, en", "en"),
        ("de;q=0.5, *;q=0.7", "en"),
        ("de;q=2, en", "en"),
        (",;=;,,de;;q", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_one_that_is_preferred_most(accepted: str, language: str) -> None:
    assert language_of(Headers({"Accept-Language": accepted})) == language


@pytest.mark.parametrize(
    ("cookie", "language"),
    [
        ("language=de", "de"),
        ("a=b; language=de; c=d", "de"),
        ("language=fr", "en"),
        ("xlanguage=de", "en"),
        ("language=de2", "en"),
    ],
)
def test_what_was_chosen_on_the_page_wins(cookie: str, language: str) -> None:
    assert language_of(Headers({"Cookie": cookie, "Accept-Language": "en"})) == language


def get(library: Served, path: str, language: str, who: str = "student", **more: Any) -> Any:
    return library.asked_by(who).get(path, headers={"Accept-Language": language}, **more)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Dieses Buch gibt es nicht. Suchen Sie es im Katalog."),
        ("en", "There is no such book. Look"),
    ],
)
def test_an_error_keeps_its_code_and_says_it_in_the_readers_language(
    library: Served, language: str, said: str
) -> None:
    answer = get(library, "/api/v1/books/none", language)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "NOT_FOUND")
    assert error["message"].startswith(said)
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "/nowhere", None, "Unter dieser Adresse gibt es nichts."),
        ("PATCH", "/api/v1/books", None, "Diese Adresse kennt diese Methode nicht."),
        ("GET", "/api/v1/audit", None, "Ihre Rolle darf das nicht."),
        ("POST", "/api/v1/requests", {}, "Was gesendet wurde, kann nicht stimmen."),
    ],
)
def test_what_the_framework_refuses_is_said_in_the_readers_language_too(
    library: Served, method: str, path: str, body: Any, said: str
) -> None:
    client = library.asked_by("student")
    answer = client.request(method, path, json=body, headers={"Accept-Language": "de"})
    assert answer.json()["error"]["message"].startswith(said)
    assert answer.headers["Content-Language"] == "de"


def test_each_field_says_what_is_wrong_with_it_in_the_readers_language(library: Served) -> None:
    client = library.asked_by("student")
    answer = client.post("/api/v1/requests", json={"book_id": 7}, headers={"Accept-Language": "de"})
    fields = answer.json()["error"]["details"]["fields"]
    assert fields == {
        "book_id": ["Das sollte Text sein."],
        "request_location": ["Das ist nötig."],
    }
    body = {"book_id": library.book().id, "request_location": "Atlantis"}
    answer = client.post("/api/v1/requests", json=body, headers={"Accept-Language": "de"})
    (said,) = answer.json()["error"]["details"]["fields"]["request_location"]
    assert said.startswith("Es gibt keinen Ort „Atlantis“")


def test_a_notice_is_read_in_the_readers_language_whenever_it_was_written(library: Served) -> None:
    library.request("other")
    path = "/api/v1/notifications"
    (german,) = get(library, path, "de", "other").json()["data"]
    (english,) = get(library, path, "en", "other").json()["data"]
    assert english["title"] == "Request approved"
    assert english["message"].startswith("The robot will bring “Emma")
    assert german["title"] == "Anfrage bewilligt"
    assert german["message"].startswith("Der Roboter bringt „Emma")
    assert german["message"].endswith("an diesen Ort: Study room 1.")
    one = get(library, f"{path}/{german['id']}", "de", "other")
    assert one.json()["data"]["title"] == german["title"]
    assert one.headers["Content-Language"] == "de"


def test_a_notice_of_before_there_were_codes_stays_as_it_was_written(library: Served) -> None:
    owner = library.people["librarian"]
    told = library.database.write(
        SYSTEM, lambda tx: notifications.notify(tx, owner, NotificationType.OVERDUE, "An old one")
    )
    library.database.write(
        SYSTEM,
        lambda tx: tx.execute("UPDATE notification SET data = '{}' WHERE id = ?", told.id),
    )
    found = get(library, f"/api/v1/notifications/{told.id}", "de", "librarian").json()["data"]
    assert (found["title"], found["data"]) == ("An old one", {})


def test_the_robots_faults_are_said_in_the_readers_language(library: Served) -> None:
    answer = get(library, "/api/v1/robot/status", "de", "librarian")
    assert answer.headers["Content-Language"] == "de"
    (fault,) = answer.json()["data"]["faults"]
    assert fault == {
        "code": "GATE_AWAY",
        "message": "Die Fahrfreigabe ist weg; der Roboter steht.",
        "remedy": "Sie startet von selbst neu.",
        "section": "fault",
        "key": "GATE_AWAY",
    }


def test_live_errors_are_in_the_language_that_the_handshake_asked_for(library: Served) -> None:
    client = library.asked_by("")
    with client.websocket_connect("/api/v1/ws", headers={"Accept-Language": "de"}) as socket:
        socket.send_json({"type": "auth", "token": "rubbish"})
        said = socket.receive_json()["data"]
    assert said["message"].startswith("Das Zugriffstoken ist keines dieses Roboters.")
