"""A trip: the tasks that the robot has in hand at the same time, one in each slot of its tray.

Its stops are in the order that costs least by edge.domain.stop_order: seconds that the robot needs, and the waiting of
each reader as often as it weighs. Who comes later joins where that costs less than a trip of its own afterwards.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from edge.domain.experience import Experience
from edge.domain.queue_order import rank
from edge.domain.tasks import Phase, Task
from edge.domain.times import later, seconds_between
from edge.domain.travel import Point

WEIGHTS = (0.25, 0.5, 1.0, 2.0)
"""What a second of waiting costs by rank, LOW to URGENT; a second that the robot needs costs 1."""
DEADLINE_NEAR_S = 1800.0
"""With less than this left until its deadline, or none, a task's waiting costs twice as much."""

WORTH_S = 5.0
"""What has to be gained at least by joining a trip, in s as they are weighed."""


class Stop(NamedTuple):
    """Where something is to be done for a task; `phase`: in which people are waited for there, None for nobody."""

    task: Task
    place: str
    phase: Phase | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where the robot is, at what time, and what it knows of drives and waits. `slots` of its tray."""

    at: Point | None
    now: str
    experience: Experience
    slots: int = 1

    def moved(self, at: Point | None, seconds: float) -> "Outlook":
        return Outlook(at, later(self.now, seconds), self.experience, self.slots)


@dataclass(frozen=True)
class Trip:
    """Stops in their order, as seen from `start`."""

    stops: tuple[Stop, ...]
    start: Outlook

    @cached_property
    def legs(self) -> tuple[tuple[float, float], ...]:
        """Of each stop: seconds of driving there, and of waiting for people."""
        pairs = itertools.pairwise([None, *self.stops])
        return tuple(_leg(self.start, one, stop) for one, stop in pairs if stop is not None)

    @property
    def seconds(self) -> float:
        return sum(map(sum, self.legs))

    @property
    def end(self) -> Outlook:
        """Where the robot is afterwards, and when."""
        if not self.stops:
            return self.start
        place = self.start.experience.place(self.stops[-1].place)
        return self.start.moved(place, self.seconds)

    def cost(self, begins_s: float = 0.0) -> float:
        """The seconds of the robot, and the weight of each task for each second until it is done; `begins_s`: seconds
        from when the tasks wait until the trip begins."""
        now, passed = later(self.start.now, -begins_s), begins_s
        done_s: dict[str, float] = {}
        for stop, leg in zip(self.stops, self.legs, strict=True):
            passed += sum(leg)
            done_s[stop.task.id] = passed
        tasks = {stop.task.id: stop.task for stop in self.stops}
        return self.seconds + sum(
            weight(tasks[id], now) * seconds for id, seconds in done_s.items()
        )


def stops_of(task: Task) -> tuple[Stop, ...]:
    """Where the robot still has to go for a task."""
    deliver = Stop(task, task.destination_location, Phase.WAITING_FOR_HANDOVER)
    match task.phase:
        case Phase.QUEUED | Phase.ASSIGNED | Phase.TO_SOURCE:
            return (Stop(task, task.source_location, Phase.WAITING_FOR_LOAD), deliver)
        case Phase.WAITING_FOR_LOAD | Phase.TO_DESTINATION:
            return (deliver,)
        case Phase.RETURNING_LOAD:
            return (Stop(task, task.load_home, None),)
        case _:
            return ()


def weight(task: Task, now: str) -> float:
    """What a second of waiting for this task costs."""
    base = WEIGHTS[rank(task, now)]
    near = task.deadline is not None and seconds_between(now, task.deadline) < DEADLINE_NEAR_S
    return 2.0 * base if near else base


def plan(tasks: Iterable[Task], start: Outlook) -> Trip:
    """The stops of these tasks in the order that costs least."""
    each = [stops for task in tasks if (stops := stops_of(task))]
    every = [stop for stops in each for stop in stops]
    if len(each) < 2:
        return Trip(tuple(every), start)
    from edge.domain.stop_order import Errand, best_order  # brings numpy, which few processes need

    times = [[0.0, *(sum(_leg(start, one, stop)) for stop in every)] for one in [None, *every]]
    numbers = itertools.count(1)
    errands = [
        Errand(tuple(next(numbers) for _ in stops), weight(stops[0].task, start.now))
        for stops in each
    ]
    order = best_order(times, errands, start.slots)
    return Trip(tuple(every[node - 1] for node in order), start)


def gather(in_hand: Sequence[Task], waiting: Iterable[Task], start: Outlook) -> list[Task]:
    """Those of `waiting`, in their turn, that come along now: the first for an empty tray, and who joins it. Where one
    does not join nobody behind it does, so that no task is overtaken again and again."""
    found: list[Task] = []
    for task in waiting:
        tasks = [*in_hand, *found]
        if len(tasks) >= start.slots or (tasks and not joins(tasks, task, start)):
            break
        found.append(task)
    return found


def joins(tasks: Sequence[Task], task: Task, start: Outlook) -> bool:
    """Whether it costs less to take it along than to come back for it, by enough to be worth a slot."""
    without = plan(tasks, start)
    afterwards = plan([task], without.end)
    apart = without.cost() + afterwards.cost(without.seconds)
    return plan([*tasks, task], start).cost() < apart - WORTH_S


def _leg(start: Outlook, before: Stop | None, stop: Stop) -> tuple[float, float]:
    """Seconds of driving to a stop and of waiting there. At one place people are waited for together."""
    if before is not None and before.place == stop.place:
        return 0.0, 0.0
    known = start.experience
    if before is not None:
        driven = known.drive_s(known.place(before.place), stop.place, before.place)
    else:
        loaded = stop.task.phase in (Phase.WAITING_FOR_LOAD, Phase.TO_DESTINATION)
        driven = known.drive_s(start.at, stop.place, stop.task.source_location if loaded else "")
    return driven, known.wait_s(stop.phase)
