"""Which task comes next: priority, then deadline, then age.

Waiting raises a task: each AGEING_S of it counts as one priority more, up to URGENT, so that nothing starves.
"""

from edge.domain.tasks import PRIORITY_RANK, Priority, Task
from edge.domain.times import seconds_between

AGEING_S = 1800.0
"""Half an hour: a LOW task is as urgent as any after an hour and a half."""

NO_DEADLINE = "9999"
"""Sorts after every time."""


def turn(task: Task, now: str) -> tuple[int, str, str, str]:
    """The smaller, the sooner."""
    return (-rank(task, now), task.deadline or NO_DEADLINE, could_run_since(task), task.id)


def rank(task: Task, now: str) -> int:
    """Of its priority, raised by its age; the most is URGENT's."""
    aged = int(max(0.0, seconds_between(could_run_since(task), now)) // AGEING_S)
    return min(PRIORITY_RANK[task.priority] + aged, PRIORITY_RANK[Priority.URGENT])


def could_run_since(task: Task) -> str:
    return max(task.created_at, task.not_before or "")
