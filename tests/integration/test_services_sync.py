"""What is told to the other side, and what it tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.clock import format_stamp, parse_stamp
from edge.domain.requests import RequestStatus
from edge.domain.users import Actor
from edge.services import audit, catalogue, inbox, outbox, requests, users
from edge.services.records import record
from tests.support.store import ROBOT, Library, small_library

CENTRAL = Actor("central", origin="central")
STREAM = "central:1"
NOW_MS = 1767225600000


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def event(seq: int, kind: str, *, ms: int = NOW_MS, **data: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "id": f"event-{seq}",
        "type": kind,
        "hlc": format_stamp(ms, 0),
        "origin": "central",
        "data": data,
    }


def tell(library: Library, *events: dict[str, Any]) -> int:
    return library.do(lambda tx: inbox.apply_batch(tx, STREAM, events), CENTRAL)


def wanted(library: Library, seq: int, request_id: str = "r1") -> dict[str, Any]:
    return event(
        seq,
        "request.created",
        id=request_id,
        user_id=library.student.id,
        book_id=library.book.id,
        request_location="ROOM-101",
    )


def parked(library: Library) -> list[tuple[int, str]]:
    rows = library.see(lambda reader: inbox.rejected(reader, STREAM))
    return [(seq, reason) for seq, _, reason in rows]


@pytest.mark.parametrize(
    "fields",
    [{"author": None}, {"title": {"a": 1}}, {"publication_year": "x"}, {"publication_year": 2**70}],
    ids=str,
)
def test_a_value_that_the_store_cannot_hold_is_parked_and_holds_up_nobody(
    fields: dict[str, Any], library: Library
) -> None:
    bad = event(1, "book.changed", id=library.book.id, **fields)
    good = event(2, "book.changed", id=library.book.id, publisher="Virago")
    assert tell(library, bad, good) == 2
    assert [seq for seq, _ in parked(library)] == [1]
    assert library.see(lambda reader: catalogue.get(reader, library.book.id)).publisher == "Virago"


def test_events_are_numbered_without_gaps_and_their_stamps_only_grow(library: Library) -> None:
    with pytest.raises(RuntimeError):
        library.do(refused)
    library.clock.jump(-3600)
    library.add_book("Later")
    events = library.see(lambda reader: outbox.pending(reader, 0, 1000))
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    stamps = [parse_stamp(one.hlc) for one in events]
    assert stamps == sorted(set(stamps))
    assert {one.stream for one in events} == {library.see(outbox.stream)}
    assert {one.origin for one in events} == {ROBOT}


def refused(tx: Any) -> None:
    outbox.emit(tx, "lost", "book", "x", {})
    raise RuntimeError


def test_an_event_holds_the_whole_record_as_people_may_see_it(library: Library) -> None:
    request = library.do(
        lambda tx: requests.create(
            tx,
            user_id=library.student.id,
            book_id=library.book.id,
            request_location="ROOM-101",
            auto_approve=True,
        )
    )
    events = library.see(lambda reader: outbox.pending(reader, 0, 1000))
    told = [one for one in events if one.type == "request.changed"][-1]
    assert told.data == record(request)
    assert "pin" not in told.data and told.data["status"] == "APPROVED"
    task = [one for one in events if one.type == "task.created"][-1]
    assert (task.data["status"], task.data["step"]) == ("QUEUED", None)


def test_what_is_acknowledged_stays_acknowledged(library: Library) -> None:
    stream = library.see(outbox.stream)
    library.do(lambda tx: outbox.acknowledge(tx, 3))
    library.do(lambda tx: outbox.acknowledge(tx, 1))
    assert library.see(lambda reader: outbox.cursor(reader, stream, "up")) == 3
    library.do(lambda tx: outbox.acknowledge(tx, 10**9))
    newest = library.see(outbox.newest)
    assert library.see(lambda reader: outbox.cursor(reader, stream, "up")) == newest


def test_what_central_asks_for_happens_once(library: Library) -> None:
    batch = (wanted(library, 1), event(2, "request.cancelled", id="r1"))
    assert tell(library, *batch) == 2
    events = library.events()
    assert tell(library, *batch) == 2
    assert tell(library, *reversed(batch)) == 2
    assert library.events() == events
    seen = library.see(lambda reader: requests.get(reader, "r1"))
    assert seen.status is RequestStatus.CANCELLED


def test_what_comes_after_a_gap_waits(library: Library) -> None:
    assert tell(library, event(2, "request.cancelled", id="r1")) == 0
    assert tell(library, wanted(library, 1), event(3, "nonsense")) == 1
    assert parked(library) == []


def test_what_cannot_be_applied_is_parked_and_holds_up_nobody(library: Library) -> None:
    bad = (
        event(1, "nonsense"),
        event(2, "request.created", id="r0"),
        event(3, "request.cancelled", id="r0"),
        {**wanted(library, 4, "r0"), "hlc": "rubbish"},
        event(5, "user.changed", id=library.student.id, role="EMPEROR"),
        event(6, "book.changed", id=library.book.id, isbn="1"),
        {"seq": 7},
    )
    assert tell(library, *bad, wanted(library, 8)) == 8
    assert [seq for seq, _ in parked(library)] == [1, 2, 3, 4, 5, 6, 7]
    assert parked(library)[2][1].startswith("NOT_FOUND")
    assert library.see(lambda reader: requests.get(reader, "r1")).id == "r1"
    assert library.see(lambda reader: users.get(reader, library.student.id)) == library.student


def test_a_request_that_cannot_be_met_leaves_nothing_behind(library: Library) -> None:
    tell(library, wanted(library, 1))
    events = library.events()
    assert tell(library, wanted(library, 2, "r2")) == 2
    assert parked(library)[0][1].startswith("BOOK_NOT_AVAILABLE")
    assert library.events() == events
    tell(library, event(3, "request.cancelled", id="r1"))
    events, copies = library.events(), library.copies()
    half_way = wanted(library, 4, "r4")
    half_way["data"]["not_before"] = "next week"  # seen only after the copy is reserved
    assert tell(library, half_way) == 4
    assert parked(library)[1][1].startswith("VALIDATION_ERROR")
    assert (library.events(), library.copies()) == (events, copies)


def test_of_two_changes_of_a_field_the_newer_wins_wherever_it_came_from(library: Library) -> None:
    book_id = library.book.id
    library.clock.advance(10)
    library.do(lambda tx: catalogue.update_book(tx, book_id, title="Ours, at ten seconds"))
    tell(
        library,
        event(1, "book.changed", ms=NOW_MS + 5000, id=book_id, title="Theirs", author="At five"),
    )
    book = library.see(lambda reader: catalogue.get(reader, book_id))
    assert (book.title, book.author) == ("Ours, at ten seconds", "At five")
    tell(library, event(2, "book.changed", ms=NOW_MS + 11000, id=book_id, title="Theirs, newer"))
    tell(library, event(3, "book.changed", ms=NOW_MS + 7000, id=book_id, title="Theirs, older"))
    assert library.see(lambda reader: catalogue.get(reader, book_id)).title == "Theirs, newer"


def test_centrals_change_of_a_user_is_taken_over_and_not_told_back(library: Library) -> None:
    events = library.events()
    tell(library, event(1, "user.changed", id=library.student.id, first_name="Augusta", shoe="42"))
    user = library.see(lambda reader: users.get(reader, library.student.id))
    assert user.first_name == "Augusta" and parked(library) == []
    assert library.events() == events


def test_a_clock_far_ahead_is_reported_and_does_not_drag_ours_along(library: Library) -> None:
    ahead = NOW_MS + 3 * 86400 * 1000
    tell(library, event(1, "user.changed", ms=ahead, id=library.student.id, first_name="A"))
    assert library.see(lambda r: audit.list_entries(r, action="sync.clock_ahead")).total == 1
    library.add_book("After")
    newest = library.see(lambda reader: outbox.pending(reader, 0, 1000))[-1]
    assert parse_stamp(newest.hlc)[0] <= NOW_MS + 60_000


def test_a_command_is_new_once_and_answered_the_same_ever_after(library: Library) -> None:
    command = {"command_id": "c1", "type": "dock", "issuer": "central", "params": {}}
    register = inbox.register_command
    assert library.do(lambda tx: register(tx, command)) == (True, {"status": "ACCEPTED"})
    done = {"status": "DONE"}
    library.do(lambda tx: inbox.answer_command(tx, "c1", done))
    assert library.do(lambda tx: register(tx, command)) == (False, done)


def named(library: Library, seq: int, first_name: str, *, ms: int) -> str:
    """The student's name after central has told of a change at `ms`."""
    tell(library, event(seq, "user.changed", ms=ms, id=library.student.id, first_name=first_name))
    return library.see(lambda reader: users.get(reader, library.student.id)).first_name


def test_a_change_dated_far_ahead_does_not_win_for_days(library: Library) -> None:
    assert named(library, 1, "Ahead", ms=NOW_MS + 3 * 86400 * 1000) == "Ahead"
    assert named(library, 2, "Old", ms=NOW_MS - 1000) == "Ahead"
    library.clock.advance(240)
    assert named(library, 3, "New", ms=NOW_MS + 240_000) == "New"


def test_an_older_change_of_central_does_not_undo_ours(library: Library) -> None:
    library.clock.advance(10)
    library.do(lambda tx: users.update_profile(tx, library.student.id, first_name="Ours"))
    assert named(library, 1, "Theirs, before", ms=NOW_MS + 5000) == "Ours"
    assert named(library, 2, "Theirs, after", ms=NOW_MS + 15_000) == "Theirs, after"
