"""What the robot does next, story by story."""

from dataclasses import replace
from typing import Any

import pytest

from edge.domain.errands import (
    ARRIVED,
    CANCELLED,
    HOME,
    STOPPED,
    Answer,
    Claim,
    Drive,
    Forget,
    Go,
    Halt,
    Relocate,
    Situation,
    Step,
    Tell,
    Wait,
    Waits,
    errand_of,
    next_act,
)
from edge.domain.failures import Failure
from edge.domain.power import Alarm, Charge, Power
from edge.domain.robots import CommandStatus, CommandType, RobotCommand
from edge.domain.tasks import Phase, Priority, Task, TaskEvent, TaskType

WAITS = Waits(load_s=600, handover_s=300, home_s=30)
IDLE = Situation(waits=WAITS, dock="DOCK-1", at_home=True)


def task_in(phase: Phase) -> Task:
    return Task(
        id="task-1",
        request_id=None,
        return_id=None,
        task_type=TaskType.TRANSFER,
        priority=Priority.NORMAL,
        phase=phase,
        assigned_robot_id="luna-01",
        source_location="DESK-1",
        destination_location="ROOM-101",
        copy_id=None,
        recipient_id=None,
        description=None,
        not_before=None,
        deadline=None,
        attempts=1,
        eta=None,
        phase_since="2026-01-01T00:00:00.000Z",
        lease_until=None,
        created_at="2026-01-01T00:00:00.000Z",
        started_at=None,
        completed_at=None,
        failure=None,
    )


def order(type: CommandType = CommandType.GO_TO, number: int = 1, **params: Any) -> RobotCommand:
    issued_at = f"2026-01-01T00:00:0{number}.000Z"
    name = f"order-{number}"
    return RobotCommand(name, type, params, "librarian", CommandStatus.RUNNING, issued_at, None)


GO_TO_DESK = order(location="DESK-2")
ON_ITS_WAY = Drive(GO_TO_DESK.id, "DESK-2")


def busy(phase: Phase, **changes: Any) -> Situation:
    return replace(IDLE, task=task_in(phase), **changes)


def driving(phase: Phase, outcome: str | None = None, **changes: Any) -> Situation:
    task = task_in(phase)
    return busy(phase, drive=Drive(errand_of(task), task.goal or "", outcome), **changes)


def test_with_nothing_to_do_it_waits() -> None:
    assert next_act(IDLE) == Wait()


def test_a_task_that_waits_is_claimed() -> None:
    assert next_act(replace(IDLE, queued=True)) == Claim()


def test_a_claimed_task_is_begun_in_the_store_before_the_robot_moves() -> None:
    assert next_act(busy(Phase.ASSIGNED)) == Step("task-1", TaskEvent.START)


@pytest.mark.parametrize(
    ("phase", "place"),
    [
        (Phase.TO_SOURCE, "DESK-1"),
        (Phase.TO_DESTINATION, "ROOM-101"),
        (Phase.RETURNING_LOAD, "DESK-1"),
    ],
)
def test_a_driving_phase_drives_to_its_place_and_says_when_it_is_there(
    phase: Phase, place: str
) -> None:
    errand = f"task-1/{phase}"
    assert next_act(busy(phase)) == Go(errand, place)
    assert next_act(driving(phase)) == Wait()
    assert next_act(driving(phase, ARRIVED)) == Step("task-1", TaskEvent.ARRIVE)


def test_a_failed_drive_fails_the_task_with_its_code() -> None:
    act = next_act(driving(Phase.TO_SOURCE, "BLOCKED"))
    assert act == Step("task-1", TaskEvent.FAIL, Failure.BLOCKED)


def test_a_reason_that_tasks_do_not_know_is_a_navigation_failure() -> None:
    act = next_act(driving(Phase.TO_SOURCE, "SOMETHING_NEW"))
    assert act == Step("task-1", TaskEvent.FAIL, Failure.NAVIGATION)


@pytest.mark.parametrize("outcome", [STOPPED, CANCELLED])
def test_a_drive_that_was_ended_from_outside_is_driven_again_later(outcome: str) -> None:
    assert next_act(driving(Phase.TO_SOURCE, outcome, stopped=True)) == Forget()
    assert next_act(busy(Phase.TO_SOURCE, stopped=True)) == Wait()
    assert isinstance(next_act(busy(Phase.TO_SOURCE)), Go)


def test_a_drive_for_a_phase_that_is_over_gives_way_to_the_next_phase() -> None:
    stale = Drive("task-1/TO_DESTINATION", "ROOM-101")
    act = next_act(busy(Phase.RETURNING_LOAD, drive=stale))
    assert act == Go("task-1/RETURNING_LOAD", "DESK-1")


def test_a_stale_arrival_never_moves_the_task_on() -> None:
    stale = Drive("task-1/TO_SOURCE", "DESK-1", ARRIVED)
    assert next_act(busy(Phase.TO_DESTINATION, drive=stale)) == Forget()


@pytest.mark.parametrize(
    ("phase", "limit_s"), [(Phase.WAITING_FOR_LOAD, 600), (Phase.WAITING_FOR_HANDOVER, 300)]
)
def test_people_are_waited_for_until_the_limit(phase: Phase, limit_s: float) -> None:
    assert next_act(busy(phase, waited_s=limit_s)) == Wait()
    late = busy(phase, waited_s=limit_s + 0.1)
    assert next_act(late) == Step("task-1", TaskEvent.GIVE_UP_WAITING)


@pytest.mark.parametrize("cause", ["paused", "maintenance"])
def test_paused_or_under_maintenance_a_task_halts_and_keeps_its_place(cause: str) -> None:
    standing: dict[str, Any] = {cause: True}
    assert next_act(driving(Phase.TO_SOURCE, **standing)) == Halt()
    assert next_act(busy(Phase.TO_SOURCE, **standing)) == Wait()
    assert next_act(replace(IDLE, queued=True, **standing)) == Wait()


def test_a_cancelled_task_stops_the_robot() -> None:
    orphan = replace(IDLE, drive=Drive("task-1/TO_SOURCE", "DESK-1"))
    assert next_act(orphan) == Halt()


def test_an_order_is_driven_and_answered() -> None:
    ordered = replace(IDLE, orders=(GO_TO_DESK,))
    assert next_act(ordered) == Go("order-1", "DESK-2")
    assert next_act(replace(ordered, drive=ON_ITS_WAY)) == Wait()
    there = replace(ordered, drive=ON_ITS_WAY._replace(outcome=ARRIVED))
    assert next_act(there) == Answer("order-1", CommandStatus.DONE)


def test_an_order_that_a_stop_ended_is_not_driven_later() -> None:
    stopped = replace(IDLE, orders=(GO_TO_DESK,), drive=ON_ITS_WAY._replace(outcome=STOPPED))
    assert next_act(stopped) == Answer("order-1", CommandStatus.FAILED, STOPPED)


def test_an_order_given_while_stopped_is_refused() -> None:
    act = next_act(replace(IDLE, orders=(GO_TO_DESK,), stopped=True))
    assert act == Answer("order-1", CommandStatus.FAILED, STOPPED)


def test_an_order_whose_time_is_over_is_not_driven_after_a_pause() -> None:
    brief = replace(GO_TO_DESK, expires_at="2026-01-01T00:00:02.000Z")
    paused = replace(IDLE, orders=(brief,), paused=True, at="2026-01-01T00:00:01.000Z")
    assert next_act(paused) == Wait()
    late = replace(paused, at="2026-01-01T00:00:02.000Z")
    assert next_act(late) == Answer("order-1", CommandStatus.EXPIRED)
    assert next_act(replace(late, paused=False)) == Answer("order-1", CommandStatus.EXPIRED)
    driven = replace(late, paused=False, drive=ON_ITS_WAY)
    assert next_act(driven) == Wait()


def test_an_order_given_during_a_task_is_refused_and_the_task_goes_on() -> None:
    act = next_act(driving(Phase.TO_SOURCE, orders=(GO_TO_DESK,)))
    assert act == Answer("order-1", CommandStatus.FAILED, "BUSY")


def test_of_two_orders_the_newer_is_driven() -> None:
    newer = order(number=2, location="ROOM-101")
    both = replace(IDLE, orders=(GO_TO_DESK, newer), drive=ON_ITS_WAY)
    assert next_act(both) == Answer("order-1", CommandStatus.FAILED, "REPLACED")
    assert next_act(replace(both, orders=(newer,))) == Go("order-2", "ROOM-101")


def test_under_maintenance_people_may_still_order_drives() -> None:
    act = next_act(replace(IDLE, orders=(GO_TO_DESK,), maintenance=True))
    assert act == Go("order-1", "DESK-2")


def test_the_end_of_motion_ends_the_order_before_it_and_then_the_drive() -> None:
    cancel = order(CommandType.CANCEL_MOTION, 2)
    both = replace(IDLE, orders=(GO_TO_DESK, cancel), drive=ON_ITS_WAY)
    assert next_act(both) == Answer("order-1", CommandStatus.FAILED, CANCELLED)
    assert next_act(replace(both, orders=(cancel,))) == Halt()
    act = next_act(replace(IDLE, orders=(cancel,)))
    assert act == Answer("order-2", CommandStatus.DONE)


def test_being_told_where_it_is_is_possible_while_stopped() -> None:
    pose = order(CommandType.INITIAL_POSE, x=1.0, y=2.0, theta=0.0)
    assert next_act(replace(IDLE, orders=(pose,), stopped=True)) == Relocate(pose)


def test_the_order_to_dock_goes_to_the_dock() -> None:
    act = next_act(replace(IDLE, orders=(order(CommandType.DOCK),)))
    assert act == Go("order-1", "DOCK-1")


def test_the_order_to_dock_fails_where_there_is_no_dock() -> None:
    act = next_act(replace(IDLE, orders=(order(CommandType.DOCK),), dock=None))
    assert act == Answer("order-1", CommandStatus.FAILED, "UNKNOWN_WAYPOINT")


def test_idle_for_long_enough_it_goes_home() -> None:
    away = replace(IDLE, at_home=False)
    assert next_act(replace(away, idle_s=29)) == Wait()
    assert next_act(replace(away, idle_s=30)) == Go(HOME, "DOCK-1")
    assert next_act(replace(IDLE, idle_s=30)) == Wait()


def test_where_the_battery_is_too_low_for_the_next_task_it_goes_home_at_once_and_staff_know() -> (
    None
):
    short = replace(IDLE, at_home=False, short=True)
    assert next_act(short) == Go(HOME, "DOCK-1")
    heard = replace(short, charge=Charge(Power.OK))
    assert next_act(heard) == Tell(frozenset({Alarm.CHARGES_FIRST}))
    assert next_act(replace(heard, told=frozenset({Alarm.CHARGES_FIRST}))) == Go(HOME, "DOCK-1")


def test_a_task_comes_before_going_home() -> None:
    going_home = replace(IDLE, at_home=False, drive=Drive(HOME, "DOCK-1"))
    assert next_act(going_home) == Wait()
    assert next_act(replace(going_home, queued=True)) == Claim()


@pytest.mark.parametrize("phase", Phase)
def test_stopped_it_never_sets_out(phase: Phase) -> None:
    for drive in (None, Drive("task-1/TO_SOURCE", "DESK-1")):
        act = next_act(busy(phase, stopped=True, drive=drive, idle_s=1e6, at_home=False))
        assert not isinstance(act, Go)
