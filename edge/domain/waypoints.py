"""Places the robot can go to, and the lanes between them.

Lengths are metres, angles radians counted from the x axis of the `map` frame towards y (REP 103).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CALL_NUMBER_FROM = "call_number_from"
CALL_NUMBER_TO = "call_number_to"


class WaypointKind(StrEnum):
    """What people do at a waypoint; `desk` is a desk of the staff."""

    DESK = "desk"
    ROOM = "room"
    SHELF = "shelf"
    DOCK = "dock"
    JUNCTION = "junction"
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A pose with a name. `location_code` is what stands on the sign, and may be empty for a
    junction."""

    id: str
    name: str
    location_code: str
    x: float
    y: float
    z: float = 0.0
    theta: float = 0.0
    kind: WaypointKind = WaypointKind.JUNCTION
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True

    @property
    def call_numbers(self) -> tuple[str, str] | None:
        """First and last call number on this shelf, where it is one and says so."""
        first, last = self.metadata.get(CALL_NUMBER_FROM), self.metadata.get(CALL_NUMBER_TO)
        return None if first is None or last is None else (str(first), str(last))


@dataclass(frozen=True, slots=True)
class Lane:
    """A straight way from the waypoint `start` to the waypoint `end`, both ways unless
    `one_way`."""

    id: str
    start: str
    end: str
    length_m: float
    width_m: float
    speed_limit_m_s: float
    one_way: bool = False
    closed: bool = False
