"""Which task comes next: priority, then deadline, then age.

Waiting raises a task: each AGEING_S of it counts as one priority more, up to URGENT, so that nothing starves.
"""

from dataclasses import dataclass

from edge.domain.tasks import PRIORITY_RANK, Priority
from edge.domain.times import seconds_between

AGEING_S = 1800.0
"""Half an hour: a LOW task is as urgent as any after an hour and a half."""

NO_DEADLINE = "9999"
"""Sorts after every time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the order of the queue depends on. Times are RFC 3339, UTC; `since`: from when it could run."""

    id: str
    priority: Priority
    deadline: str | None
    since: str


def turn(task: Waiting, now: str) -> tuple[int, str, str, str]:
    """The smaller, the sooner."""
    aged = int(max(0.0, seconds_between(task.since, now)) // AGEING_S)
    rank = min(PRIORITY_RANK[task.priority] + aged, PRIORITY_RANK[Priority.URGENT])
    return (-rank, task.deadline or NO_DEADLINE, task.since, task.id)
