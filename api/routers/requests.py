"""Readers ask for books to be brought."""

from typing import Any

from fastapi import APIRouter, Response

from api import envelope
from api.deps import (
    OwnerOrAdmin,
    OwnerOrKiosk,
    OwnerOrStaff,
    Principal,
    Robot,
    SignedIn,
    Staff,
)
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.once import Once
from api.schemas.base import Many, One
from api.schemas.work import Completion, NewRequest, Request
from edge.domain.requests import OPEN, RequestStatus
from edge.domain.requests import Request as BookRequest
from edge.domain.times import order_at_library
from edge.services import arrivals, records, requests, tasks
from edge.store.database import Reader

router = APIRouter(prefix="/api/v1/requests", tags=["requests"])


def seen_by(who: Principal, request: BookRequest) -> dict[str, Any]:
    """The record as this person may see it: the hand-over PIN is its owner's alone."""
    record = records.record(request)
    return {**record, "pin": request.pin} if who.owns(request.user_id) else record


def visible(reader: Reader, who: Principal, request_id: str) -> BookRequest:
    """Raises NotFoundError also where it is another's."""
    request = requests.get(reader, request_id)
    who.require(request.user_id, "request")
    return request


@router.post("", response_model=One[Request], status_code=201, summary="Ask for a book")
async def create(body: NewRequest, who: SignedIn, robot: Robot, once: Once) -> Response:
    auto_approve = robot.settings.requests.auto_approve
    wanted = order_at_library(body.model_dump(), robot.settings.library.zone)
    return await once.create(
        who,
        body,
        lambda tx: seen_by(
            who, requests.create(tx, user_id=who.id, auto_approve=auto_approve, **wanted)
        ),
    )


@router.get("", response_model=Many[Request], summary="Requests: mine, or all for librarians")
async def list_requests(
    who: OwnerOrStaff,
    robot: Robot,
    paging: Paged,
    status: RequestStatus | None = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: requests.list_requests(
            reader,
            user_id=None if who.sees_all else who.id,
            status=status,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found, lambda one: seen_by(who, one))


@router.get("/{request_id}", response_model=One[Request], summary="One request")
async def get_request(request_id: str, who: OwnerOrStaff, robot: Robot) -> Response:
    def read(reader: Reader) -> dict[str, Any]:
        request = visible(reader, who, request_id)
        found = seen_by(who, request)
        if request.task_id is None or request.status not in OPEN:
            return found
        task = tasks.get(reader, request.task_id, history=False)
        task = arrivals.expected_one(reader, task, robot.settings.robot.tray_slots)
        return {**found, "eta": task.eta, "queue_place": task.queue_place}

    return envelope.one(robot.read(read))


@router.put("/{request_id}/approve", response_model=One[Request], summary="Let it be delivered")
async def approve(request_id: str, who: Staff, robot: Robot) -> Response:
    request = await robot.write(who.actor, lambda tx: requests.approve(tx, request_id))
    return envelope.one(seen_by(who, request))


@router.put("/{request_id}/cancel", response_model=One[Request], summary="I don't want it any more")
async def cancel(request_id: str, who: OwnerOrAdmin, robot: Robot) -> Response:
    def work(tx: Any) -> BookRequest:
        visible(tx, who, request_id)
        return requests.cancel(tx, request_id)

    return envelope.one(seen_by(who, await robot.write(who.actor, work)))


@router.put("/{request_id}/complete", response_model=One[Request], summary="I have the book")
async def complete(
    request_id: str, who: OwnerOrKiosk, robot: Robot, body: Completion | None = None
) -> Response:
    pin = body.pin if body else None

    def work(tx: Any) -> BookRequest:
        by_owner = who.owns(visible(tx, who, request_id).user_id)
        return requests.complete(tx, request_id, pin=pin, by_owner=by_owner)

    return envelope.one(seen_by(who, await robot.write(who.actor, work)))
