"""The first of the queue by an index, though who is more urgent than whom changes with time.

Of the tasks of one priority, those of one rank are those that wait since between two times, a stretch; and within a
rank the order stands still. So one statement says which stretches have any, from the highest rank down, and another
gives the first of one.
"""

from edge.domain.queue_order import AGEING_S, NO_DEADLINE
from edge.domain.tasks import PRIORITY_RANK
from edge.domain.times import later

_TOP = max(PRIORITY_RANK.values())
_SINCE = "max(created_at, ifnull(not_before, ''))"
_NOW = "max(?1, (SELECT max(created_at) FROM task WHERE phase = 'QUEUED'))"
"""Or later, where the clock was set back: what was ordered before that may begin too."""


def ages(now: str) -> list[str]:
    """When a task must have been there to have aged by one rank, two, and so on: what STRETCHES asks for."""
    return [later(now, -AGEING_S * ranks) for ranks in range(1, _TOP + 1)]


def _stretch(rank: int, priority: str, aged: int) -> str:
    after = "''" if rank == _TOP else f"?{aged + 2}"
    return f"({rank}, '{priority}', {after}, {f'?{aged + 1}' if aged else _NOW})"


_STRETCHES = ", ".join(
    _stretch(rank, priority, rank - own)
    for rank in range(_TOP, -1, -1)
    for priority, own in PRIORITY_RANK.items()
    if own <= rank
)
STRETCHES = f"""WITH stretch(rank, priority, after, until) AS (VALUES {_STRETCHES})
    SELECT * FROM stretch WHERE EXISTS (SELECT 1 FROM task INDEXED BY task_waiting_since
        WHERE phase = 'QUEUED' AND priority = stretch.priority AND {_SINCE} > after AND {_SINCE} <= until)"""
"""For now and `ages`."""
FIRST_OF_STRETCH = f"""SELECT * FROM task INDEXED BY task_turn
    WHERE phase = 'QUEUED' AND priority = ? AND {_SINCE} > ? AND {_SINCE} <= ? AND ifnull(not_before, '') <= ?
    ORDER BY ifnull(deadline, '{NO_DEADLINE}'), {_SINCE}, id LIMIT """
"""For priority, after, until and now; how many is put behind it. As a value to be bound it would have SQLite prepare
the statement anew each time, which takes longer than the rest."""
