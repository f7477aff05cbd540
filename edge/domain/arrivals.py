"""When each task of the queue will be where it is going: trip after trip, from where the robot is."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from edge.domain.tasks import Phase, Task
from edge.domain.times import later, seconds_between
from edge.domain.trips import Outlook, gather, plan

FORESEEN = 30
"""So many tasks are thought of as sharing trips; whoever comes after them as having one of his own."""


def expect(queue: Sequence[Task], start: Outlook) -> tuple[Task, ...]:
    """The same tasks with `eta`: when each is at its destination, or was. `queue` in the order in which it runs. None
    where a load is on its way back."""
    etas: dict[str, str | None] = {}
    trip = [task for task in queue if task.phase is not Phase.QUEUED]
    waiting = [task for task in queue if task.phase is Phase.QUEUED]
    number = 0
    while trip or number < len(waiting):
        slots = start.slots if number < FORESEEN else 1
        if not trip:
            start = replace(start, now=max(start.now, waiting[number].not_before or start.now))
        ready = itertools.takewhile(_ready_at(start.now), waiting[number : number + slots])
        joining = gather(trip, ready, replace(start, slots=slots))
        number += len(joining)
        found, start = _arrivals([*trip, *joining], start)
        etas |= found
        trip = []
    return tuple(replace(task, eta=etas[task.id]) for task in queue)


def _ready_at(now: str) -> Callable[[Task], bool]:
    return lambda task: (task.not_before or "") <= now


def _arrivals(tasks: Sequence[Task], start: Outlook) -> tuple[dict[str, str | None], Outlook]:
    """When each of a trip's tasks is at its destination, and how things are after the trip."""
    etas: dict[str, str | None] = dict.fromkeys(task.id for task in tasks)
    for task in tasks:
        if task.phase is Phase.WAITING_FOR_HANDOVER:
            etas[task.id] = task.phase_since
    trip = plan(tasks, _after_waits(tasks, start))
    passed = 0.0
    for stop, (drive_s, wait_s) in zip(trip.stops, trip.legs, strict=True):
        passed += drive_s
        if stop.phase is Phase.WAITING_FOR_HANDOVER:
            etas[stop.task.id] = _about(later(trip.start.now, passed))
        passed += wait_s
    return etas, trip.end


def _after_waits(tasks: Sequence[Task], start: Outlook) -> Outlook:
    """When people have done what they are waited for, there where they are."""
    at, longest = start.at, 0.0
    for task in tasks:
        if task.phase in (Phase.WAITING_FOR_LOAD, Phase.WAITING_FOR_HANDOVER):
            loads = task.phase is Phase.WAITING_FOR_LOAD
            at = start.experience.place(
                task.source_location if loads else task.destination_location
            )
            waited = seconds_between(task.phase_since, start.now)
            longest = max(longest, start.experience.wait_s(task.phase) - waited)
    return start.moved(at, longest)


def _about(time: str) -> str:
    """To ten seconds: it is a guess, and who shows it need not do so anew for each metre driven."""
    return time[:18] + "0Z"
