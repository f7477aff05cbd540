"""Records that people edit: what is left out stays, and nobody's change is lost unseen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.services import catalogue
from tests.support.served import Served, served

STALE = {"If-Match": '"1"'}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_changed_book_says_its_new_version(library: Served) -> None:
    path = f"/api/v1/books/{library.book().id}"
    librarian = library.asked_by("librarian")
    before = librarian.get(path)
    headers = {"If-Match": before.headers["ETag"]}
    changed = librarian.put(path, json={"publisher": "Penguin"}, headers=headers)
    assert changed.status_code == 200
    found, old = changed.json()["data"], before.json()["data"]
    assert (found["publisher"], found["title"]) == ("Penguin", old["title"])
    assert found["version"] == old["version"] + 1
    assert changed.headers["ETag"] == f'"{found["version"]}"'
    assert librarian.get(path).json()["data"] == found


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_who_read_an_older_book_changes_nothing(library: Served, method: str) -> None:
    path = f"/api/v1/books/{library.book().id}"
    librarian = library.asked_by("librarian")
    librarian.put(path, json={"publisher": "Penguin"})
    before = librarian.get(path).json()["data"]
    body: dict[str, Any] = {"json": {"publisher": "Faber"}} if method == "PUT" else {}
    assert code(librarian.request(method, path, headers=STALE, **body)) == (409, "CONFLICT")
    assert librarian.get(path).json()["data"] == before


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": None},
        {"title": "  "},
        {"title": " " * 100 + "x" * 150},
        {"author": None},
        {"isbn": "123"},
        {"publication_year": "soon"},
        {"id": "mine"},
        {"version": 7},
        {"status": "AVAILABLE"},
        {"copies": []},
    ],
)
def test_what_a_book_cannot_be_is_refused(library: Served, body: dict[str, Any]) -> None:
    path = f"/api/v1/books/{library.book().id}"
    librarian = library.asked_by("librarian")
    before = librarian.get(path).json()["data"]
    assert code(librarian.put(path, json=body)) == (422, "VALIDATION_ERROR")
    assert librarian.get(path).json()["data"] == before


def test_a_book_that_somebody_waits_for_is_not_deleted(library: Served) -> None:
    request = library.request()
    answer = library.asked_by("librarian").delete(f"/api/v1/books/{request['book_id']}")
    assert code(answer) == (409, "CONFLICT")


def test_a_copy_is_where_a_librarian_says(library: Served) -> None:
    book = library.book()
    (copy,) = library.database.read(lambda reader: catalogue.list_copies(reader, book.id))
    librarian, path = library.asked_by("librarian"), f"/api/v1/books/copies/{copy.id}"
    changed = librarian.put(path, json={"status": "UNAVAILABLE", "location": "A"})
    assert changed.json()["data"] == {
        "id": copy.id,
        "book_id": book.id,
        "barcode": copy.barcode,
        "status": "UNAVAILABLE",
        "location": "A",
    }
    found = librarian.get(f"/api/v1/books/{book.id}").json()["data"]
    assert (found["status"], found["copies_available"]) == ("UNAVAILABLE", 0)
    assert code(librarian.put(path, json={"status": "LOST"})) == (422, "VALIDATION_ERROR")


def test_who_read_an_older_me_changes_nothing(library: Served) -> None:
    student, path = library.asked_by("student"), "/api/v1/auth/me"
    first = student.get(path)
    assert first.headers["ETag"] == f'"{first.json()["data"]["version"]}"'
    headers = {"If-Match": first.headers["ETag"]}
    assert student.put(path, json={"last_name": "One"}, headers=headers).status_code == 200
    second = student.put(path, json={"last_name": "Two"}, headers=headers)
    assert code(second) == (409, "CONFLICT")
    assert student.get(path).json()["data"]["last_name"] == "One"
