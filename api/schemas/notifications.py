"""What people are told."""

from typing import Any

from api.schemas.base import Model
from edge.domain.notifications import NotificationType


class Notification(Model):
    id: str
    user_id: str
    type: NotificationType
    title: str
    message: str
    read: bool
    created_at: str
    read_at: str | None
    data: dict[str, Any]
