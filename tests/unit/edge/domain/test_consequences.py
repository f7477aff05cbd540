"""What follows from the steps of a trip: rules that hold for every story."""

from itertools import product

import pytest

from edge.domain.consequences import STORIES, Consequence, Spot, consequence
from edge.domain.inventory import CopyStatus
from edge.domain.messages import TYPES, Message
from edge.domain.requests import RequestEvent
from edge.domain.returns import ReturnEvent
from edge.domain.tasks import FINAL, TABLE, Phase, TaskEvent, TaskType

STEPS = [(phase, event) for phase, line in TABLE.items() for event in line]


@pytest.mark.parametrize("task_type", TaskType)
def test_nothing_follows_from_what_cannot_happen(task_type: TaskType) -> None:
    assert set(STORIES[task_type]) <= set(STEPS)


@pytest.mark.parametrize(("task_type", "step"), list(product(TaskType, STEPS)))
def test_whatever_ends_a_trip_settles_the_copy_and_tells_somebody(
    task_type: TaskType, step: tuple[Phase, TaskEvent]
) -> None:
    after = TABLE[step[0]][step[1]]
    then = consequence(task_type, *step)
    if after not in FINAL:
        assert then.copy_status is None, "only the end of a trip frees or lends a copy"
        return
    assert then.tell_owner is not None or then.tell_staff is not None
    untouched = task_type is TaskType.RETURN_PICKUP and then.giving_back is ReturnEvent.CANCEL
    assert (then.copy_status is None) == untouched


@pytest.mark.parametrize("task_type", TaskType)
def test_a_copy_is_on_the_robot_from_loading_until_the_end(task_type: TaskType) -> None:
    story = STORIES[task_type]
    assert story[Phase.WAITING_FOR_LOAD, TaskEvent.LOAD].copy_at is Spot.ROBOT
    moves = {step for step, then in story.items() if then.copy_at is not None}
    assert moves == {
        (Phase.WAITING_FOR_LOAD, TaskEvent.LOAD),
        (Phase.WAITING_FOR_HANDOVER, TaskEvent.HAND_OVER),
        (Phase.RETURNING_LOAD, TaskEvent.ARRIVE),
    }


def test_only_a_hand_over_completes_a_request_and_lends_the_copy() -> None:
    story = STORIES[TaskType.STUDENT_DELIVERY]
    step = (Phase.WAITING_FOR_HANDOVER, TaskEvent.HAND_OVER)
    completing = [s for s, then in story.items() if then.request is RequestEvent.COMPLETE]
    lending = [s for s, then in story.items() if then.copy_status is CopyStatus.CHECKED_OUT]
    assert completing == lending == [step]


def test_a_step_without_a_rule_has_no_consequence() -> None:
    assert consequence(TaskType.TRANSFER, Phase.QUEUED, TaskEvent.ASSIGN) == Consequence()


def test_every_message_has_a_type_that_people_can_silence_or_not() -> None:
    assert set(TYPES) == set(Message)
