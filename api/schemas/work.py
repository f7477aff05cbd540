"""Requests, returns and the robot's tasks."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.schemas.base import At, Body, Id, Model, One, Text, When, Words
from edge.domain.requests import RequestStatus
from edge.domain.returns import ReturnStatus
from edge.domain.tasks import Priority, TaskStatus, TaskStep, TaskType

LOCAL = "RFC 3339; without a zone it is the library's time (library.time_zone)"


class NewRequest(Body):
    book_id: Id
    request_location: Text = Field(description="a waypoint's name or code", examples=["R1"])
    notes: Words | None = None
    not_before: When | None = Field(None, description=LOCAL)


class Completion(Body):
    """At the touchscreen the hand-over PIN proves that it is you."""

    pin: Annotated[str, StringConstraints(pattern=r"^\d{4,8}$")] | None = None


class NewReturn(Body):
    """Give `copy_id`, or `book_id` where you have one copy of it."""

    book_id: Id | None = None
    copy_id: Id | None = None
    pickup_location: Text


class NewTask(Body):
    source_location: Text
    destination_location: Text
    copy_id: Id | None = None
    description: Words | None = None
    recipient_id: Id | None = None
    priority: Priority = Priority.NORMAL
    not_before: When | None = Field(None, description=LOCAL)
    deadline: When | None = Field(None, description=LOCAL)
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=50)


class NewPriority(Body):
    priority: Priority


class Request(Model):
    """`pin` is there for its owner alone."""

    id: str
    user_id: str
    book_id: str
    copy_id: str | None
    request_location: str
    status: RequestStatus
    requested_at: At
    completed_at: At | None
    notes: str | None
    task_id: str | None
    eta: str | None = Field(None, description="when the book will be there; only of one request")
    queue_place: int | None = Field(None, description="of its delivery, counted from 1; likewise")
    pin: str | None = None


class Return(Model):
    id: str
    user_id: str
    book_id: str
    copy_id: str
    pickup_location: str
    status: ReturnStatus
    initiated_at: At
    picked_up_at: At | None
    completed_at: At | None
    task_id: str | None


class HistoryEntry(Model):
    at: At
    event: str
    status: TaskStatus
    step: TaskStep | None
    actor: str
    note: str | None


class History(One[list[HistoryEntry]]):
    """From the first to the last."""


class Task(Model):
    """`history` is left out of lists."""

    id: str
    request_id: str | None
    return_id: str | None
    task_type: TaskType
    priority: Priority
    status: TaskStatus
    step: TaskStep | None
    assigned_robot_id: str | None
    source_location: str
    destination_location: str
    copy_id: str | None
    recipient_id: str | None
    description: str | None
    not_before: At | None
    deadline: At | None
    attempts: int
    eta: At | None
    created_at: At
    started_at: At | None
    completed_at: At | None
    failure: str | None
    queue_place: int | None = Field(description="counted from 1; only where the queue was asked")
    slot: int | None = Field(description="of the tray, counted from 1, on a robot with several")
    metadata: dict[str, Any]
    history: list[HistoryEntry] = Field(default_factory=list)
