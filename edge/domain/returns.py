"""A reader gives a book back: its states and what may follow what."""

from dataclasses import dataclass
from enum import StrEnum


class ReturnStatus(StrEnum):
    PENDING = "PENDING"
    PICKUP_SCHEDULED = "PICKUP_SCHEDULED"
    PICKED_UP = "PICKED_UP"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class ReturnEvent(StrEnum):
    SCHEDULE = "schedule"
    PICK_UP = "pick_up"
    COMPLETE = "complete"
    CANCEL = "cancel"


TABLE: dict[ReturnStatus, dict[ReturnEvent, ReturnStatus]] = {
    ReturnStatus.PENDING: {
        ReturnEvent.SCHEDULE: ReturnStatus.PICKUP_SCHEDULED,
        ReturnEvent.CANCEL: ReturnStatus.CANCELLED,
    },
    ReturnStatus.PICKUP_SCHEDULED: {
        ReturnEvent.PICK_UP: ReturnStatus.PICKED_UP,
        ReturnEvent.CANCEL: ReturnStatus.CANCELLED,
    },
    ReturnStatus.PICKED_UP: {ReturnEvent.COMPLETE: ReturnStatus.COMPLETED},
    ReturnStatus.COMPLETED: {},
    ReturnStatus.CANCELLED: {},
}


@dataclass(frozen=True, slots=True)
class Return:
    id: str
    user_id: str
    book_id: str
    copy_id: str
    pickup_location: str
    status: ReturnStatus
    initiated_at: str
    picked_up_at: str | None
    completed_at: str | None
    task_id: str | None
