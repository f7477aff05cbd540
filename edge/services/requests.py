"""Readers ask for books, and get them."""

import secrets
from dataclasses import replace

from edge.domain.errors import BookNotAvailableError, ForbiddenError, LockedError, NotFoundError
from edge.domain.inventory import Copy, CopyStatus
from edge.domain.messages import Message
from edge.domain.requests import TABLE, Request, RequestEvent, RequestStatus
from edge.domain.tasks import Task, TaskEvent, TaskType
from edge.domain.transitions import follow
from edge.services import attempts, audit, catalogue, outbox, places, tasks, users
from edge.services.aftermath import tell
from edge.services.records import record
from edge.store.copies import Copies
from edge.store.database import ChangeStandsError, Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.requests import Requests


def create(
    tx: Transaction,
    *,
    user_id: str,
    book_id: str,
    request_location: str,
    notes: str | None = None,
    not_before: str | None = None,
    auto_approve: bool,
    request_id: str | None = None,
) -> Request:
    """Request, task, reserved copy and what people are told, in one. `request_id` makes twice the same as once.

    Raises NotFoundError, UnknownWaypointError, BookNotAvailableError, ValidationError.
    """
    before = Requests(tx).get(request_id) if request_id else None
    if before is not None:
        return before
    tx.need_room()
    users.get(tx, user_id)
    destination = places.find_destination(tx, request_location, field="request_location")
    request = Request(
        id=request_id or new_id(),
        user_id=user_id,
        book_id=book_id,
        copy_id=_reserve_copy(tx, book_id).id,
        request_location=destination.location_code,
        status=RequestStatus.PENDING,
        requested_at=tx.now,
        completed_at=None,
        notes=notes,
        task_id=new_id(),
        pin=f"{secrets.randbelow(10_000):04d}",
    )
    Requests(tx).add(request)
    outbox.emit(tx, "request.created", "request", request.id, record(request))
    audit.record(tx, "request.create", "request", request.id, book_id=book_id)
    task = tasks.plan(
        tx,
        queued=auto_approve,
        task_id=request.task_id,
        task_type=TaskType.STUDENT_DELIVERY,
        request_id=request.id,
        source_location=places.nearest_desk(tx, destination).location_code,
        destination_location=destination.location_code,
        copy_id=request.copy_id,
        recipient_id=user_id,
        not_before=not_before,
    )
    if auto_approve:
        return get(tx, request.id)
    tell(tx, task, owner=Message.REQUEST_RECEIVED, staff=Message.AWAITING_APPROVAL)
    return request


def approve(tx: Transaction, request_id: str) -> Request:
    """Raises NotFoundError, InvalidTransitionError."""
    request = get(tx, request_id)
    follow(TABLE, request.status, RequestEvent.APPROVE)
    tasks.apply(tx, _task(tx, request).id, TaskEvent.QUEUE)
    return get(tx, request_id)


def cancel(tx: Transaction, request_id: str) -> Request:
    """The copy is free again; where the robot has it already, once it is back."""
    request = get(tx, request_id)
    follow(TABLE, request.status, RequestEvent.CANCEL)
    tasks.cancel(tx, _task(tx, request).id)
    return get(tx, request_id)


def complete(
    tx: Transaction, request_id: str, *, pin: str | None = None, by_owner: bool
) -> Request:
    """“I have the book”: the owner says so, or whoever stands at the robot and knows the PIN.

    Raises ForbiddenError for a wrong PIN, LockedError after several, InvalidTransitionError where the robot is not
    there yet.
    """
    request = get(tx, request_id)
    if not by_owner:
        _check_pin(tx, request, pin or "")
    tasks.hand_over(tx, _task(tx, request).id)
    return get(tx, request_id)


def get(reader: Reader, request_id: str) -> Request:
    """Raises NotFoundError."""
    request = Requests(reader).get(request_id)
    if request is None:
        raise NotFoundError("NO_SUCH_REQUEST")
    return request


def list_requests(
    reader: Reader,
    *,
    user_id: str | None = None,
    status: RequestStatus | None = None,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "asc",
) -> Page[Request]:
    check_page(page, limit)
    return Requests(reader).page(user_id, status, page=page, limit=limit, sort=sort, order=order)


def _check_pin(tx: Transaction, request: Request, pin: str) -> None:
    """A wrong one is counted, and that count stands although the hand-over does not."""
    keys = (attempts.hand_over(request.id), attempts.KIOSK)
    left_s = max(attempts.left_s(tx, key) for key in keys)
    if left_s > 0:
        raise LockedError("TOO_MANY_TRIES", left_s=left_s)
    if secrets.compare_digest(pin.encode(), request.pin.encode()):
        attempts.succeeded(tx, keys[0])
        return
    for key in keys if pin else ():
        attempts.failed(tx, key)
    raise ChangeStandsError(ForbiddenError("WRONG_PIN"))


def _reserve_copy(tx: Transaction, book_id: str) -> Copy:
    """Raises NotFoundError, BookNotAvailableError."""
    copy = Copies(tx).first_available(book_id)
    if copy is None:
        raise BookNotAvailableError(book_id, catalogue.get(tx, book_id).status)
    catalogue.move_copy(tx, copy, replace(copy, status=CopyStatus.RESERVED))
    return copy


def _task(reader: Reader, request: Request) -> Task:
    return tasks.get(reader, request.task_id or "", history=False)
