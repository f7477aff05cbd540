"""What people are told."""

from typing import Any

from fastapi import APIRouter, Response

from api import envelope
from api.deps import Owner, Robot
from api.languages import LANGUAGE, spoken
from api.lists import Paged
from api.schemas.base import Many, One
from api.schemas.notifications import Marked, Notification, Preferences, PreferencesChange
from edge.domain import notifications as domain
from edge.services import notifications, records
from edge.store.database import Transaction

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])


@router.get("", response_model=Many[Notification], summary="Mine, newest first")
async def list_notifications(
    who: Owner, robot: Robot, paging: Paged, unread_only: bool = False
) -> Response:
    found = robot.read(
        lambda reader: notifications.list_for(
            reader, who.id, unread_only=unread_only, page=paging.page, limit=paging.limit
        )
    )
    items = [_in_words(one) for one in found.items]
    return envelope.many(
        items, page=found.page, limit=found.limit, total=found.total, headers=spoken()
    )


@router.put("/read-all", response_model=One[Marked], summary="I have read them all")
async def read_all(who: Owner, robot: Robot) -> Response:
    marked = await robot.write(who.actor, lambda tx: notifications.mark_all_read(tx, who.id))
    return envelope.one({"marked": marked})


@router.get("/preferences", response_model=One[Preferences], summary="What I am told, and how")
async def get_preferences(who: Owner, robot: Robot) -> Response:
    found = robot.read(lambda reader: notifications.preferences(reader, who.id))
    return envelope.one({"preferences": found})


@router.put("/preferences", response_model=One[Preferences], summary="Don't tell me that")
async def set_preferences(body: PreferencesChange, who: Owner, robot: Robot) -> Response:
    """Never silent: what concerns the account, and for librarians `SYSTEM_ALERT`."""

    def work(tx: Transaction) -> dict[str, dict[str, bool]]:
        notifications.set_preferences(tx, who.id, body.preferences)
        return notifications.preferences(tx, who.id)

    return envelope.one({"preferences": await robot.write(who.actor, work)})


@router.get("/{notification_id}", response_model=One[Notification], summary="One of mine")
async def get_notification(notification_id: str, who: Owner, robot: Robot) -> Response:
    found = robot.read(lambda reader: notifications.get(reader, who.id, notification_id))
    return envelope.one(_in_words(found), headers=spoken())


@router.put("/{notification_id}/read", response_model=One[Notification], summary="I have read it")
async def mark_read(notification_id: str, who: Owner, robot: Robot) -> Response:
    found = await robot.write(
        who.actor, lambda tx: notifications.mark_read(tx, who.id, notification_id)
    )
    return envelope.one(_in_words(found), headers=spoken())


@router.delete("/{notification_id}", status_code=204, summary="Take it off my list")
async def delete(notification_id: str, who: Owner, robot: Robot) -> Response:
    await robot.write(who.actor, lambda tx: notifications.delete(tx, who.id, notification_id))
    return Response(status_code=204)


def _in_words(told: domain.Notification) -> dict[str, Any]:
    return records.record(notifications.in_language(told, LANGUAGE.get()))
