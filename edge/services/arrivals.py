"""When the tasks of the queue will be where they are going."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from edge.domain.arrivals import expect
from edge.domain.experience import Experience
from edge.domain.tasks import FINAL, Phase, Task
from edge.domain.travel import Travel
from edge.domain.trips import Outlook
from edge.services import places, tasks, whereabouts
from edge.services.robot import get_state
from edge.store.database import Reader
from edge.store.tasks import Tasks


def expected(reader: Reader, queue: Sequence[Task], slots: int = 1) -> list[Task]:
    """The same tasks, each with its place and when it will be there, which nobody knows while the robot is paused or
    in maintenance. `slots` of the robot's tray."""
    queue = [replace(task, queue_place=place) for place, task in enumerate(queue, 1)]
    state = get_state(reader)
    if not queue or state.paused or state.maintenance:
        return queue
    return list(expect(queue, outlook(reader, slots)))


def expected_one(reader: Reader, task: Task, slots: int = 1) -> Task:
    """The same task; one that is over, or not yet in the queue, as it is."""
    if task.phase in FINAL or task.phase is Phase.PENDING:
        return task
    queue = expected(reader, tasks.queue(reader), slots)
    found = next((one for one in queue if one.id == task.id), task)
    return replace(found, history=task.history)


def outlook(reader: Reader, slots: int = 1) -> Outlook:
    """From where the robot was last."""
    last = whereabouts.last_pose(reader)
    at = None if last is None else last.pose[:2]
    return Outlook(at, reader.now, experience(reader), slots)


def experience(reader: Reader) -> Experience:
    """What the newest part of the history teaches."""
    legs: dict[tuple[str, str], list[float]] = {}
    waits: dict[Phase, list[float]] = {}
    for phase, source, destination, seconds in Tasks(reader).durations():
        if phase is Phase.TO_DESTINATION:
            legs.setdefault((source, destination), []).append(seconds)
        else:
            waits.setdefault(phase, []).append(seconds)
    return Experience(
        Travel(places.waypoints(reader), [lane.as_at(reader.now) for lane in places.lanes(reader)]),
        legs={leg: median(seconds) for leg, seconds in legs.items()},
        waits={phase: median(seconds) for phase, seconds in waits.items()},
    )
