"""The small rules: numbers of books, order of the queue, shelves, words, times, locks."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.errors import ValidationError
from edge.domain.inventory import CopyStatus, book_status, isbn13, normal_isbn, with_check_digit
from edge.domain.queue_order import AGEING_S, turn
from edge.domain.search import fold, words
from edge.domain.shelving import call_number_key, shelf_for
from edge.domain.tasks import Priority, Task
from edge.domain.times import later, normal_time, seconds_between
from edge.domain.users import FREE_FAILURES, LOCK_S, MAX_LOCK_S, lock_s
from edge.domain.waypoints import CALL_NUMBER_FROM, CALL_NUMBER_TO, Waypoint, WaypointKind

NOON = "2026-01-01T12:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["9780140449136", "978-0-14-044913-6", "0-14-044913-2", "0140449132"]
)
def test_an_isbn_has_one_form(text: str) -> None:
    assert normal_isbn(text) == "9780140449136"


@pytest.mark.parametrize(
    "text",
    [
        "9780140449137",
        "0140449133",
        "978014044913",
        "",
        "X140449132",
        "9990140449130",
        "٩٧٨٠١٤٠٤٤٩١٣٦",
    ],
)
def test_a_wrong_isbn_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        normal_isbn(text)
    assert list(refusal.value.details["fields"]) == ["isbn"]


def test_an_isbn_may_end_in_x() -> None:
    assert normal_isbn("0-8044-2957-x") == "9780804429573"


@given(st.integers(0, 10**9 - 1), st.sampled_from(["978", "979"]), st.integers(0, 11))
def test_one_wrong_digit_is_always_seen(body: int, prefix: str, place: int) -> None:
    right = with_check_digit(f"{prefix}{body:09d}")
    assert isbn13(right) == right
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
    assert isbn13(wrong) is None


def test_a_book_is_as_available_as_its_best_copy() -> None:
    free, kept, lent, gone = (
        CopyStatus.AVAILABLE,
        CopyStatus.RESERVED,
        CopyStatus.CHECKED_OUT,
        CopyStatus.UNAVAILABLE,
    )
    assert book_status([gone, lent, kept, free]) is free
    assert book_status([gone, lent, kept]) is kept
    assert book_status([gone, lent]) is lent
    assert book_status([gone]) is book_status([]) is gone


def waiting(
    name: str,
    priority: Priority = Priority.NORMAL,
    *,
    age_s: float = 0,
    deadline: str | None = None,
) -> Task:
    given: dict[str, Any] = {"id": name, "priority": priority, "deadline": deadline}
    required = [one.name for one in fields(Task) if one.default is one.default_factory is MISSING]
    return Task(**{**dict.fromkeys(required), "created_at": later(NOON, -age_s), **given})


def order(*tasks: Task) -> list[str]:
    return [task.id for task in sorted(tasks, key=lambda task: turn(task, NOON))]


def test_priority_goes_before_deadline_and_deadline_before_age() -> None:
    assert order(
        waiting("old", age_s=60),
        waiting("due", deadline="2026-01-02T00:00:00.000Z"),
        waiting("due soon", deadline="2026-01-01T13:00:00.000Z"),
        waiting("high", Priority.HIGH),
        waiting("low", Priority.LOW, deadline="2026-01-01T12:00:01.000Z"),
    ) == ["high", "due soon", "due", "old", "low"]


def test_each_while_of_waiting_counts_as_one_priority_more() -> None:
    assert order(waiting("new", Priority.HIGH), waiting("old", age_s=AGEING_S)) == ["old", "new"]
    assert order(waiting("new", Priority.HIGH), waiting("old", age_s=AGEING_S - 1)) == [
        "new",
        "old",
    ]


def test_nobody_grows_beyond_urgent() -> None:
    ancient = waiting("ancient", Priority.LOW, age_s=100 * AGEING_S)
    due = waiting("due", Priority.URGENT, deadline="2026-01-01T13:00:00.000Z")
    assert order(ancient, due) == ["due", "ancient"]


def test_a_clock_that_jumped_back_makes_nobody_young() -> None:
    assert order(waiting("a", age_s=-3600), waiting("b", Priority.LOW)) == ["a", "b"]


def shelf(code: str, first: str | None = None, last: str | None = None) -> Waypoint:
    metadata = {} if first is None else {CALL_NUMBER_FROM: first, CALL_NUMBER_TO: last}
    return Waypoint(code, code, code, 0, 0, kind=WaypointKind.SHELF, metadata=metadata)


@pytest.mark.parametrize(
    ("call_number", "expected"),
    [
        ("004 LOV 1923", "S1"),
        ("199.99", "S1"),
        ("199.999", "S1"),
        ("200", "S2"),
        ("899.12 XYZ", "S2"),
        ("PK2788.9.A9 F55 1998", "S3"),
        ("PS3545", "S3"),
        ("PT1", "S1"),
        ("QA76.73", "S4"),
        ("QA99", "S1"),
        ("", "S1"),
        (None, "S1"),
        ("Ω", "S1"),
    ],
)
def test_a_book_stands_where_its_call_number_belongs(
    call_number: str | None, expected: str
) -> None:
    shelves = [
        shelf("S1", "000", "199.999"),
        shelf("S2", "200", "899"),
        shelf("S3", "PA", "PS"),
        shelf("S4", "QA1", "QA76"),
        shelf("S5"),
    ]
    assert shelf_for(call_number, shelves) == expected


def test_without_shelves_there_is_no_shelf() -> None:
    assert shelf_for("823", []) is None


def test_call_numbers_sort_as_on_a_shelf() -> None:
    numbers = ["005", "99.5", "823 DIC", "823.8 AUS", "PR99", "PR4034 .P7", "QA1"]
    shuffled = [numbers[place] for place in (3, 6, 0, 5, 1, 4, 2)]
    assert sorted(shuffled, key=call_number_key) == numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Émile ZOLA", "emile zola"),
        ("Farruk̲h̲ī", "farrukhi"),
        ("ʻAbd Allāh ḍāʼirī", "abd allah dairi"),
        ("Straße Łódź Ærø", "strasse lodz aero"),
        ("한국어", "한국어"),
        ("O'Brien", "obrien"),
    ],
)
def test_folding_leaves_what_a_plain_keyboard_has(text: str, expected: str) -> None:
    assert fold(text) == expected


@given(st.text())
def test_folding_again_changes_nothing_and_words_have_no_syntax(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    for word in words(text):
        assert word.isalnum() and " " not in word


def test_an_isbn_among_words_is_one_word() -> None:
    assert words("zola 978-0-14-044913-6") == ["zola", "9780140449136"]
    assert words("0 14 044913 2") == ["9780140449136"]
    assert words("978-0-14") == ["978014"]
    assert words("1939-1945") == ["1939", "1945"]


@pytest.mark.parametrize(
    "text", ["2026-01-01T12:00:00Z", "2026-01-01T14:00:00+02:00", "2026-01-01T12:00:00.0004Z"]
)
def test_a_time_has_one_form(text: str) -> None:
    assert normal_time(text, field="at") == NOON


@pytest.mark.parametrize(
    "text", ["2026-01-01T12:00:00", "2026-01-01", "noon", "", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        normal_time(text, field="deadline")
    assert list(refusal.value.details["fields"]) == ["deadline"]


@given(st.integers(-(10**8), 10**8))
def test_times_count_in_seconds(seconds: int) -> None:
    assert seconds_between(NOON, later(NOON, seconds)) == seconds


def test_each_failure_to_sign_in_locks_for_twice_as_long() -> None:
    times = [lock_s(failures) for failures in range(1, 100)]
    assert times[:FREE_FAILURES] == [0.0] * FREE_FAILURES
    assert times[FREE_FAILURES : FREE_FAILURES + 3] == [LOCK_S, 2 * LOCK_S, 4 * LOCK_S]
    assert times[-1] == max(times) == MAX_LOCK_S
