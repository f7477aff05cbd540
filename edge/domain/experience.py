"""How long drives and waits take: what the lanes allow, corrected by how long they took so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from edge.domain.tasks import Phase
from edge.domain.travel import Point, Travel

SLOWER = 1.25
"""Than the lanes allow, with turns and people in the way, until drives have taught better."""
WAIT_S = 60.0
"""For somebody to load or to take something, until people have taught better."""
_TELLING_S = 2.0
"""A shorter way teaches nothing about how fast the robot is."""


@dataclass(frozen=True)
class Experience:
    """`legs`: seconds that a drive between two codes took in the median; `waits`: those at a place, by phase."""

    travel: Travel
    legs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    waits: Mapping[Phase, float] = field(default_factory=dict)

    @cached_property
    def slower(self) -> float:
        """How many times as long as the lanes allow: the median over all legs that were driven."""
        found = sorted(
            seconds / least
            for (start, end), seconds in self.legs.items()
            if (least := self.travel.seconds(self.place(start), end)) > _TELLING_S
        )
        return found[len(found) // 2] if found else SLOWER

    def place(self, code: str) -> Point | None:
        return self.travel.places.get(code)

    def drive_s(self, at: Point | None, code: str, start: str = "") -> float:
        """Seconds from `at` to a place; `start`: the code where this drive begins or began."""
        least = self.travel.seconds(at, code)
        known = self.legs.get((start, code))
        whole = self.travel.seconds(self.place(start), code)
        if known is None or whole == 0.0:
            return least * self.slower
        return known * min(1.0, least / whole)

    def wait_s(self, phase: Phase | None) -> float:
        """Seconds of waiting for people in that phase; None where nobody is waited for."""
        return 0.0 if phase is None else self.waits.get(phase, WAIT_S)
