"""A reader gives a book back: what each step changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.errors import ConflictError, InvalidTransitionError, UnknownWaypointError
from edge.domain.inventory import CopyStatus
from edge.domain.returns import Return, ReturnStatus
from edge.domain.tasks import Phase, TaskEvent, TaskStatus
from edge.services import requests, returns, tasks
from tests.support.store import ROBOT, Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """The student has the book at home."""
    with small_library(tmp_path) as library:
        request = library.do(
            lambda tx: requests.create(
                tx,
                user_id=library.student.id,
                book_id=library.book.id,
                request_location="ROOM-102",
                auto_approve=True,
            )
        )
        library.drive_to(request.task_id or "", Phase.WAITING_FOR_HANDOVER)
        library.do(lambda tx: requests.complete(tx, request.id, by_owner=True))
        yield library


def give_back(library: Library, place: str = "ROOM-102") -> Return:
    return library.do(
        lambda tx: returns.create(
            tx, user_id=library.student.id, book_id=library.book.id, pickup_location=place
        )
    )


def see(library: Library, returned: Return) -> Return:
    return library.see(lambda reader: returns.get(reader, returned.id))


def test_a_return_brings_the_book_from_the_reader_to_the_nearest_desk(library: Library) -> None:
    returned = give_back(library)
    task_id = returned.task_id or ""
    task = library.task(task_id)
    assert returned.status is ReturnStatus.PICKUP_SCHEDULED
    assert (task.source_location, task.destination_location) == ("ROOM-102", "DESK-2")
    library.drive_to(task_id, Phase.WAITING_FOR_LOAD)
    assert library.told(library.student)[-1] == "The robot is here"
    picked_up = library.do(lambda tx: returns.picked_up(tx, returned.id))
    assert picked_up.status is ReturnStatus.PICKED_UP and picked_up.picked_up_at is not None
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.CHECKED_OUT, f"robot:{ROBOT}")
    library.happen(task_id, TaskEvent.ARRIVE)
    assert library.told(library.librarian)[-1] == "The robot brings a return"
    library.do(lambda tx: tasks.hand_over(tx, task_id))
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.AVAILABLE, "DESK-2")
    done = see(library, returned)
    assert done.status is ReturnStatus.COMPLETED and done.completed_at is not None
    assert library.told(library.student)[-1] == "Given back"


def test_a_reader_gives_back_only_what_the_reader_has(library: Library) -> None:
    with pytest.raises(ConflictError):
        library.do(
            lambda tx: returns.create(
                tx,
                user_id=library.librarian.id,
                book_id=library.book.id,
                pickup_location="ROOM-102",
            )
        )


def test_the_robot_is_not_called_twice_for_one_book(library: Library) -> None:
    give_back(library)
    with pytest.raises(ConflictError):
        give_back(library)


def test_the_robot_does_not_fetch_books_from_nowhere(library: Library) -> None:
    with pytest.raises(UnknownWaypointError) as refusal:
        give_back(library, "DOCK-1")
    assert list(refusal.value.details["fields"]) == ["pickup_location"]


def test_a_return_can_be_cancelled_until_the_book_is_on_the_robot(library: Library) -> None:
    returned = give_back(library)
    library.drive_to(returned.task_id or "", Phase.WAITING_FOR_LOAD)
    assert library.do(lambda tx: returns.cancel(tx, returned.id)).status is ReturnStatus.CANCELLED
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (
        CopyStatus.CHECKED_OUT,
        f"user:{library.student.id}",
    )
    again = give_back(library)
    library.drive_to(again.task_id or "", Phase.TO_DESTINATION)
    with pytest.raises(InvalidTransitionError):
        library.do(lambda tx: returns.cancel(tx, again.id))


def test_a_reader_who_does_not_come_keeps_the_book(library: Library) -> None:
    returned = give_back(library)
    library.drive_to(returned.task_id or "", Phase.WAITING_FOR_LOAD)
    library.happen(returned.task_id or "", TaskEvent.GIVE_UP_WAITING)
    assert see(library, returned).status is ReturnStatus.CANCELLED
    assert library.copies()[0].location == f"user:{library.student.id}"


def test_a_book_that_nobody_takes_at_the_desk_is_given_back_all_the_same(library: Library) -> None:
    returned = give_back(library)
    task_id = returned.task_id or ""
    library.drive_to(task_id, Phase.RETURNING_LOAD)
    assert library.task(task_id).goal == "DESK-2"
    assert library.happen(task_id, TaskEvent.ARRIVE).status is TaskStatus.CANCELLED
    assert see(library, returned).status is ReturnStatus.COMPLETED
    copy = library.copies()[0]
    assert (copy.status, copy.location) == (CopyStatus.AVAILABLE, "DESK-2")
