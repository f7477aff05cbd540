"""What people are told, and that they read it."""

from dataclasses import replace
from typing import Any

from edge.domain.errors import NotFoundError
from edge.domain.notifications import Notification, NotificationType
from edge.services import outbox
from edge.services.records import record
from edge.store.database import Reader, Transaction, new_id
from edge.store.notifications import Notifications
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.users import Users


def notify(
    tx: Transaction,
    user_id: str,
    type: NotificationType,
    title: str,
    message: str,
    data: dict[str, Any] | None = None,
) -> Notification:
    told = Notification(
        id=new_id(),
        user_id=user_id,
        type=type,
        title=title,
        message=message,
        read=False,
        created_at=tx.now,
        read_at=None,
        data=data or {},
    )
    Notifications(tx).add(told)
    outbox.emit(tx, "notification.created", "notification", told.id, record(told))
    return told


def notify_staff(
    tx: Transaction,
    type: NotificationType,
    title: str,
    message: str,
    data: dict[str, Any] | None = None,
) -> list[Notification]:
    """Tell every active librarian and admin."""
    return [notify(tx, user.id, type, title, message, data) for user in Users(tx).staff()]


def list_for(
    reader: Reader,
    user_id: str,
    *,
    unread_only: bool = False,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "desc",
) -> Page[Notification]:
    """The newest first."""
    check_page(page, limit)
    return Notifications(reader).page(
        user_id, unread_only, page=page, limit=limit, sort=sort, order=order
    )


def get(reader: Reader, user_id: str, notification_id: str) -> Notification:
    """Raises NotFoundError, also for another's."""
    found = Notifications(reader).get(user_id, notification_id)
    if found is None:
        raise NotFoundError("There is no such notification.")
    return found


def mark_read(tx: Transaction, user_id: str, notification_id: str) -> Notification:
    """Once read, it stays read."""
    told = get(tx, user_id, notification_id)
    return told if told.read else _read(tx, told)


def mark_all_read(tx: Transaction, user_id: str) -> int:
    """How many were unread."""
    unread = Notifications(tx).unread(user_id)
    for told in unread:
        _read(tx, told)
    return len(unread)


def delete(tx: Transaction, user_id: str, notification_id: str) -> None:
    told = get(tx, user_id, notification_id)
    Notifications(tx).remove(told.id)
    outbox.emit(tx, "notification.deleted", "notification", told.id, {"id": told.id})


def _read(tx: Transaction, told: Notification) -> Notification:
    Notifications(tx).mark_read(told.id)
    read = replace(told, read=True, read_at=tx.now)
    outbox.emit(tx, "notification.read", "notification", told.id, record(read))
    return read
