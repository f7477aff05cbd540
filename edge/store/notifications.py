"""What people were told."""

import orjson

from edge.domain.notifications import Channel, Notification, NotificationType
from edge.store.database import Transaction, to_json
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, ordering, page_of
from edge.store.sqlite import Row

SORTS = {"created_at": "created_at", "type": "type"}


class Notifications(Repository[R_co]):
    def get(self, user_id: str, notification_id: str) -> Notification | None:
        row = self._store.row(
            "SELECT * FROM notification WHERE id = ? AND user_id = ? AND deleted_at IS NULL",
            notification_id,
            user_id,
        )
        return None if row is None else _notification(row)

    def page(
        self, user_id: str, unread_only: bool, *, page: int, limit: int, sort: str, order: str
    ) -> Page[Notification]:
        return page_of(
            self._store,
            "* FROM notification",
            [
                ("user_id = ?", user_id),
                ("deleted_at IS NULL",),
                ("read_at IS NULL" if unread_only else "TRUE",),
            ],
            _notification,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def unread(self, user_id: str) -> list[Notification]:
        rows = self._store.rows(
            "SELECT * FROM notification WHERE user_id = ? AND read_at IS NULL AND deleted_at IS NULL",
            user_id,
        )
        return [_notification(row) for row in rows]

    def silenced(self, user_id: str) -> set[tuple[NotificationType, Channel]]:
        """What this person does not want to hear, and by which way."""
        rows = self._store.rows(
            "SELECT type, channel FROM notification_silenced WHERE user_id = ?", user_id
        )
        return {(NotificationType(row["type"]), Channel(row["channel"])) for row in rows}

    def silence(
        self: "Notifications[Transaction]",
        user_id: str,
        type: NotificationType,
        channel: Channel,
        on: bool,
    ) -> None:
        if on:
            sql = "INSERT OR IGNORE INTO notification_silenced VALUES (?, ?, ?)"
        else:
            sql = "DELETE FROM notification_silenced WHERE user_id = ? AND type = ? AND channel = ?"
        self._store.execute(sql, user_id, type, channel)

    def add(self: "Notifications[Transaction]", notification: Notification) -> None:
        self._store.insert(
            "notification",
            id=notification.id,
            user_id=notification.user_id,
            type=notification.type,
            title=notification.title,
            message=notification.message,
            data=to_json(notification.data),
            created_at=notification.created_at,
        )

    def mark_read(self: "Notifications[Transaction]", notification_id: str) -> None:
        """The first reading stays."""
        self._store.execute(
            "UPDATE notification SET read_at = ifnull(read_at, ?) WHERE id = ?",
            self._store.now,
            notification_id,
        )

    def remove(self: "Notifications[Transaction]", notification_id: str) -> None:
        self._store.update("notification", notification_id, deleted_at=self._store.now)


def _notification(row: Row) -> Notification:
    return Notification(
        id=row["id"],
        user_id=row["user_id"],
        type=NotificationType(row["type"]),
        title=row["title"],
        message=row["message"],
        read=row["read_at"] is not None,
        created_at=row["created_at"],
        read_at=row["read_at"],
        data=orjson.loads(row["data"]),
    )
