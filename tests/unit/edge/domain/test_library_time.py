"""Times of orders: with a zone as they are, without one the library's, over daylight saving too."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from edge.domain.errors import ValidationError
from edge.domain.times import at_library, order_at_library

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T09:00", "2026-01-31T08:00:00.000Z"),
        ("2026-07-31T09:00:00", "2026-07-31T07:00:00.000Z"),
        ("2026-07-31 09:00:00.5", "2026-07-31T07:00:00.500Z"),
        # A zone that is named is meant.
        ("2026-07-31T09:00:00Z", "2026-07-31T09:00:00.000Z"),
        ("2026-07-31T09:00:00-04:00", "2026-07-31T13:00:00.000Z"),
    ],
)
def test_a_time_without_a_zone_is_the_librarys(text: str, utc: str) -> None:
    assert at_library(text, BERLIN, field="not_before") == utc


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59.000Z"),
        # From 02:00 to 03:00 there is no such time: by the offset before, so 03:30 on the wall.
        ("2026-03-29T02:00", "2026-03-29T01:00:00.000Z"),
        ("2026-03-29T02:30", "2026-03-29T01:30:00.000Z"),
        ("2026-03-29T03:00", "2026-03-29T01:00:00.000Z"),
        ("2026-03-29T03:30", "2026-03-29T01:30:00.000Z"),
    ],
)
def test_in_the_hour_that_is_left_out_the_offset_before_it_counts(text: str, utc: str) -> None:
    assert at_library(text, BERLIN, field="not_before") == utc


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-25T01:59:59", "2026-10-24T23:59:59.000Z"),
        ("2026-10-25T02:00", "2026-10-25T00:00:00.000Z"),
        ("2026-10-25T02:30", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25T03:00", "2026-10-25T02:00:00.000Z"),
        # Whoever means the second says so.
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00.000Z"),
    ],
)
def test_of_an_hour_that_comes_twice_the_first_is_meant(text: str, utc: str) -> None:
    assert at_library(text, BERLIN, field="not_before") == utc


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "25:00", "2026-02-30T09:00", "0001-01-01T00:00", "9999-12-31T23:59-12:00"],
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValidationError, match="is no time") as refusal:
        at_library(text, BERLIN, field="deadline")
    assert list(refusal.value.details["fields"]) == ["deadline"]


def test_an_order_keeps_all_else_as_it_is() -> None:
    order = {"not_before": "2026-07-01T09:00", "deadline": None, "priority": "HIGH"}
    assert order_at_library(order, BERLIN) == {
        "not_before": "2026-07-01T07:00:00.000Z",
        "deadline": None,
        "priority": "HIGH",
    }
    assert order_at_library({"task_type": "TRANSFER"}, UTC) == {"task_type": "TRANSFER"}
