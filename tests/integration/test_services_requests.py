"""A reader asks for a book: what each step changes, in one story."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.domain.errors import (
    BookNotAvailableError,
    ForbiddenError,
    InvalidTransitionError,
    NotFoundError,
    UnknownWaypointError,
    ValidationError,
)
from edge.domain.failures import Failure
from edge.domain.inventory import CopyStatus
from edge.domain.requests import Request, RequestStatus
from edge.domain.tasks import Phase, TaskEvent, TaskStatus
from edge.services import requests, tasks, trips
from tests.support.store import ROBOT, Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def ask(library: Library, *, place: str = "ROOM-101", auto: bool = True, **more: str) -> Request:
    return library.do(
        lambda tx: requests.create(
            tx,
            user_id=library.student.id,
            book_id=library.book.id,
            request_location=place,
            auto_approve=auto,
            **more,
        )
    )


def see(library: Library, request: Request) -> Request:
    return library.see(lambda reader: requests.get(reader, request.id))


def test_one_transaction_makes_request_task_reservation_notices_and_events(
    library: Library,
) -> None:
    before = len(library.events())
    request = ask(library)
    task = library.task(request.task_id or "")
    assert request.status is RequestStatus.APPROVED
    assert task.phase is Phase.QUEUED and task.request_id == request.id
    assert task.source_location == "DESK-1" and task.destination_location == "ROOM-101"
    assert library.copies()[0].status is CopyStatus.RESERVED
    assert [entry.event for entry in task.history] == ["create"]
    assert library.told(library.student) == ["Request approved"]
    assert library.told(library.librarian) == ["Please fetch a load"]
    events = library.events()[before:]
    assert {"request.created", "request.changed", "task.created"} <= set(events)
    assert events.count("notification.created") == 2 and "copy.changed" in events


def test_the_source_is_the_desk_nearest_to_the_place(library: Library) -> None:
    task = library.task(ask(library, place="Room 102").task_id or "")
    assert task.source_location == "DESK-2"


def test_a_request_waits_for_approval_where_that_is_asked_for(library: Library) -> None:
    request = ask(library, auto=False)
    assert request.status is RequestStatus.PENDING
    assert library.task(request.task_id or "").phase is Phase.PENDING
    assert library.copies()[0].status is CopyStatus.RESERVED
    assert library.told(library.librarian) == ["A request waits for you"]
    assert not library.do(lambda tx: trips.claim(tx, robot_id=ROBOT, lease_s=30)).tasks
    approved = library.do(lambda tx: requests.approve(tx, request.id))
    assert approved.status is RequestStatus.APPROVED
    with pytest.raises(InvalidTransitionError):
        library.do(lambda tx: requests.approve(tx, request.id))


def test_a_whole_delivery_ends_with_the_book_in_the_readers_hands(library: Library) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.TO_SOURCE)
    assert see(library, request).status is RequestStatus.IN_PROGRESS
    library.happen(task_id, TaskEvent.ARRIVE)
    assert library.told(library.librarian)[-1] == "The robot waits to be loaded"
    library.do(lambda tx: tasks.load_placed(tx, task_id))
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.RESERVED, f"robot:{ROBOT}")
    library.happen(task_id, TaskEvent.ARRIVE)
    assert library.told(library.student)[-1] == "The robot is here"
    done = library.do(lambda tx: requests.complete(tx, request.id, by_owner=True))
    assert done.status is RequestStatus.COMPLETED and done.completed_at is not None
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (
        CopyStatus.CHECKED_OUT,
        f"user:{library.student.id}",
    )
    assert library.task(task_id).status is TaskStatus.COMPLETED
    assert library.told(library.student)[-1] == "Delivered"


def test_the_book_is_not_handed_over_before_the_robot_is_there(library: Library) -> None:
    request = ask(library)
    library.drive_to(request.task_id or "", Phase.TO_DESTINATION)
    with pytest.raises(InvalidTransitionError) as refusal:
        library.do(lambda tx: requests.complete(tx, request.id, by_owner=True))
    assert refusal.value.details["from"] == "TO_DESTINATION"
    assert see(library, request).status is RequestStatus.IN_PROGRESS


def test_at_the_touchscreen_the_right_pin_is_needed(library: Library) -> None:
    request = ask(library)
    library.drive_to(request.task_id or "", Phase.WAITING_FOR_HANDOVER)
    wrong = f"{(int(request.pin) + 1) % 10_000:04d}"
    complete = partial(requests.complete, request_id=request.id, by_owner=False)
    for pin in (wrong, None, "", "١٢٣٤"):
        with pytest.raises(ForbiddenError):
            library.do(partial(complete, pin=pin))
    done = library.do(partial(complete, pin=request.pin))
    assert done.status is RequestStatus.COMPLETED


def test_a_hand_over_happens_once(library: Library) -> None:
    request = ask(library)
    library.drive_to(request.task_id or "", Phase.WAITING_FOR_HANDOVER)
    library.do(lambda tx: requests.complete(tx, request.id, by_owner=True))
    events = len(library.events())
    with pytest.raises(InvalidTransitionError):
        library.do(lambda tx: requests.complete(tx, request.id, by_owner=True))
    assert len(library.events()) == events


@pytest.mark.parametrize(
    "phase", [Phase.QUEUED, Phase.ASSIGNED, Phase.TO_SOURCE, Phase.WAITING_FOR_LOAD]
)
def test_cancelled_before_it_is_loaded_the_copy_is_free_at_once(
    library: Library, phase: Phase
) -> None:
    request = ask(library)
    library.drive_to(request.task_id or "", phase)
    cancelled = library.do(lambda tx: requests.cancel(tx, request.id))
    assert cancelled.status is RequestStatus.CANCELLED
    assert library.task(request.task_id or "").phase is Phase.CANCELLED
    assert library.copies()[0].status is CopyStatus.AVAILABLE
    assert library.told(library.student)[-1] == "Cancelled"


def test_cancelled_on_the_way_the_robot_turns_back_and_the_copy_is_free_at_the_desk(
    library: Library,
) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.TO_DESTINATION)
    assert library.do(lambda tx: requests.cancel(tx, request.id)).status is RequestStatus.CANCELLED
    task = library.task(task_id)
    assert (task.phase, task.goal) == (Phase.RETURNING_LOAD, "DESK-1")
    assert library.copies()[0].location == f"robot:{ROBOT}"
    assert library.copies()[0].status is CopyStatus.RESERVED
    assert library.happen(task_id, TaskEvent.ARRIVE).status is TaskStatus.CANCELLED
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.AVAILABLE, "DESK-1")
    with pytest.raises(InvalidTransitionError):
        library.do(lambda tx: requests.cancel(tx, request.id))


def test_nobody_loads_it_so_the_request_ends_and_all_are_told_why(library: Library) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.WAITING_FOR_LOAD)
    task = library.happen(task_id, TaskEvent.GIVE_UP_WAITING)
    assert (task.status, task.failure) == (TaskStatus.FAILED, Failure.LOAD_TIMEOUT)
    assert see(library, request).status is RequestStatus.CANCELLED
    assert library.copies()[0].status is CopyStatus.AVAILABLE
    assert library.told(library.student)[-1] == "It did not work"
    assert library.told(library.librarian)[-1] == "It did not work"


def test_nobody_takes_it_so_it_goes_back_to_the_desk(library: Library) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.RETURNING_LOAD)
    assert library.task(task_id).failure == Failure.HANDOVER_TIMEOUT
    assert see(library, request).status is RequestStatus.IN_PROGRESS
    task = library.happen(task_id, TaskEvent.ARRIVE)
    assert (task.status, task.failure) == (TaskStatus.CANCELLED, Failure.HANDOVER_TIMEOUT)
    assert see(library, request).status is RequestStatus.CANCELLED
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.AVAILABLE, "DESK-1")
    assert library.told(library.student)[-2:] == ["The robot turns back", "Brought back"]


def test_a_robot_that_cannot_bring_it_back_calls_the_staff(library: Library) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.RETURNING_LOAD)
    library.happen(task_id, TaskEvent.FAIL, failure=Failure.STUCK)
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.UNAVAILABLE, f"robot:{ROBOT}")
    assert library.told(library.librarian)[-1] == "The robot needs help"
    assert see(library, request).status is RequestStatus.CANCELLED


def test_a_task_that_is_given_back_can_set_out_again(library: Library) -> None:
    request = ask(library)
    task_id = request.task_id or ""
    library.drive_to(task_id, Phase.TO_SOURCE)
    assert library.happen(task_id, TaskEvent.RELEASE).assigned_robot_id is None
    task = library.drive_to(task_id, Phase.WAITING_FOR_HANDOVER)
    assert task.attempts == 2
    assert see(library, request).status is RequestStatus.IN_PROGRESS


def test_the_last_copy_goes_to_one_reader_only(library: Library) -> None:
    ask(library)
    events = library.events()
    with pytest.raises(BookNotAvailableError) as refusal:
        ask(library)
    assert refusal.value.details == {"book_id": library.book.id, "current_status": "RESERVED"}
    assert library.events() == events


@pytest.mark.parametrize("place", ["ROOM-999", "DOCK-1", "Crossing", "", "  "])
def test_the_robot_brings_books_only_to_places_where_people_are(
    library: Library, place: str
) -> None:
    with pytest.raises(UnknownWaypointError):
        ask(library, place=place)
    assert library.copies()[0].status is CopyStatus.AVAILABLE


@pytest.mark.parametrize("place", ["ROOM-101", "room-101", "Room 101", "room 101 "])
def test_a_place_is_known_by_its_code_or_its_name(library: Library, place: str) -> None:
    assert ask(library, place=place).request_location == "ROOM-101"


def test_nobody_asks_for_a_book_that_does_not_exist(library: Library) -> None:
    with pytest.raises(NotFoundError):
        library.do(
            lambda tx: requests.create(
                tx,
                user_id=library.student.id,
                book_id="none",
                request_location="ROOM-101",
                auto_approve=True,
            )
        )


def test_a_request_that_comes_again_with_its_id_is_the_same_one(library: Library) -> None:
    first = ask(library, request_id="0195f0aa-0000-7000-8000-000000000001")
    again = ask(library, request_id="0195f0aa-0000-7000-8000-000000000001")
    assert again == first


def test_a_time_without_a_zone_is_refused(library: Library) -> None:
    with pytest.raises(ValidationError) as refusal:
        ask(library, not_before="2026-01-01T10:00:00")
    assert list(refusal.value.details["fields"]) == ["not_before"]
    assert library.copies()[0].status is CopyStatus.AVAILABLE


def test_a_list_shows_only_what_is_asked_for(library: Library) -> None:
    mine = ask(library)
    other = library.see(lambda r: requests.list_requests(r, user_id=library.librarian.id))
    own = library.see(lambda r: requests.list_requests(r, user_id=library.student.id))
    done = library.see(lambda r: requests.list_requests(r, status=RequestStatus.COMPLETED))
    assert (other.total, own.total, done.total) == (0, 1, 0)
    assert own.items[0].id == mine.id
    refused: tuple[dict[str, Any], ...] = (
        {"limit": 101},
        {"page": 0},
        {"sort": "pin"},
        {"order": "up"},
    )
    for wrong in refused:
        with pytest.raises(ValidationError):
            library.see(partial(requests.list_requests, **wrong))
