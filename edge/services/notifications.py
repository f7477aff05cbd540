"""What people are told, and that they read it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edge.domain.errors import NotFoundError, ValidationError
from edge.domain.messages import Message, in_words
from edge.domain.notifications import Channel, Notification, NotificationType, may_silence
from edge.domain.power import Alarm
from edge.domain.users import STAFF
from edge.services import audit, outbox
from edge.services.records import record
from edge.store.database import Reader, Transaction, new_id
from edge.store.notifications import Notifications
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.users import Users

CHANNELS = "channels"
"""In the event of a notification: the ways by which it goes."""


def notify(
    tx: Transaction,
    user_id: str,
    type: NotificationType,
    code: str,
    facts: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> Notification:
    """Tell it by every way that this person has not silenced for this type: the sentences of `code`, filled with
    `facts`. It is kept in English and as both of these, so that it is read in any language: `in_language`."""
    silenced = _silenced(tx, user_id)
    channels = [one for one in Channel if (type, one) not in silenced]
    told = _told(tx, user_id, type, code, facts or {}, links or {})
    if Channel.IN_APP in channels:
        Notifications(tx).add(told)
    if channels:
        event = {**record(told), CHANNELS: [str(one) for one in channels]}
        outbox.emit(tx, "notification.created", "notification", told.id, event)
    return told


def send_on(tx: Transaction, user_id: str, code: str, links: Mapping[str, Any]) -> None:
    """Have central mail something about the account. It is in no list here, and in no live event."""
    told = _told(tx, user_id, NotificationType.ACCOUNT, code, {}, links)
    event = {**record(told), CHANNELS: [str(Channel.MQTT)]}
    outbox.emit(tx, "notification.created", "notification", told.id, event)


def in_language(told: Notification, language: str) -> Notification:
    """As whoever speaks this language reads it; one of before there were codes, or of a newer program, as it is."""
    code = str(told.data.get("code", ""))
    if code not in Message.__members__ and code not in Alarm.__members__:
        return told
    title, message = in_words(code, told.data.get("facts", {}), language)
    return replace(told, title=title, message=message)


def preferences(reader: Reader, user_id: str) -> dict[str, dict[str, bool]]:
    """By type and channel: whether this person is told."""
    silenced = _silenced(reader, user_id)
    return {
        type.value: {one.value: (type, one) not in silenced for one in Channel}
        for type in NotificationType
    }


def set_preferences(
    tx: Transaction, user_id: str, wanted: Mapping[NotificationType, Mapping[Channel, bool]]
) -> None:
    """Change some of them. Raises ValidationError for what nobody may silence."""
    staff = _is_staff(tx, user_id)
    for type, channels in wanted.items():
        if not may_silence(type, staff=staff) and not all(channels.values()):
            raise ValidationError("NOT_TO_SILENCE", field=f"preferences.{type}")
        for channel, on in channels.items():
            Notifications(tx).silence(user_id, type, channel, not on)
    audit.record(tx, "notification.preferences", "user", user_id)


def notify_staff(
    tx: Transaction,
    type: NotificationType,
    code: str,
    facts: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> list[Notification]:
    """Tell every active librarian and admin."""
    return [notify(tx, one, type, code, facts, links) for one in Users(tx).staff()]


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
        raise NotFoundError("NO_SUCH_NOTIFICATION")
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


def _told(
    tx: Transaction,
    user_id: str,
    type: NotificationType,
    code: str,
    facts: Mapping[str, str],
    links: Mapping[str, Any],
) -> Notification:
    title, message = in_words(code, facts)
    data = {**links, "code": code, "facts": dict(facts)}
    return Notification(new_id(), user_id, type, title, message, False, tx.now, None, data)


def _silenced(reader: Reader, user_id: str) -> set[tuple[NotificationType, Channel]]:
    found = Notifications(reader).silenced(user_id)
    if not found:
        return found
    staff = _is_staff(reader, user_id)  # who became one later hears the alarms as well
    return {(type, channel) for type, channel in found if may_silence(type, staff=staff)}


def _is_staff(reader: Reader, user_id: str) -> bool:
    user = Users(reader).get(user_id)
    return user is not None and user.role in STAFF


def _read(tx: Transaction, told: Notification) -> Notification:
    Notifications(tx).mark_read(told.id)
    read = replace(told, read=True, read_at=tx.now)
    outbox.emit(tx, "notification.read", "notification", told.id, record(read))
    return read
