"""Records of what was done and of what happened."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which record, and from where (`origin`: a robot's id, or `central`)."""

    id: int
    at: str
    actor: str
    action: str
    entity: str
    entity_id: str
    origin: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StopEvent:
    """One line of the gate's journal. `event_id`: the stop that it belongs to; `kind`: STOP, RESET, HOLD …"""

    id: str
    event_id: str | None
    kind: str
    at: str
    who: str
    data: dict[str, Any]
