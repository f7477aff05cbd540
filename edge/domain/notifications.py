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
    ACCOUNT = "ACCOUNT"
    """About signing in: how to set a new password."""


class Channel(StrEnum):
    """Ways by which people are told: their list and the live events, the robot's own screen, and what central sends
    on (mail, a telephone)."""

    IN_APP = "in_app"
    TOUCHSCREEN = "touchscreen"
    MQTT = "mqtt"


def may_silence(type: NotificationType, *, staff: bool) -> bool:
    """What concerns the account always arrives, and an alarm always reaches those who run the robot."""
    if type is NotificationType.ACCOUNT:
        return False
    return not (staff and type is NotificationType.SYSTEM_ALERT)


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
