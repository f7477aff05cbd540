"""Books, copies and the search."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.domain.errors import ConflictError, NotFoundError, ValidationError
from edge.domain.inventory import BookDraft, CatalogueRecord, CopyDraft, CopyStatus
from edge.services import catalogue, requests
from edge.services.demo_catalogue import demo_records
from edge.store import books
from tests.support.store import Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def found(library: Library, q: str | None = None, **more: Any) -> list[str]:
    page = library.see(lambda reader: catalogue.search(reader, q=q, **more))
    return [book.title for book in page.items]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("dosto", "Преступление и наказание"),
        ("PRESTUP", None),
        ("наказ", "Преступление и наказание"),
        ("zola germ", "Germinal"),
        ("emile", "Germinal"),
        ("ÉMILE ZOLA", "Germinal"),
        ("farrukhi ayaz", "Fikr-i Ayāz"),
        ("lodz", "Łódź"),
        ("strasse", "Die Straße"),
        ("978-0-14-044913-6", "Germinal"),
        ("978 0 14 044913 6", "Germinal"),
        ("0-14-044913-2", "Germinal"),
        ("0140449132", "Germinal"),
        ("978-0-14-0449", "Germinal"),
        ("843 zol", "Germinal"),
    ],
)
def test_a_search_finds_what_is_meant(library: Library, query: str, title: str | None) -> None:
    library.add_book("Преступление и наказание", "Dostoevsky")
    library.add_book("Germinal", "Émile Zola", isbn="9780140449136", call_number="843.8 ZOL")
    library.add_book("Fikr-i Ayāz", "Āṣif Farruk̲h̲ī")
    library.add_book("Łódź", "")
    library.add_book("Die Straße", "")
    assert found(library, query) == ([] if title is None else [title])


@pytest.mark.parametrize(
    "query",
    [
        '"', "emma\"", "emma AND", "emma OR *", "title:emma", "NEAR(emma)", "(emma", "emma)",
        "-emma", "^emma", "emma + austen", "{title}: emma", "'; DROP TABLE book; --", "*", "\x00",
        "emma" * 500, "%", "_", "NOT emma", "💥",
    ],
)  # fmt: skip
def test_nothing_that_people_type_is_syntax(library: Library, query: str) -> None:
    assert found(library, query) in ([], ["Emma"])
    assert found(library, author=query) in ([], ["Emma"])
    assert found(library, "emma") == ["Emma"]


def test_what_fits_best_comes_first(library: Library) -> None:
    library.add_book("A Companion to Other Novels", "Emma Smith")
    library.add_book("Studies", "Someone", publisher="Emma Press")
    assert found(library, "emma") == ["Emma", "A Companion to Other Novels", "Studies"]
    by_title = found(library, "emma", sort="title", order="desc")
    assert by_title == ["Studies", "Emma", "A Companion to Other Novels"]


def test_of_very_many_hits_the_newest_are_put_in_order_and_all_are_counted(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "RANKED", 3)
    for number in range(5):
        library.add_book("Walden" + " and more" * (number + 1))
    first, last = (
        library.see(partial(catalogue.search, q="walden", page=page, limit=2)) for page in (1, 3)
    )
    assert [book.title.count("and") for book in first.items] == [3, 4]
    assert (first.total, last.total) == (5, 5)
    assert [book.title.count("and") for book in last.items] == [5]
    beyond = library.see(partial(catalogue.search, q="walden", page=4, limit=2))
    assert (beyond.items, beyond.total) == ([], 5)


def test_all_words_of_a_search_must_fit(library: Library) -> None:
    assert found(library, "emma austen") == ["Emma"]
    assert found(library, "emma brontë") == []


def test_filters_narrow_a_search(library: Library) -> None:
    library.add_book("Persuasion", "Jane Austen", copies=0, call_number="823.7")
    library.add_book("Walden", "Thoreau", call_number="100")
    assert found(library, author="austen") == ["Emma", "Persuasion"]
    assert found(library, author="aust", q="pers") == ["Persuasion"]
    assert found(library, status=CopyStatus.AVAILABLE) == ["Emma", "Walden"]
    assert found(library, status=CopyStatus.UNAVAILABLE) == ["Persuasion"]
    assert found(library, location="SHELF-A") == ["Walden"]


def test_a_status_is_the_best_that_any_copy_offers(library: Library) -> None:
    book = library.add_book("Two copies", copies=2)
    first, second = library.copies(book)
    seen = []
    for copy_id, status in (
        (first.id, CopyStatus.CHECKED_OUT),
        (second.id, CopyStatus.UNAVAILABLE),
        (first.id, CopyStatus.UNAVAILABLE),
    ):
        library.do(partial(catalogue.update_copy, copy_id=copy_id, status=status))
        now = library.see(lambda reader: catalogue.get(reader, book.id))
        assert found(library, "two copies", status=now.status) == ["Two copies"]
        seen.append((now.status, now.copies_available))
    assert seen == [
        (CopyStatus.AVAILABLE, 1),
        (CopyStatus.CHECKED_OUT, 0),
        (CopyStatus.UNAVAILABLE, 0),
    ]


def test_availability_counts_copies_by_status_and_place(library: Library) -> None:
    book = library.add_book("Three", copies=3, call_number="900")
    library.do(lambda tx: catalogue.update_copy(tx, library.copies(book)[0].id, location="DESK-1"))
    seen = library.see(lambda reader: catalogue.availability(reader, book.id))
    assert seen["by_status"] == {"AVAILABLE": 3}
    assert [(one["location"], one["count"]) for one in seen["by_location"]] == [
        ("DESK-1", 1),
        ("SHELF-B", 2),
    ]


def test_a_copy_stands_on_the_shelf_of_its_call_number(library: Library) -> None:
    assert library.copies()[0].location == "SHELF-B"
    assert library.book.shelf_location == "SHELF-B"


def test_a_wrong_isbn_or_no_title_is_refused(library: Library) -> None:
    for draft, field in (
        (BookDraft("Wrong", isbn="9780140449137"), "isbn"),
        (BookDraft("  "), "title"),
    ):
        with pytest.raises(ValidationError) as refusal:
            library.do(partial(catalogue.add_book, draft=draft))
        assert list(refusal.value.details["fields"]) == [field]


def test_a_change_is_found_by_its_new_words_only(library: Library) -> None:
    changed = library.do(
        lambda tx: catalogue.update_book(tx, library.book.id, version=1, title="Sanditon")
    )
    assert changed.version == 2
    assert found(library, "sanditon") == ["Sanditon"]
    assert found(library, "emma") == []


def test_a_change_of_what_somebody_else_changed_is_refused(library: Library) -> None:
    library.do(lambda tx: catalogue.update_book(tx, library.book.id, version=1, title="One"))
    with pytest.raises(ConflictError):
        library.do(lambda tx: catalogue.update_book(tx, library.book.id, version=1, title="Two"))
    assert library.see(lambda reader: catalogue.get(reader, library.book.id)).title == "One"


def test_a_book_that_somebody_waits_for_stays(library: Library) -> None:
    request = library.do(
        lambda tx: requests.create(
            tx,
            user_id=library.student.id,
            book_id=library.book.id,
            request_location="ROOM-101",
            auto_approve=True,
        )
    )
    with pytest.raises(ConflictError):
        library.do(lambda tx: catalogue.delete_book(tx, library.book.id))
    library.do(lambda tx: requests.cancel(tx, request.id))
    library.do(lambda tx: catalogue.delete_book(tx, library.book.id))
    assert found(library, "emma") == [] and found(library) == []
    with pytest.raises(NotFoundError):
        library.see(lambda reader: catalogue.get(reader, library.book.id))
    assert library.see(lambda reader: requests.get(reader, request.id)).book_id == library.book.id


def test_a_barcode_belongs_to_one_copy(library: Library) -> None:
    library.do(lambda tx: catalogue.add_copy(tx, library.book.id, CopyDraft("B1")))
    with pytest.raises(ConflictError):
        library.do(lambda tx: catalogue.add_copy(tx, library.book.id, CopyDraft("B1")))
    assert len(library.copies()) == 2


def test_the_same_record_is_added_once(library: Library) -> None:
    records = [
        CatalogueRecord(BookDraft("One"), (CopyDraft("B1"),), "key-1"),
        CatalogueRecord(BookDraft("Two"), (CopyDraft("B1"),), "key-2"),
        CatalogueRecord(BookDraft("Three"), (CopyDraft(),), "key-3"),
    ]
    bad: list[str] = []

    def load() -> int:
        return library.do(
            lambda tx: catalogue.add_records(
                tx, records, on_bad=lambda record, reason: bad.append(record.source_key)
            )
        )

    assert load() == 2
    assert bad == ["key-2"]
    assert load() == 0
    assert sorted(found(library)) == ["Emma", "One", "Three"]


def test_the_demo_library_fits_the_shelves_and_is_always_the_same(library: Library) -> None:
    records = list(demo_records(7))
    assert records == list(demo_records(7)) != list(demo_records(8))
    assert library.do(lambda tx: catalogue.add_records(tx, records)) == len(records) == 500
    page = library.see(lambda reader: catalogue.search(reader, q="austen pride"))
    assert page.items[0].title == "Pride and Prejudice"
    shelves = library.see(lambda r: r.rows("SELECT location, COUNT(*) FROM copy GROUP BY location"))
    assert {row[0] for row in shelves} == {"SHELF-A", "SHELF-B"}
