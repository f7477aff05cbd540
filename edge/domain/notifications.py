"""What people are told."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class NotificationType(StrEnum):
    DELIVERY_UPDATE = "DELIVERY_UPDATE"
    REQUEST_STATUS = "REQUEST_STATUS"
    ROBOT_ARRIVED = "ROBOT_ARRIVED"
    SYSTEM_ALERT = "SYSTEM_ALERT"
    OVERDUE = "OVERDUE"


@dataclass(frozen=True, slots=True)
class Notification:
    id: str
    user_id: str
    type: NotificationType
    title: str
    message: str
    read: bool
    created_at: str
    read_at: str | None
    data: dict[str, Any] = field(default_factory=dict)
