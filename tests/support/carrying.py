"""A robot with a tray of several slots, on paper: the rules that the task runner follows, in a world without walls.

Whatever chance brings, it writes down where each book is, and fails where one would be where it cannot.
"""

import random
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from edge.domain import errands
from edge.domain.errands import Act, Drive, Situation, Waits
from edge.domain.experience import Experience
from edge.domain.power import Charge, Power, alarms
from edge.domain.tasks import FINAL, Phase, Priority, Task, TaskEvent, TaskType, next_phase
from edge.domain.times import later
from edge.domain.travel import Travel
from edge.domain.trips import Outlook, gather, plan
from edge.domain.waypoints import Waypoint
from ros_nodes.held_tasks import HeldTasks

NOW = "2026-01-01T12:00:00.000Z"
PLACES = {
    code: (x, y)
    for code, x, y in (
        ("DESK", 0.0, 0.0),
        ("DESK-2", 0.0, 30.0),
        ("ROOM-1", 20.0, 0.0),
        ("ROOM-2", 25.0, 5.0),
        ("ROOM-3", 10.0, 20.0),
        ("DOCK", 2.0, 2.0),
    )
}
KNOWN = Experience(Travel([Waypoint(code, code, code, x, y) for code, (x, y) in PLACES.items()]))
WAITS = Waits(load_s=600.0, handover_s=300.0, home_s=30.0)
TRAY = "tray"


def queued(id: str, source: str = "DESK", destination: str = "ROOM-1", **more: Any) -> Task:
    given: dict[str, Any] = {
        "id": id,
        "task_type": TaskType.TRANSFER,
        "priority": Priority.NORMAL,
        "phase": Phase.QUEUED,
        "source_location": source,
        "destination_location": destination,
        "attempts": 0,
        "phase_since": NOW,
        "created_at": NOW,
        **more,
    }
    required = [one.name for one in fields(Task) if one.default is one.default_factory is MISSING]
    return Task(**{**dict.fromkeys(required), **given})


@dataclass
class Carrying:
    """`step` lets the robot do its next act; chance, people and a power cut do the rest. `books`: where each lies."""

    slots: int
    tasks: dict[str, Task]
    seconds: float = 0.0
    place: str = "DOCK"
    books: dict[str, str] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    power: Power = Power.OK
    stopped: bool = False

    def __post_init__(self) -> None:
        self.books = {task.id: task.source_location for task in self.tasks.values()}
        self.drive: Drive | None = None
        self.restart()

    def restart(self) -> None:
        """What the process knew is gone; what is written stays. A drive ends where it is."""
        self.held, self.drive, self.claim_at = HeldTasks(WAITS), None, 0.0

    @property
    def now(self) -> str:
        return later(NOW, self.seconds)

    @property
    def in_hand(self) -> list[Task]:
        return [one for one in self.tasks.values() if one.phase not in (*FINAL, Phase.QUEUED)]

    @property
    def on_board(self) -> list[str]:
        return [id for id, place in self.books.items() if place == TRAY]

    def outlook(self) -> Outlook:
        return Outlook(PLACES[self.place], self.now, KNOWN, self.slots)

    def step(self) -> Act:
        self.held.take(self.in_hand, self.seconds, lambda _: 0.0)
        if self.held.wants_order:
            trip = plan(self.held.tasks, self.outlook())
            self.held.set_order([stop.task.id for stop in trip.stops])
        lead = self.held.lead(self.seconds)
        act = errands.next_act(
            Situation(
                WAITS,
                self.drive,
                lead,
                self.held.waited_s(lead, self.seconds),
                self.held.others(lead),
                queued=self.seconds >= self.claim_at,
                room=len(self.held.tasks) < self.slots,
                stopped=self.stopped,
                charge=Charge(self.power),
                told=frozenset(alarms(Charge(self.power), home_failed=False)),
            )
        )
        self._do(act)
        return act

    def _do(self, act: Act) -> None:
        match act:
            case errands.Go(errand, waypoint):
                self.drive = Drive(errand, waypoint)
            case errands.Halt():
                self.end_drive(errands.CANCELLED)
            case errands.Forget():
                self.drive = None
            case errands.Step():
                self.happen(act.event, act.task_id, *act.also)
                if self.drive is not None and self.drive.outcome is not None:
                    self.drive = None
            case errands.Claim():
                self._claim()

    def _claim(self) -> None:
        waiting = [one for one in self.tasks.values() if one.phase is Phase.QUEUED]
        taken = gather(self.in_hand, waiting, self.outlook())
        free = [slot for slot in range(1, 99) if slot not in {one.slot for one in self.in_hand}]
        for task, slot in zip(taken, free, strict=False):
            self.tasks[task.id] = replace(task, slot=slot)
            self.happen(TaskEvent.ASSIGN, task.id)
        if not taken:
            self.claim_at = self.seconds + 5.0

    def happen(self, event: TaskEvent, *ids: str) -> None:
        """All or none. Fails where a book would be where it cannot."""
        after = [
            replace(self.tasks[id], phase=next_phase(self.tasks[id].phase, event)) for id in ids
        ]
        for before, task in zip([self.tasks[id] for id in ids], after, strict=True):
            self._move_book(before, task, event)
            self.tasks[task.id] = task

    def _move_book(self, before: Task, task: Task, event: TaskEvent) -> None:
        if event is TaskEvent.ARRIVE:
            assert self.place == before.goal
        if event is TaskEvent.LOAD:
            assert self.place == self.books[task.id] == task.source_location
            self.books[task.id] = TRAY
        elif event is TaskEvent.HAND_OVER:
            assert self.books[task.id] == TRAY and self.place == task.destination_location
            self.books[task.id] = self.place
        elif before.phase is Phase.RETURNING_LOAD:
            assert self.books[task.id] == TRAY
            self.books[task.id] = task.load_home if event is TaskEvent.ARRIVE else "stranded"
        if task.phase in FINAL:
            assert self.books[task.id] != TRAY

    # What the world does

    def end_drive(self, outcome: str = errands.ARRIVED) -> None:
        if self.drive is None or self.drive.outcome is not None:
            return
        if outcome == errands.ARRIVED:
            self.seconds += KNOWN.drive_s(PLACES[self.place], self.drive.waypoint)
            self.place = self.drive.waypoint
            self.stops.append(self.place)
        self.drive = self.drive._replace(outcome=outcome)

    def people_act(self) -> None:
        """Whoever is waited for does his part."""
        for task in self.in_hand:
            if task.phase is Phase.WAITING_FOR_LOAD:
                self.happen(TaskEvent.LOAD, task.id)
            elif task.phase is Phase.WAITING_FOR_HANDOVER:
                self.happen(TaskEvent.HAND_OVER, task.id)

    def run(self) -> None:
        """Until nothing is left to be done; everybody is there, and all drives arrive."""
        for _ in range(500):
            act = self.step()
            self.end_drive()
            if isinstance(act, errands.Wait):
                self.seconds += 5.0
                if all(task.phase in FINAL for task in self.tasks.values()):
                    return
                self.people_act()
        raise AssertionError(f"it does not end: {self.tasks}, {self.drive}")

    def chance(self, random: random.Random) -> None:
        """Something that may happen at any time."""
        task = random.choice(list(self.tasks.values()))
        match random.randrange(12):
            case 0 if task.phase not in (*FINAL, Phase.RETURNING_LOAD):
                self.happen(TaskEvent.CANCEL, task.id)
            case 1:
                self.restart()
            case 2:
                self.end_drive(random.choice(["BLOCKED", errands.STOPPED, errands.CANCELLED]))
            case 3:
                self.seconds += random.choice([10.0, 400.0, 700.0])
            case 4:
                self.power = random.choice(list(Power))
            case 5:
                self.stopped = not self.stopped
            case 6 | 7:
                self.people_act()
            case _:
                self.end_drive()
