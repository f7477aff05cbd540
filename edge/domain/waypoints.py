"""Places the robot can go to, and the lanes between them.

Lengths are metres, angles radians counted from the x axis of the `map` frame towards y (REP 103).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    junction. `version`: how often it was written; two of the same content are equal."""

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
    version: int = field(default=1, compare=False)

    @property
    def call_numbers(self) -> tuple[str, str] | None:
        """First and last call number on this shelf, where it is one and says so."""
        first, last = self.metadata.get(CALL_NUMBER_FROM), self.metadata.get(CALL_NUMBER_TO)
        return None if first is None or last is None else (str(first), str(last))


@dataclass(frozen=True, slots=True)
class Lane:
    """A straight way from the waypoint `start` to the waypoint `end`, both ways unless
    `one_way`.

    `closed` is always; `closed_from` and `closed_until` (RFC 3339, UTC) are a time of being closed, that may be
    open at one end.
    """

    id: str
    start: str
    end: str
    length_m: float
    width_m: float
    speed_limit_m_s: float
    one_way: bool = False
    closed: bool = False
    closed_from: str | None = None
    closed_until: str | None = None

    def is_closed(self, at: str) -> bool:
        """Whether nobody may drive on it at the time `at`, as records keep it."""
        if self.closed or (self.closed_from is None and self.closed_until is None):
            return self.closed
        begun = self.closed_from is None or self.closed_from <= at
        return begun and (self.closed_until is None or at < self.closed_until)

    def as_at(self, at: str) -> "Lane":
        """The lane with what is closed at the time `at` as simply closed: whoever plans needs no clock."""
        if self.closed_from is None and self.closed_until is None:
            return self
        return replace(self, closed=self.is_closed(at), closed_from=None, closed_until=None)
