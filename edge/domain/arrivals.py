"""When each trip of the queue will be where it is going: from where the robot is, and from how long drives and waits
took so far."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.domain.tasks import Phase, Task
from edge.domain.times import later, seconds_between

Point = tuple[float, float]
"""x, y in m, in the frame `map`."""

PACE_S_PER_M = 3.5
"""As the crow flies, with turns, until drives have taught better: 0.4 m/s on a way 1.4 times as long."""
WAIT_S = 60.0
"""For somebody to load or to take something, until people have taught better."""


@dataclass(frozen=True, slots=True)
class Experience:
    """`legs`: seconds that a drive between two codes took in the median; `waits`: those at a place, by phase."""

    places: Mapping[str, Point]
    legs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    waits: Mapping[Phase, float] = field(default_factory=dict)

    @property
    def pace_s_per_m(self) -> float:
        """The median over all legs that were driven."""
        paces = sorted(
            seconds / length
            for (start, end), seconds in self.legs.items()
            if (length := self._length(self.places.get(start), end)) > 1.0
        )
        return paces[len(paces) // 2] if paces else PACE_S_PER_M

    def drive_s(self, at: Point | None, code: str, start: str = "") -> float:
        """Seconds from `at` to a place; `start`: the code where this drive begins or began."""
        length = self._length(at, code)
        known = self.legs.get((start, code))
        whole = self._length(self.places.get(start), code)
        if known is None or whole == 0.0:
            return length * self.pace_s_per_m
        return known * min(1.0, length / whole)

    def wait_s(self, phase: Phase) -> float:
        return self.waits.get(phase, WAIT_S)

    def _length(self, at: Point | None, code: str) -> float:
        to = self.places.get(code)
        return 0.0 if at is None or to is None else math.dist(at, to)


def expect(
    queue: Sequence[Task], now: str, at: Point | None, experience: Experience
) -> tuple[Task, ...]:
    """The same tasks with `eta`: when each is at its destination, or was. `queue` in the order in which it runs;
    `at`: where the robot is. None where a load is on its way back."""
    clock, expected = now, []
    for task in queue:
        if task.phase is Phase.QUEUED:
            clock = max(clock, task.not_before or clock)
        eta, clock, at = _go_on(task, clock, at, experience)
        expected.append(replace(task, eta=eta))
    return tuple(expected)


def _go_on(
    task: Task, clock: str, at: Point | None, experience: Experience
) -> tuple[str | None, str, Point | None]:
    """When the task is at its destination, when the robot is free again, and where."""
    source, destination = task.source_location, task.destination_location
    if task.phase is Phase.RETURNING_LOAD:
        home = task.load_home
        return None, later(clock, experience.drive_s(at, home)), experience.places.get(home)
    there = experience.places.get(destination)
    if task.phase is Phase.WAITING_FOR_HANDOVER:
        return task.phase_since, _after_wait(task, clock, experience), there
    if task.phase is Phase.WAITING_FOR_LOAD:
        clock, at = _after_wait(task, clock, experience), experience.places.get(source)
    elif task.phase is not Phase.TO_DESTINATION:
        clock = later(clock, experience.drive_s(at, source))
        clock = later(clock, experience.wait_s(Phase.WAITING_FOR_LOAD))
        at = experience.places.get(source)
    there_at = later(clock, experience.drive_s(at, destination, source))
    return _about(there_at), later(there_at, experience.wait_s(Phase.WAITING_FOR_HANDOVER)), there


def _about(time: str) -> str:
    """To ten seconds: it is a guess, and who shows it need not do so anew for each metre driven."""
    return time[:18] + "0Z"


def _after_wait(task: Task, clock: str, experience: Experience) -> str:
    waited = seconds_between(task.phase_since, clock)
    return later(clock, max(0.0, experience.wait_s(task.phase) - waited))
