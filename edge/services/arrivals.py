"""When the tasks of the queue will be where they are going."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from edge.domain.arrivals import Experience, expect
from edge.domain.tasks import FINAL, Phase, Task
from edge.services import places, tasks, whereabouts
from edge.services.robot import get_state
from edge.store.database import Reader
from edge.store.tasks import Tasks


def expected(reader: Reader, queue: Sequence[Task]) -> list[Task]:
    """The same tasks, with when each will be there. Nobody knows while the robot is paused or in maintenance."""
    state = get_state(reader)
    if not queue or state.paused or state.maintenance:
        return list(queue)
    last = whereabouts.last_pose(reader)
    at = None if last is None else last.pose[:2]
    return list(expect(queue, reader.now, at, experience(reader)))


def expected_one(reader: Reader, task: Task) -> Task:
    """The same task; one that is over, or not yet in the queue, as it is."""
    if task.phase in FINAL or task.phase is Phase.PENDING:
        return task
    queue = expected(reader, tasks.queue(reader))
    return replace(task, eta=next((one.eta for one in queue if one.id == task.id), None))


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
        places={one.location_code: (one.x, one.y) for one in places.waypoints(reader)},
        legs={leg: median(seconds) for leg, seconds in legs.items()},
        waits={phase: median(seconds) for phase, seconds in waits.items()},
    )
