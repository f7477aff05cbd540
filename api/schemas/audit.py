"""Who did what."""

from typing import Any

from pydantic import Field

from api.schemas.base import At, Model


class AuditEntry(Model):
    """`origin`: the robot's id, or `central`."""

    id: int
    at: At
    actor: str = Field(description="a user's id, `kiosk`, `system` or `anonymous`")
    action: str = Field(examples=["book.update"])
    entity: str = Field(examples=["book"])
    entity_id: str
    origin: str
    details: dict[str, Any]
