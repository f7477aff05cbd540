"""How the parts of the robot are."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Model


class Alive(Model):
    status: Literal["ok"]


class PartState(Model):
    status: Literal["ok", "degraded", "down"]
    reason: str


class Ready(Model):
    ready: Literal[True]
    parts: dict[str, PartState] = Field(
        examples=[{"store": {"status": "ok", "reason": ""}}],
        description="store, ros, firmware, mqtt, disk, tls",
    )
