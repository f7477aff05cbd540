"""The queue: who is next, who has it in hand, and trips between members of staff."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.domain.errors import (
    BookNotAvailableError,
    ConflictError,
    InvalidTransitionError,
    NotFoundError,
    UnknownWaypointError,
)
from edge.domain.failures import Failure
from edge.domain.inventory import CopyStatus
from edge.domain.tasks import Phase, Priority, Task, TaskEvent, TaskStatus, TaskType
from edge.domain.times import seconds_between
from edge.domain.users import Actor, Role
from edge.services import arrivals, robot, tasks, trips
from edge.store.database import timestamp
from tests.support.store import LEASE_S, ROBOT, Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def transfer(library: Library, **more: Any) -> Task:
    given: dict[str, Any] = {
        "task_type": TaskType.TRANSFER,
        "source_location": "DESK-1",
        "destination_location": "DESK-2",
        **more,
    }
    return library.do(lambda tx: tasks.create_transfer(tx, **given))


def claim(library: Library, robot_id: str = ROBOT) -> Task | None:
    claim = library.do(lambda tx: trips.claim(tx, robot_id=robot_id, lease_s=LEASE_S))
    return next(iter(claim.tasks), None)


def in_turn(library: Library) -> list[str]:
    """Ids in the order in which the robot takes them."""
    taken = []
    while (task := claim(library)) is not None:
        taken.append(task.id)
        library.happen(task.id, TaskEvent.CANCEL)
    return taken


def test_priority_then_deadline_then_age(library: Library) -> None:
    old = transfer(library)
    library.clock.advance(1)
    young = transfer(library)
    soon = transfer(library, deadline="2026-01-01T12:00:00Z")
    sooner = transfer(library, deadline="2026-01-01T12:30:00+01:00")
    urgent = transfer(library, priority=Priority.URGENT)
    low = transfer(library, priority=Priority.LOW, deadline="2026-01-01T00:01:00Z")
    expected = [urgent.id, sooner.id, soon.id, old.id, young.id, low.id]
    assert [task.id for task in library.see(tasks.queue)] == expected
    assert in_turn(library) == expected


def test_who_waits_long_enough_comes_before_the_urgent(library: Library) -> None:
    low = transfer(library, priority=Priority.LOW)
    library.clock.advance(3 * 1800)
    urgent = transfer(library, priority=Priority.URGENT)
    assert in_turn(library) == [low.id, urgent.id]


def test_a_task_is_not_begun_before_its_time(library: Library) -> None:
    later = transfer(library, not_before="2026-01-01T01:00:00Z", priority=Priority.URGENT)
    now = transfer(library)
    assert [task.id for task in library.see(tasks.queue)] == [now.id, later.id]
    assert in_turn(library) == [now.id]
    library.clock.advance(3600)
    assert in_turn(library) == [later.id]


def test_waiting_for_its_time_does_not_make_a_task_old(library: Library) -> None:
    planned = transfer(library, not_before="2026-01-02T00:00:00Z")
    library.clock.advance(24 * 3600 - 60)
    high = transfer(library, priority=Priority.HIGH)
    library.clock.advance(60)
    assert in_turn(library) == [high.id, planned.id]


def test_a_claim_is_written_down_with_its_lease(library: Library) -> None:
    made = transfer(library)
    task = claim(library)
    assert task is not None and task.id == made.id
    assert (task.phase, task.assigned_robot_id, task.attempts) == (Phase.ASSIGNED, ROBOT, 1)
    library.clock.advance(LEASE_S)
    assert task.lease_until == timestamp(library.clock)
    assert library.see(lambda reader: tasks.active(reader, ROBOT)) == task
    assert claim(library) is None


def test_nothing_is_claimed_while_paused_or_under_maintenance(library: Library) -> None:
    transfer(library)
    library.do(robot.pause)
    assert claim(library) is None
    library.do(robot.resume)
    library.do(lambda tx: robot.set_maintenance(tx, True))
    assert claim(library) is None
    library.do(lambda tx: robot.set_maintenance(tx, False))
    assert claim(library) is not None


def test_another_robots_task_is_free_when_its_lease_has_run_out(library: Library) -> None:
    made = transfer(library)
    claim(library, "luna-other")
    assert claim(library) is None
    library.clock.advance(LEASE_S + 1)
    task = claim(library)
    assert task is not None and task.id == made.id and task.assigned_robot_id == ROBOT
    assert "release" in [entry.event for entry in library.task(made.id).history]


def test_a_lease_that_is_renewed_holds(library: Library) -> None:
    made = transfer(library)
    claim(library, "luna-other")
    library.clock.advance(LEASE_S - 1)
    library.do(lambda tx: tasks.renew(tx, made.id, robot_id="luna-other", lease_s=LEASE_S))
    library.clock.advance(LEASE_S - 1)
    assert claim(library) is None
    with pytest.raises(ConflictError):
        library.do(lambda tx: tasks.renew(tx, made.id, robot_id=ROBOT, lease_s=LEASE_S))


def test_a_load_on_the_tray_stays_with_its_robot_whatever_its_lease(library: Library) -> None:
    made = transfer(library)
    library.drive_to(made.id, Phase.TO_DESTINATION)
    library.clock.advance(24 * 3600)
    assert claim(library, "luna-other") is None
    assert library.see(lambda reader: tasks.active(reader, ROBOT)) is not None


def test_an_impossible_event_changes_nothing(library: Library) -> None:
    made = transfer(library)
    events = library.events()
    with pytest.raises(InvalidTransitionError) as refusal:
        library.happen(made.id, TaskEvent.HAND_OVER)
    assert refusal.value.details == {
        "from": "QUEUED",
        "to": "COMPLETED",
        "allowed": ["ASSIGNED", "CANCELLED", "FAILED"],
    }
    assert library.task(made.id) == made_with_history(library, made)
    assert library.events() == events


def made_with_history(library: Library, made: Task) -> Task:
    return library.see(lambda reader: tasks.get(reader, made.id))


def test_a_transfer_carries_a_copy_to_another_desk(library: Library) -> None:
    copy = library.copies()[0]
    made = transfer(library, copy_id=copy.id)
    assert library.copies()[0].status is CopyStatus.RESERVED
    with pytest.raises(BookNotAvailableError):
        transfer(library, copy_id=copy.id)
    library.drive_to(made.id, Phase.WAITING_FOR_HANDOVER)
    library.do(lambda tx: tasks.hand_over(tx, made.id))
    moved = library.copies()[0]
    assert (moved.status, moved.location) == (CopyStatus.AVAILABLE, "DESK-2")


def test_the_recipient_of_a_transfer_is_told(library: Library) -> None:
    made = transfer(library, recipient_id=library.librarian.id, description="three journals")
    library.drive_to(made.id, Phase.WAITING_FOR_HANDOVER)
    assert library.told(library.librarian)[-1] == "The robot is here"


def test_a_transfer_starts_and_ends_where_people_are(library: Library) -> None:
    for wrong in ({"source_location": "DOCK-1"}, {"destination_location": "nowhere"}):
        with pytest.raises(UnknownWaypointError) as refusal:
            transfer(library, **wrong)
        assert list(refusal.value.details["fields"]) == list(wrong)


def test_a_transfer_that_comes_again_with_its_id_is_the_same_one(library: Library) -> None:
    first = transfer(library, task_id="0195f0aa-0000-7000-8000-000000000002")
    assert transfer(library, task_id=first.id).id == first.id
    assert len(library.see(tasks.queue)) == 1


def test_a_failure_keeps_its_code_and_its_note(library: Library) -> None:
    made = transfer(library)
    library.drive_to(made.id, Phase.TO_SOURCE)
    task = library.happen(
        made.id, TaskEvent.FAIL, failure=Failure.NO_ROUTE, note="lane 7 is closed"
    )
    assert (task.status, task.failure) == (TaskStatus.FAILED, Failure.NO_ROUTE)
    assert task.history[-1].note == "lane 7 is closed"
    assert task.completed_at is not None and task.lease_until is None


def test_history_says_who_did_it(library: Library) -> None:
    made = transfer(library)
    actor = Actor(library.librarian.id, Role.LIBRARIAN)
    library.do(lambda tx: tasks.cancel(tx, made.id), actor)
    assert library.task(made.id).history[-1].actor == library.librarian.id


def test_a_priority_can_be_changed_until_the_task_is_over(library: Library) -> None:
    first, second = transfer(library), transfer(library)
    library.do(lambda tx: tasks.set_priority(tx, second.id, Priority.HIGH))
    assert in_turn(library) == [second.id, first.id]
    with pytest.raises(ConflictError, match="over"):
        library.do(lambda tx: tasks.set_priority(tx, first.id, Priority.LOW))


def test_tasks_can_be_listed_by_what_they_are(library: Library) -> None:
    first = transfer(library)
    library.clock.advance(10)
    since = timestamp(library.clock)
    second = transfer(library, task_type=TaskType.WORKSTATION)
    library.drive_to(first.id, Phase.TO_SOURCE)

    def ids(**filters: Any) -> list[str]:
        page = library.see(lambda reader: tasks.list_tasks(reader, **filters))
        return [task.id for task in page.items]

    assert ids() == [first.id, second.id]
    assert ids(order="desc") == [second.id, first.id]
    assert ids(status=TaskStatus.IN_PROGRESS) == [first.id]
    assert ids(task_type=TaskType.WORKSTATION) == [second.id]
    assert ids(robot_id=ROBOT) == [first.id]
    assert ids(since=since) == [second.id]
    assert ids(limit=1, page=2) == [second.id]


def test_there_is_no_task_without_a_row(library: Library) -> None:
    with pytest.raises(NotFoundError):
        library.task("none")


def test_when_a_trip_will_be_there_is_learnt_from_the_trips_before(library: Library) -> None:
    guessed = expected_s(library, transfer(library))
    first = library.claim()
    for event, seconds in ((TaskEvent.START, 5), (TaskEvent.ARRIVE, 20), (TaskEvent.LOAD, 300)):
        library.happen(first.id, event)
        library.clock.advance(seconds)
    library.happen(first.id, TaskEvent.ARRIVE)
    library.clock.advance(15)
    library.happen(first.id, TaskEvent.HAND_OVER)

    learnt = expected_s(library, transfer(library))
    assert learnt == pytest.approx(20 + 300, abs=10)
    assert learnt != pytest.approx(guessed, abs=60)


def test_nobody_knows_when_a_paused_robot_will_be_there(library: Library) -> None:
    task = transfer(library)
    library.do(robot.pause)
    assert library.see(lambda reader: arrivals.expected_one(reader, task)).eta is None


def test_a_trip_that_is_over_keeps_what_it_was(library: Library) -> None:
    task = library.happen(transfer(library).id, TaskEvent.CANCEL)
    assert library.see(lambda reader: arrivals.expected_one(reader, task)) == task


def expected_s(library: Library, task: Task) -> float:
    """Seconds until the trip is there."""
    eta = library.see(lambda reader: arrivals.expected_one(reader, task)).eta
    assert eta is not None
    return seconds_between(timestamp(library.clock), eta)
