"""Carries out what follows from a task's step: request or return, copy, and who is told."""

from dataclasses import replace
from typing import Any

from edge.domain import requests as request_rules
from edge.domain import returns as return_rules
from edge.domain.consequences import Consequence, Spot
from edge.domain.inventory import CopyStatus, robot_place, user_place
from edge.domain.messages import TYPES, Message
from edge.domain.requests import RequestEvent, RequestStatus
from edge.domain.returns import ReturnEvent, ReturnStatus
from edge.domain.tasks import Task
from edge.domain.transitions import follow
from edge.services import catalogue, notifications, outbox
from edge.services.records import record
from edge.store.copies import Copies
from edge.store.database import Reader, Transaction
from edge.store.places import Places
from edge.store.requests import Requests
from edge.store.returns import Returns
from edge.store.users import Users


def follow_up(tx: Transaction, task: Task, then: Consequence) -> None:
    """Do what `then` says about `task`, which has made its step already."""
    if then.request is not None and task.request_id is not None:
        advance_request(tx, task.request_id, then.request)
    if then.giving_back is not None and task.return_id is not None:
        advance_return(tx, task.return_id, then.giving_back)
    if task.copy_id is not None and (then.copy_status or then.copy_at):
        _move(tx, task, task.copy_id, then.copy_status, then.copy_at)
    tell(tx, task, owner=then.tell_owner, staff=then.tell_staff)


def advance_request(tx: Transaction, request_id: str, event: RequestEvent) -> None:
    """A request that is over already (its reader cancelled it) stays as it is."""
    request = Requests(tx).get(request_id)
    if request is None or request.status not in request_rules.OPEN:
        return
    status = follow(request_rules.TABLE, request.status, event)
    completed_at = tx.now if status is RequestStatus.COMPLETED else None
    changed = replace(request, status=status, completed_at=completed_at)
    if changed != request:
        Requests(tx).change(request_id, status=status, completed_at=completed_at)
        outbox.emit(tx, "request.changed", "request", request_id, record(changed))


def advance_return(tx: Transaction, return_id: str, event: ReturnEvent) -> None:
    returned = Returns(tx).get(return_id)
    if returned is None:
        return
    status = follow(return_rules.TABLE, returned.status, event)
    changes: dict[str, Any] = {
        "status": status,
        "picked_up_at": tx.now if status is ReturnStatus.PICKED_UP else returned.picked_up_at,
        "completed_at": tx.now if status is ReturnStatus.COMPLETED else None,
    }
    Returns(tx).change(return_id, **changes)
    changed = replace(returned, **changes)
    outbox.emit(tx, "return.changed", "return", return_id, record(changed))


def tell(tx: Transaction, task: Task, *, owner: Message | None, staff: Message | None) -> None:
    """Tell the one for whom the trip is, if there is one, and every active librarian and admin."""
    told: list[tuple[str | None, Message]] = []
    if owner is not None:
        told.append((owner_of(tx, task), owner))
    if staff is not None:
        told += [(one, staff) for one in Users(tx).staff()]
    facts = _facts(tx, task) if told else {}
    for whom, message in told:
        if whom is not None:
            notifications.notify(tx, whom, TYPES[message], message, facts, _links(task))


def owner_of(reader: Reader, task: Task) -> str | None:
    """The user for whom the trip is."""
    if task.return_id is not None:
        returned = Returns(reader).get(task.return_id)
        return returned.user_id if returned else None
    return task.recipient_id


def _move(
    tx: Transaction, task: Task, copy_id: str, status: CopyStatus | None, spot: Spot | None
) -> None:
    copy = catalogue.get_copy(tx, copy_id)
    location = copy.location if spot is None else _place(tx, task, spot)
    changed = replace(copy, status=status or copy.status, location=location)
    catalogue.move_copy(tx, copy, changed)


def _place(tx: Transaction, task: Task, spot: Spot) -> str:
    match spot:
        case Spot.SOURCE:
            return task.source_location
        case Spot.DESTINATION:
            return task.destination_location
        case Spot.LOAD_HOME:
            return task.load_home
        case Spot.ROBOT:
            return robot_place(task.assigned_robot_id or "")
        case Spot.OWNER:
            return user_place(owner_of(tx, task) or "")


def _facts(tx: Transaction, task: Task) -> dict[str, str]:
    """What the sentences are filled with, as `in_words` takes it."""
    names = Places(tx).names(task.source_location, task.destination_location)
    return {
        **_load(tx, task),
        **({} if task.slot is None else {"slot": str(task.slot)}),
        "source": names.get(task.source_location, task.source_location),
        "destination": names.get(task.destination_location, task.destination_location),
        "home": names.get(task.load_home, task.load_home),
        "failure": task.failure or "",
    }


def _load(tx: Transaction, task: Task) -> dict[str, str]:
    if task.copy_id is not None:
        return {"book": Copies(tx).title(task.copy_id)}
    return {"load": task.description} if task.description else {}


def _links(task: Task) -> dict[str, str | None]:
    return {"task_id": task.id, "request_id": task.request_id, "return_id": task.return_id}
