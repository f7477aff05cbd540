"""A reader's request for a book: its states and what may follow what."""

from dataclasses import dataclass
from enum import StrEnum


class RequestStatus(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class RequestEvent(StrEnum):
    APPROVE = "approve"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"


TABLE: dict[RequestStatus, dict[RequestEvent, RequestStatus]] = {
    RequestStatus.PENDING: {
        RequestEvent.APPROVE: RequestStatus.APPROVED,
        RequestEvent.CANCEL: RequestStatus.CANCELLED,
    },
    RequestStatus.APPROVED: {
        RequestEvent.START: RequestStatus.IN_PROGRESS,
        RequestEvent.CANCEL: RequestStatus.CANCELLED,
    },
    RequestStatus.IN_PROGRESS: {
        RequestEvent.START: RequestStatus.IN_PROGRESS,  # the robot gave it back and sets out again
        RequestEvent.COMPLETE: RequestStatus.COMPLETED,
        RequestEvent.CANCEL: RequestStatus.CANCELLED,
    },
    RequestStatus.COMPLETED: {},
    RequestStatus.CANCELLED: {},
}

OPEN = frozenset({RequestStatus.PENDING, RequestStatus.APPROVED, RequestStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Request:
    """`pin` is the hand-over PIN: whoever says it at the robot gets the book. Shown to the owner only."""

    id: str
    user_id: str
    book_id: str
    copy_id: str | None
    request_location: str
    status: RequestStatus
    requested_at: str
    completed_at: str | None
    notes: str | None
    task_id: str | None
    pin: str
