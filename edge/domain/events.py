"""What one side tells the other of a change."""

from dataclasses import dataclass
from typing import Any

SCHEMA = 1
"""Version of the events' form."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change, as its record is after it. `hlc` orders events of several writers."""

    stream: str
    seq: int
    id: str
    type: str
    entity: str
    entity_id: str
    hlc: str
    origin: str
    actor: str
    schema: int
    at: str
    data: dict[str, Any]
