"""Requests that people make at the central server, for a robot to fulfil."""

from typing import Any

from sqlalchemy import Connection, select

from central import catalogue, outbox, tables
from central.inbox import plain, put_record
from central.store import new_id, timestamp
from edge.domain.errors import (
    BookNotAvailableError,
    ConflictError,
    UnknownWaypointError,
    ValidationError,
)
from edge.domain.inventory import CopyStatus
from edge.domain.requests import OPEN, RequestStatus


def create(
    tx: Connection,
    *,
    actor: str,
    book_id: str,
    request_location: str,
    user_id: str | None = None,
    user_email: str | None = None,
    robot_id: str | None = None,
    notes: str | None = None,
) -> dict[str, Any]:
    """The request and what the robot is told of it, in one transaction. The robot decides whether it can be done.

    Raises NotFoundError, ValidationError, UnknownWaypointError, BookNotAvailableError.
    """
    user = catalogue.get(tx, "user", user_id) if user_id else _by_email(tx, user_email)
    book = catalogue.get(tx, "book", book_id)
    if book.get("status", CopyStatus.AVAILABLE) != CopyStatus.AVAILABLE:
        raise BookNotAvailableError(book_id, str(book["status"]))
    place = _place(tx, request_location)
    robot = robot_id or _only_robot(tx)
    request = {
        "id": new_id(),
        "user_id": user["id"],
        "book_id": book_id,
        "copy_id": None,
        "request_location": place,
        "status": RequestStatus.PENDING.value,
        "requested_at": timestamp(),
        "completed_at": None,
        "notes": notes,
        "task_id": None,
    }
    put_record(tx, entity="request", entity_id=request["id"], robot_id=robot, data=request)
    told = {
        name: request[name] for name in ("id", "user_id", "book_id", "request_location", "notes")
    }
    _tell(tx, robot, "request.created", request["id"], actor, told)
    return {**request, "robot_id": robot}


def cancel(tx: Connection, request_id: str, *, actor: str) -> dict[str, Any]:
    """Ask the robot to cancel. It is CANCELLED when the robot says so: a book handed over beats the wish."""
    request = catalogue.get(tx, "request", request_id)
    if request["status"] not in OPEN:
        raise ConflictError(
            f"The request is {request['status']} already.", current_status=request["status"]
        )
    robot = str(request.pop("robot_id"))
    if "cancel_requested_at" not in request:
        request["cancel_requested_at"] = timestamp()
        put_record(tx, entity="request", entity_id=request_id, robot_id=robot, data=request)
        _tell(tx, robot, "request.cancelled", request_id, actor, {"id": request_id})
    return {**request, "robot_id": robot}


def refused_by_robot(tx: Connection, robot_id: str, seq: int, reason: str) -> None:
    """The robot could not apply an event of ours: if it was a new request, there will be no delivery."""
    stream, _, _ = outbox.open_stream(tx, robot_id)
    body = tx.execute(
        select(tables.down_event.c.body).where(
            tables.down_event.c.stream == stream, tables.down_event.c.seq == seq
        )
    ).scalar()
    if body is None or body["type"] != "request.created":
        return
    request = catalogue.get(tx, "request", body["entity_id"])
    request.pop("robot_id")
    ended = {"status": RequestStatus.CANCELLED.value, "refused": reason}
    put_record(
        tx,
        entity="request",
        entity_id=body["entity_id"],
        robot_id=robot_id,
        data={**request, **ended},
    )


def _tell(
    tx: Connection, robot: str, kind: str, request_id: str, actor: str, data: dict[str, Any]
) -> None:
    outbox.emit(
        tx, robot, kind=kind, entity="request", entity_id=request_id, actor=actor, data=data
    )


def _by_email(tx: Connection, email: str | None) -> dict[str, Any]:
    if not email:
        raise _wrong("user_id", "Say for whom: user_id or user_email.")
    words = plain(email)
    for user in catalogue.every(tx, "user", words=[words]):
        if plain(str(user.get("email", ""))) == words:
            return user
    raise _wrong("user_email", "Nobody has this address.")


def _only_robot(tx: Connection) -> str:
    robots = list(tx.execute(select(tables.robot.c.id)).scalars())
    if len(robots) != 1:
        raise _wrong(
            "robot_id", "No robot has been heard of yet." if not robots else "Say which robot."
        )
    return str(robots[0])


def _place(tx: Connection, name_or_code: str) -> str:
    wanted = name_or_code.strip().casefold()
    for place in catalogue.every(tx, "waypoint"):
        if wanted in (
            str(place.get("location_code", "")).casefold(),
            str(place.get("name", "")).casefold(),
        ):
            return str(place["location_code"])
    raise UnknownWaypointError(name_or_code)


def _wrong(field: str, said: str) -> ValidationError:
    return ValidationError(said, fields={field: [said]})
