"""Catalogue files by HTTP: staged, taken over, taken back, and out again."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymarc
import pytest

from edge.domain.inventory import CopyStatus
from edge.domain.users import SYSTEM
from edge.services import catalogue, imports
from tests.support.served import Served, served
from tests.support.store import small_library

BOOKS = "/api/v1/books"
EMMA = "title,author,isbn,barcode\nEmma,Jane Austen,9780141439587,B1\n"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def send(library: Served, data: str | bytes, name: str = "books.csv", **query: Any) -> Any:
    files = {"file": (name, data.encode() if isinstance(data, str) else data)}
    return library.asked_by("librarian").post(f"{BOOKS}/bulk-import", files=files, params=query)


def took(library: Served, data: str | bytes, **query: Any) -> dict[str, Any]:
    answer = send(library, data, **query)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    return told["created"], told["updated"], told["unchanged"], told["bad"]


def search(library: Served, **query: Any) -> list[dict[str, Any]]:
    answer = library.asked_by("librarian").get(BOOKS, params={"limit": 100, **query})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def act(library: Served, told: dict[str, Any], what: str) -> Any:
    path = f"{BOOKS}/imports/{told['import_id']}/{what}"
    return library.asked_by("librarian").post(path)


def test_a_bad_row_says_where_and_why_and_stops_nobody(library: Served) -> None:
    told = took(library, EMMA + "No number,A,123,B2\n,nobody,,B3\nPersuasion,Jane Austen,,B4\n")
    assert counts(told) == (2, 0, 0, 2)
    assert [(one["line"], one["reason"]) for one in told["bad_rows"]] == [
        (3, "123 is no ISBN"),
        (4, "it has no title"),
    ]
    assert [one["outcome"] for one in told["preview"]] == ["CREATED", "CREATED"]
    assert {one["title"] for one in search(library)} == {"Emma", "Persuasion"}


def test_a_dry_run_changes_nothing_until_it_is_committed(library: Served) -> None:
    staged = took(library, EMMA, dry_run=True)
    assert (staged["status"], counts(staged)) == ("STAGED", (1, 0, 0, 0))
    assert search(library) == []
    done = act(library, staged, "commit").json()["data"]
    assert (done["status"], counts(done)) == ("COMMITTED", (1, 0, 0, 0))
    assert [one["title"] for one in search(library)] == ["Emma"]
    again = act(library, staged, "commit")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


def test_a_form_may_say_that_it_is_a_dry_run(library: Served) -> None:
    def sent(said: str) -> Any:
        client = library.asked_by("librarian")
        files = {"file": ("a.csv", EMMA.encode())}
        return client.post(f"{BOOKS}/bulk-import", files=files, data={"dry_run": said})

    assert sent("true").json()["data"]["status"] == "STAGED"
    assert sent("yess").status_code == 422
    assert search(library) == []
    assert sent("false").json()["data"]["status"] == "COMMITTED"


def test_the_same_file_again_changes_nothing(library: Served) -> None:
    took(library, EMMA)
    (before,) = search(library)
    assert counts(took(library, EMMA)) == (0, 0, 1, 0)
    assert search(library) == [before]


def test_a_book_made_by_hand_is_found_by_its_number(library: Served) -> None:
    body = {"title": "Emma", "author": "J. Austen", "isbn": "0-14-143958-0"}
    library.asked_by("librarian").post(BOOKS, json=body)
    assert counts(took(library, EMMA)) == (0, 1, 0, 0)
    (book,) = search(library)
    assert (book["author"], book["copies_total"]) == ("Jane Austen", 1)


def test_copies_are_told_from_duplicates(library: Served) -> None:
    row = "Emma,Jane Austen,9780141439587"
    data = f"title,author,isbn,barcode\n{row},B1\n{row},B2\n{row},B2\nOther,X,,B1\n"
    staged = took(library, data, dry_run=True)
    done = act(library, staged, "commit").json()["data"]
    assert counts(staged) == counts(done) == (1, 1, 1, 1)
    assert "B1 belongs to another" in done["bad_rows"][0]["reason"]
    (book,) = search(library)
    assert book["copies_total"] == 2


def test_an_undo_takes_all_of_it_back(library: Served) -> None:
    first = took(library, EMMA)
    (before,) = search(library)
    changed = "title,author,isbn,barcode\nEmma,Jane Austen (1775),9780141439587,B1;B2\nNew,N,,B9\n"
    second = took(library, changed)
    assert counts(second) == (1, 1, 0, 0)
    undone = act(library, second, "undo").json()["data"]
    assert undone["status"] == "UNDONE"
    (after,) = search(library)
    moving = ("version", "updated_at")
    assert {k: v for k, v in after.items() if k not in moving} == {
        k: v for k, v in before.items() if k not in moving
    }
    assert counts(took(library, "title,barcode\nNew,B9\n")) == (1, 0, 0, 0)
    assert act(library, second, "undo").status_code == 409
    assert act(library, first, "commit").status_code == 409


@pytest.mark.parametrize("how", ["edited", "moved", "asked for", "deleted"])
def test_nothing_is_taken_back_where_somebody_changed_it_since(library: Served, how: str) -> None:
    told = took(library, EMMA + "Persuasion,Jane Austen,,B4\n")
    emma = next(one for one in search(library) if one["title"] == "Emma")
    (copy,) = library.database.read(lambda reader: catalogue.list_copies(reader, emma["id"]))
    librarian = library.asked_by("librarian")
    match how:
        case "edited":
            librarian.put(f"{BOOKS}/{emma['id']}", json={"publisher": "Penguin"})
        case "moved":
            librarian.put(f"{BOOKS}/copies/{copy.id}", json={"location": "R1"})
        case "asked for":
            body = {"book_id": emma["id"], "request_location": "R1"}
            assert librarian.post("/api/v1/requests", json=body).status_code == 201
        case _:
            librarian.delete(f"{BOOKS}/{emma['id']}")
    before = search(library)
    answer = act(library, told, "undo")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "CONFLICT")
    assert error["details"]["book_ids"] == [emma["id"]]
    assert search(library) == before


@pytest.mark.parametrize(
    "data",
    [
        "\ufefftitle,author\nL'Œuvre,Émile Zola\n".encode(),
        "title;author\r\nL'Œuvre;Émile Zola\r\n".encode(),
        "title;author\r\nL'Œuvre;Émile Zola\r\n".encode("cp1252"),
        "sep=;\r\ntitle;author\r\nL'Œuvre;Émile Zola\r\n".encode("cp1252"),
        "title\tauthor\r\nL'Œuvre\tÉmile Zola\r\n".encode("utf-16"),
        b'"Title" , "AUTHOR"\n'.replace(b" , ", b",") + "L'Œuvre,Émile Zola\n".encode(),
    ],
    ids=["mark", "semicolons", "latin", "sep line", "utf-16 tabs", "quoted header"],
)
def test_a_csv_of_excel_is_understood(library: Served, data: bytes) -> None:
    took(library, data)
    (book,) = search(library)
    assert (book["title"], book["author"]) == ("L'Œuvre", "Émile Zola")


def test_marc_comes_in_as_well(library: Served) -> None:
    record = pymarc.Record(
        fields=[
            pymarc.Field("001", data="42"),
            pymarc.Field("245", subfields=[pymarc.Subfield("a", "Germinal /")]),
            pymarc.Field("852", subfields=[pymarc.Subfield("p", "G1")]),
        ]
    )
    told = took(library, record.as_marc() + b"00042nam rubbish" + record.as_marc())
    assert told["created"] == 1 and told["bad"] >= 1
    assert [one["title"] for one in search(library)] == ["Germinal"]


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"name,price\nEmma,3\n", b"PK\x03\x04"])
def test_what_is_no_catalogue_is_refused(library: Served, data: bytes) -> None:
    answer = send(library, data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert library.asked_by("librarian").get(f"{BOOKS}/imports").json()["data"] == []


def test_a_form_without_a_file_is_refused(library: Served) -> None:
    librarian = library.asked_by("librarian")
    bodies: list[dict[str, Any]] = [{"data": {"file": "text"}}, {"json": {}}, {"content": b"x"}]
    for body in bodies:
        answer = librarian.post(f"{BOOKS}/bulk-import", **body)
        assert answer.status_code == 422, answer.text
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = librarian.post(f"{BOOKS}/bulk-import", content=b"--y\r\n\r\n", headers=headers)
    assert broken.status_code in (400, 422)


def test_what_goes_out_comes_back_unchanged(library: Served) -> None:
    took(library, EMMA + '"=1+1, said he","A ""B""",,B7\n@home,,,\n')
    answer = library.asked_by("librarian").get(f"{BOOKS}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["title"] for row in rows] == ["Emma", "'=1+1, said he", "'@home"]
    assert counts(took(library, answer.content)) == (0, 0, 3, 0)


def test_a_deleted_books_barcodes_are_free_again(library: Served) -> None:
    took(library, EMMA)
    (book,) = search(library)
    librarian = library.asked_by("librarian")
    assert librarian.delete(f"{BOOKS}/{book['id']}").json()["data"] == {"deleted": True}
    assert counts(took(library, EMMA)) == (1, 0, 0, 0)


def test_a_book_that_a_reader_has_is_not_deleted(library: Served) -> None:
    took(library, EMMA)
    (book,) = search(library)
    (copy,) = library.database.read(lambda reader: catalogue.list_copies(reader, book["id"]))
    lent = {"status": CopyStatus.CHECKED_OUT}
    library.database.write(SYSTEM, lambda tx: catalogue.update_copy(tx, copy.id, **lent))
    answer = library.asked_by("librarian").delete(f"{BOOKS}/{book['id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


def test_a_commit_that_was_cut_off_goes_on(
    library: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PART", 2)
    data = "title\n" + "".join(f"Book {n}\n" for n in range(5))
    staged = took(library, data, dry_run=True)
    whole, calls = imports._commit_part, iter(range(10))

    def cut_off(tx: Any, import_id: str) -> bool:
        if next(calls) == 1:
            raise RuntimeError("the power is gone")
        return whole(tx, import_id)

    monkeypatch.setattr(imports, "_commit_part", cut_off)
    assert act(library, staged, "commit").status_code == 500
    assert len(search(library)) == 2
    done = act(library, staged, "commit").json()["data"]
    assert (done["status"], counts(done)) == ("COMMITTED", (5, 0, 0, 0))


def test_a_long_file_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Most of a row is its description: 8 MB of them, of which a part at a time is in memory."""
    path, rows, size = tmp_path / "long.csv", 2000, 4000
    path.write_text("title,description\n" + f"A book,{'x' * size}\n" * rows)
    with small_library(tmp_path) as store:
        tracemalloc.start()
        imports.stage(store.do, path, "books.csv")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < rows * size / 2
