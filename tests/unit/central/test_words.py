"""What people type finds what the robots told, whatever its case and accents."""

import pytest

from central.inbox import plain, searchable


@pytest.mark.parametrize(
    ("typed", "stands"),
    [("bucher", "Bücher"), ("CAFÉ", "Cafe"), ("strasse", "Straße"), ("æon", "Æon")],
)
def test_case_and_accents_do_not_matter(typed: str, stands: str) -> None:
    assert plain(typed) == plain(stands)


def test_a_book_is_found_by_title_author_and_number() -> None:
    words = searchable(
        {"title": "Emma", "author": "Jane Austen", "isbn": "9780141439587", "publisher": None}
    )

    assert all(word in words for word in ("emma", "austen", "9780141439587"))
    assert "none" not in words
