"""What people are told."""

from typing import Any

from pydantic import Field, StrictBool

from api.schemas.base import At, Body, Model
from edge.domain.notifications import Channel, NotificationType

Wanted = dict[NotificationType, dict[Channel, StrictBool]]


class PreferencesChange(Body):
    """What is left out stays as it is."""

    preferences: Wanted = Field(examples=[{"DELIVERY_UPDATE": {"mqtt": False}}])


class Marked(Model):
    marked: int = Field(description="how many were unread")


class Preferences(Model):
    """Per type and channel, whether I am told."""

    preferences: Wanted


class Notification(Model):
    id: str
    user_id: str
    type: NotificationType
    title: str
    message: str
    read: bool
    created_at: At
    read_at: At | None
    data: dict[str, Any]
