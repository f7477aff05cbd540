"""The tasks that the robot has in hand: since when each is in its phase, and which of them leads. No ROS."""

from collections.abc import Callable, Sequence

from edge.domain.errands import WAITING, Waits
from edge.domain.tasks import FINAL, Phase, Task
from edge.domain.trips import stops_of


class HeldTasks:
    """`take` what the store says; where `wants_order`, say with `set_order` whose stops come next."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._tasks: dict[str, Task] = {}
        self._since: dict[str, tuple[Phase, float]] = {}
        self._order: list[str] = []
        self._ordered: set[tuple[str, Phase]] = set()

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(self._tasks.values())

    def take(
        self, tasks: Sequence[Task], now: float, waited_before: Callable[[Task], float]
    ) -> None:
        """These are all. `waited_before`: seconds that one had been in its phase before it was known here."""
        self._tasks = {task.id: task for task in tasks if task.phase not in FINAL}
        before = self._since
        self._since = {
            id: before[id]
            if id in before and before[id][0] is task.phase
            else (task.phase, now - waited_before(task))
            for id, task in self._tasks.items()
        }

    def change(
        self, tasks: Sequence[Task], now: float, waited_before: Callable[[Task], float]
    ) -> None:
        """These are new, or as they are now."""
        changed = self._tasks | {task.id: task for task in tasks}
        self.take(list(changed.values()), now, waited_before)

    @property
    def wants_order(self) -> bool:
        """Of several, which is next: asked anew where one came, went or made a step."""
        return len(self._tasks) > 1 and self._ordered != self._steps()

    def set_order(self, ids: Sequence[str]) -> None:
        self._order, self._ordered = list(ids), self._steps()

    def lead(self, now: float) -> Task | None:
        """Who is waited for where the robot stands, and has the least time left; else whose stop is next."""
        waiting = [task for task in self._tasks.values() if task.phase in WAITING]
        if waiting:
            return min(waiting, key=lambda task: self._left_s(task, now))
        going = [self._tasks[id] for id in self._order if id in self._tasks]
        going += self._tasks.values()
        return next((task for task in going if stops_of(task)), None)

    def others(self, lead: Task | None) -> tuple[Task, ...]:
        return tuple(task for task in self._tasks.values() if task is not lead)

    def waited_s(self, task: Task | None, now: float) -> float:
        """How long it has been in its phase."""
        return 0.0 if task is None else now - self._since[task.id][1]

    def _left_s(self, task: Task, now: float) -> float:
        loads = task.phase is Phase.WAITING_FOR_LOAD
        limit_s = self._waits.load_s if loads else self._waits.handover_s
        return limit_s - self.waited_s(task, now)

    def _steps(self) -> set[tuple[str, Phase]]:
        return {(task.id, task.phase) for task in self._tasks.values()}
