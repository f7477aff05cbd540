"""What follows from each step of a task: for the request or return behind it, for the copy, and who is told what.

One table a story, keyed by the phase that the task was in and the event. Nothing here means that nothing follows.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge.domain.inventory import CopyStatus
from edge.domain.messages import Message
from edge.domain.requests import RequestEvent
from edge.domain.returns import ReturnEvent
from edge.domain.tasks import Phase, TaskEvent, TaskType


class Spot(StrEnum):
    """A place in terms of the task."""

    SOURCE = "source"
    DESTINATION = "destination"
    LOAD_HOME = "load_home"
    ROBOT = "robot"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Consequence:
    """None: as it was. The owner is who asked for the trip; staff are all librarians and admins."""

    request: RequestEvent | None = None
    giving_back: ReturnEvent | None = None
    copy_status: CopyStatus | None = None
    copy_at: Spot | None = None
    tell_owner: Message | None = None
    tell_staff: Message | None = None


Story = dict[tuple[Phase, TaskEvent], Consequence]

_BEFORE_LOAD = (Phase.QUEUED, Phase.ASSIGNED, Phase.TO_SOURCE, Phase.WAITING_FOR_LOAD)
_ON_BOARD = (Phase.TO_DESTINATION, Phase.WAITING_FOR_HANDOVER)


def _whenever(phases: tuple[Phase, ...], event: TaskEvent, then: Consequence) -> Story:
    return {(phase, event): then for phase in phases}


_DELIVERY_FAILED = Consequence(
    request=RequestEvent.CANCEL,
    copy_status=CopyStatus.AVAILABLE,
    tell_owner=Message.FAILED,
    tell_staff=Message.FAILED,
)
_TURN_BACK = Consequence(tell_owner=Message.TURNING_BACK, tell_staff=Message.TURNING_BACK)

_DELIVERY: Story = {
    (Phase.PENDING, TaskEvent.QUEUE): Consequence(
        request=RequestEvent.APPROVE,
        tell_owner=Message.REQUEST_APPROVED,
        tell_staff=Message.LOAD_WANTED,
    ),
    (Phase.ASSIGNED, TaskEvent.START): Consequence(
        request=RequestEvent.START, tell_owner=Message.SETTING_OUT
    ),
    (Phase.TO_SOURCE, TaskEvent.ARRIVE): Consequence(tell_staff=Message.AT_DESK_FOR_LOAD),
    (Phase.WAITING_FOR_LOAD, TaskEvent.LOAD): Consequence(
        copy_at=Spot.ROBOT, tell_owner=Message.ON_THE_WAY
    ),
    (Phase.TO_DESTINATION, TaskEvent.ARRIVE): Consequence(tell_owner=Message.AT_READER),
    (Phase.WAITING_FOR_HANDOVER, TaskEvent.HAND_OVER): Consequence(
        request=RequestEvent.COMPLETE,
        copy_status=CopyStatus.CHECKED_OUT,
        copy_at=Spot.OWNER,
        tell_owner=Message.HANDED_OVER,
    ),
    **_whenever(
        (Phase.PENDING, *_BEFORE_LOAD),
        TaskEvent.CANCEL,
        Consequence(
            request=RequestEvent.CANCEL,
            copy_status=CopyStatus.AVAILABLE,
            tell_owner=Message.CANCELLED,
            tell_staff=Message.CANCELLED,
        ),
    ),
    **_whenever(_BEFORE_LOAD, TaskEvent.FAIL, _DELIVERY_FAILED),
    (Phase.WAITING_FOR_LOAD, TaskEvent.GIVE_UP_WAITING): _DELIVERY_FAILED,
    **_whenever(_ON_BOARD, TaskEvent.FAIL, _TURN_BACK),
    (Phase.WAITING_FOR_HANDOVER, TaskEvent.GIVE_UP_WAITING): _TURN_BACK,
    **_whenever(
        _ON_BOARD,
        TaskEvent.CANCEL,
        Consequence(
            request=RequestEvent.CANCEL,
            tell_owner=Message.TURNING_BACK,
            tell_staff=Message.TURNING_BACK,
        ),
    ),
    (Phase.RETURNING_LOAD, TaskEvent.ARRIVE): Consequence(
        request=RequestEvent.CANCEL,
        copy_status=CopyStatus.AVAILABLE,
        copy_at=Spot.LOAD_HOME,
        tell_owner=Message.BROUGHT_BACK,
        tell_staff=Message.BROUGHT_BACK,
    ),
    (Phase.RETURNING_LOAD, TaskEvent.FAIL): Consequence(
        request=RequestEvent.CANCEL,
        copy_status=CopyStatus.UNAVAILABLE,
        tell_owner=Message.FAILED,
        tell_staff=Message.LOAD_STRANDED,
    ),
}

_PICKUP_FAILED = Consequence(
    giving_back=ReturnEvent.CANCEL, tell_owner=Message.FAILED, tell_staff=Message.FAILED
)
_ON_TO_THE_DESK = Consequence(tell_staff=Message.TURNING_BACK)

# A book that is given back stays with its reader on paper until it is off the robot at the desk.
_GIVING_BACK: Story = {
    (Phase.PENDING, TaskEvent.QUEUE): Consequence(
        giving_back=ReturnEvent.SCHEDULE, tell_owner=Message.PICKUP_PLANNED
    ),
    (Phase.ASSIGNED, TaskEvent.START): Consequence(tell_owner=Message.COMING_FOR_BOOK),
    (Phase.TO_SOURCE, TaskEvent.ARRIVE): Consequence(tell_owner=Message.AT_READER_FOR_LOAD),
    (Phase.WAITING_FOR_LOAD, TaskEvent.LOAD): Consequence(
        giving_back=ReturnEvent.PICK_UP, copy_at=Spot.ROBOT, tell_staff=Message.ON_THE_WAY
    ),
    (Phase.TO_DESTINATION, TaskEvent.ARRIVE): Consequence(tell_staff=Message.AT_DESK_WITH_RETURN),
    (Phase.WAITING_FOR_HANDOVER, TaskEvent.HAND_OVER): Consequence(
        giving_back=ReturnEvent.COMPLETE,
        copy_status=CopyStatus.AVAILABLE,
        copy_at=Spot.DESTINATION,
        tell_owner=Message.GIVEN_BACK,
    ),
    **_whenever(
        (Phase.PENDING, *_BEFORE_LOAD),
        TaskEvent.CANCEL,
        Consequence(giving_back=ReturnEvent.CANCEL, tell_owner=Message.CANCELLED),
    ),
    **_whenever(_BEFORE_LOAD, TaskEvent.FAIL, _PICKUP_FAILED),
    (Phase.WAITING_FOR_LOAD, TaskEvent.GIVE_UP_WAITING): _PICKUP_FAILED,
    **_whenever(_ON_BOARD, TaskEvent.FAIL, _ON_TO_THE_DESK),
    **_whenever(_ON_BOARD, TaskEvent.CANCEL, _ON_TO_THE_DESK),
    (Phase.WAITING_FOR_HANDOVER, TaskEvent.GIVE_UP_WAITING): _ON_TO_THE_DESK,
    # Home is the desk: it was given back, though nobody stood there to take it.
    (Phase.RETURNING_LOAD, TaskEvent.ARRIVE): Consequence(
        giving_back=ReturnEvent.COMPLETE,
        copy_status=CopyStatus.AVAILABLE,
        copy_at=Spot.LOAD_HOME,
        tell_owner=Message.GIVEN_BACK,
        tell_staff=Message.BROUGHT_BACK,
    ),
    (Phase.RETURNING_LOAD, TaskEvent.FAIL): Consequence(
        giving_back=ReturnEvent.COMPLETE,
        copy_status=CopyStatus.UNAVAILABLE,
        tell_staff=Message.LOAD_STRANDED,
    ),
}

# A load between members of staff: as a delivery, without a request, and the copy stays in the library.
_TRANSFER: Story = {
    **_DELIVERY,
    (Phase.PENDING, TaskEvent.QUEUE): Consequence(tell_staff=Message.LOAD_WANTED),
    (Phase.WAITING_FOR_HANDOVER, TaskEvent.HAND_OVER): Consequence(
        copy_status=CopyStatus.AVAILABLE,
        copy_at=Spot.DESTINATION,
        tell_owner=Message.HANDED_OVER,
    ),
}

STORIES: dict[TaskType, Story] = {
    TaskType.STUDENT_DELIVERY: _DELIVERY,
    TaskType.RETURN_PICKUP: _GIVING_BACK,
    TaskType.INTER_STAFF: _TRANSFER,
    TaskType.WORKSTATION: _TRANSFER,
    TaskType.TRANSFER: _TRANSFER,
}

NOTHING = Consequence()


def consequence(task_type: TaskType, phase: Phase, event: TaskEvent) -> Consequence:
    """What follows when a task of this type gets `event` in `phase`."""
    return STORIES[task_type].get((phase, event), NOTHING)
