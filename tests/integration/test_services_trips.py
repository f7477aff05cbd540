"""Trips of a robot whose tray has several slots, in a real store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.domain.experience import SLOWER
from edge.domain.power import Battery
from edge.domain.robots import LastPose
from edge.domain.tasks import Phase, Priority, Task, TaskEvent, TaskType
from edge.domain.times import later, seconds_between
from edge.services import arrivals, notifications, robot, tasks, trips, whereabouts
from edge.services.trips import Claim
from edge.store.database import timestamp
from tests.support.store import LEASE_S, ROBOT, Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def order(library: Library, to: str, source: str = "DESK-1", **more: Any) -> Task:
    return library.do(
        lambda tx: tasks.create_transfer(
            tx,
            task_type=TaskType.TRANSFER,
            source_location=source,
            destination_location=to,
            **more,
        )
    )


def claim(library: Library, slots: int, battery: Battery | None = None, who: str = ROBOT) -> Claim:
    return library.do(
        lambda tx: trips.claim(tx, robot_id=who, lease_s=LEASE_S, slots=slots, battery=battery)
    )


def test_orders_of_one_desk_are_claimed_together_each_with_a_slot_and_a_lease(
    library: Library,
) -> None:
    made = [order(library, place) for place in ("ROOM-101", "ROOM-102", "SHELF-A", "SHELF-B")]
    found = claim(library, 3).tasks
    assert [task.id for task in found] == [task.id for task in made[:3]]
    assert [task.slot for task in found] == [1, 2, 3]
    until = later(timestamp(library.clock), LEASE_S)
    assert {(task.phase, task.lease_until) for task in found} == {(Phase.ASSIGNED, until)}
    assert claim(library, 3) == Claim()


def test_with_one_slot_one_is_claimed_and_none_is_named(library: Library) -> None:
    first, _ = order(library, "ROOM-101"), order(library, "ROOM-102")
    (found,) = claim(library, 1).tasks
    assert (found.id, found.slot) == (first.id, None)
    assert claim(library, 1) == Claim()


def test_a_slot_is_free_again_when_its_task_is_over_or_given_back(library: Library) -> None:
    for place in ("ROOM-101", "ROOM-102", "SHELF-A"):
        order(library, place)
    first, second = claim(library, 2).tasks
    given_back = library.happen(first.id, TaskEvent.RELEASE)
    assert (given_back.phase, given_back.slot) == (Phase.QUEUED, None)
    library.happen(second.id, TaskEvent.CANCEL)
    assert library.task(second.id).slot is None
    assert [task.slot for task in claim(library, 2).tasks] == [1, 2]


def test_who_comes_later_gets_the_slot_that_is_free(library: Library) -> None:
    made = [order(library, place) for place in ("ROOM-101", "ROOM-102")]
    claim(library, 3)
    library.happen(made[1].id, TaskEvent.CANCEL)
    late = order(library, "SHELF-A", priority=Priority.URGENT)
    (joined,) = claim(library, 3).tasks
    assert (joined.id, joined.slot) == (late.id, 2)


def test_who_gains_nothing_by_sharing_waits_for_the_next_trip(library: Library) -> None:
    order(library, "ROOM-101")
    claim(library, 3)
    order(library, "DESK-2", source="ROOM-102")
    assert claim(library, 3) == Claim()


def test_nothing_joins_while_paused_or_under_maintenance(library: Library) -> None:
    order(library, "ROOM-101")
    claim(library, 3)
    order(library, "ROOM-102")
    library.do(robot.pause)
    assert claim(library, 3) == Claim()
    library.do(robot.resume)
    assert len(claim(library, 3).tasks) == 1


def test_what_another_robot_left_behind_is_claimed_for_the_trip(library: Library) -> None:
    for place in ("ROOM-101", "ROOM-102"):
        order(library, place)
    claim(library, 2, who="luna-other")
    assert claim(library, 2) == Claim()
    library.clock.advance(LEASE_S + 1)
    assert {task.assigned_robot_id for task in claim(library, 2).tasks} == {ROBOT}


def test_the_first_that_was_begun_counts_as_the_one_in_hand(library: Library) -> None:
    for place in ("ROOM-101", "ROOM-102"):
        order(library, place)
    _, second = claim(library, 2).tasks
    library.happen(second.id, TaskEvent.START)
    active = library.see(lambda reader: tasks.active(reader, ROBOT))
    assert active is not None and active.id == second.id


def test_each_has_its_place_in_the_queue(library: Library) -> None:
    first, second = order(library, "ROOM-101"), order(library, "ROOM-102")
    assert [place_of(library, task) for task in (first, second)] == [1, 2]
    library.happen(first.id, TaskEvent.CANCEL)
    assert place_of(library, second) == 1
    over = library.task(first.id)
    assert library.see(lambda reader: arrivals.expected_one(reader, over)) == over


def place_of(library: Library, task: Task) -> int | None:
    return library.see(lambda reader: arrivals.expected_one(reader, task)).queue_place


def stand_at(library: Library, x: float, y: float) -> None:
    pose = LastPose((x, y, 0.0), (0.0, 0.0, 0.0))
    library.do(lambda tx: whereabouts.remember_pose(tx, pose))


def test_arrivals_count_the_trip_that_is_shared(library: Library) -> None:
    stand_at(library, 0.0, 0.0)
    near, far = order(library, "ROOM-101"), order(library, "ROOM-102")

    def seconds(slots: int) -> list[float]:
        queue = library.see(tasks.queue)
        found = library.see(lambda reader: arrivals.expected(reader, queue, slots))
        by_id = {task.id: task.eta or "" for task in found}
        now = timestamp(library.clock)
        return [seconds_between(now, by_id[task.id]) for task in (near, far)]

    alone, together = seconds(1), seconds(2)
    assert together[0] == pytest.approx(alone[0], abs=10)
    assert together[1] < alone[1] - 60


def battery(level: float) -> Battery:
    """Of a robot that drives for an hour and stands for two."""
    return Battery(level, reserve=0.1, drive_s=3600.0, stand_s=7200.0)


def test_what_the_battery_would_not_last_for_is_not_begun(library: Library) -> None:
    stand_at(library, 0.0, 0.0)
    made = order(library, "DESK-2")
    assert claim(library, 1, battery(0.12)) == Claim(short=True)
    assert library.task(made.id).phase is Phase.QUEUED
    assert claim(library, 1, battery(0.5)).tasks[0].id == made.id


def test_a_trip_is_as_long_as_the_battery_lasts(library: Library) -> None:
    stand_at(library, 0.0, 0.0)
    for place in ("ROOM-101", "DESK-2"):
        order(library, place)
    found = claim(library, 2, battery(0.16))
    assert [task.destination_location for task in found.tasks] == ["ROOM-101"]
    assert not found.short


def test_a_full_battery_and_one_that_nobody_knows_refuse_nothing(library: Library) -> None:
    order(library, "DESK-2")
    small = Battery(1.0, reserve=0.99, drive_s=60.0, stand_s=60.0)
    (task,) = claim(library, 1, small).tasks
    library.happen(task.id, TaskEvent.RELEASE)
    assert len(claim(library, 1).tasks) == 1


def test_people_are_told_in_which_slot_their_load_is(library: Library) -> None:
    for place in ("ROOM-101", "ROOM-102"):
        order(library, place, description="A parcel", recipient_id=library.student.id)
    _, second = claim(library, 2).tasks
    library.happen(second.id, TaskEvent.START, TaskEvent.ARRIVE, TaskEvent.LOAD, TaskEvent.ARRIVE)
    told = library.see(lambda reader: notifications.list_for(reader, library.student.id)).items
    assert "A parcel (slot 2 of the tray)" in told[0].message
    library.happen(second.id, TaskEvent.HAND_OVER)
    told = library.see(lambda reader: notifications.list_for(reader, library.student.id)).items
    assert "slot" not in told[0].message


def test_a_drive_in_which_the_clock_was_set_back_teaches_nothing(library: Library) -> None:
    task = order(library, "DESK-2")
    library.clock.advance(7200)
    library.drive_to(task.id, Phase.TO_DESTINATION)
    library.clock.jump(-3600)
    library.happen(task.id, TaskEvent.ARRIVE, TaskEvent.HAND_OVER)
    learnt = library.see(arrivals.experience)
    assert not learnt.legs and learnt.slower == SLOWER
