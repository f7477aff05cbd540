"""What the robot does next: tasks, orders of people, and going home, weighed against each other.

One function looks at the situation and names one act; the task runner carries it out and looks again. Rules, the first
that fits wins:

1. A drive that ended is told to whom it was for.
2. Telling the robot where it is, and ending an order, are possible at any time. An order whose time is over before it
   is driven is not driven any more, however long a pause kept it waiting.
3. While it is stopped, paused or under maintenance nothing is begun, and what drives is halted; a task keeps its place.
   Under maintenance people may still order drives.
4. A task in hand goes on, unless the battery calls and its load is not on the tray: then it is given back to the
   queue. Of several in hand the one whose stop is next leads; what is to be done at the same place is done with it.
   While there is room on the tray others may join. An order to drive that comes meanwhile is refused.
5. An order to drive is carried out, unless the battery is nearly empty.
6. The next task is taken from the queue, unless the battery is low.
7. Idle for long enough, or with a low battery at once, the robot goes home. Where it does not charge there, it backs
   off and docks again, once.

Alarms about power are told before anything that is begun.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from edge.domain.failures import Failure
from edge.domain.power import Alarm, Charge, Power, alarms
from edge.domain.robots import STARTS_MOTION, CommandStatus, CommandType, RobotCommand
from edge.domain.tasks import DRIVING, Phase, Task, TaskEvent

HOME = "home"
"""Whom a drive home is for."""
BACK_OFF = "back_off"
"""Whom a drive off the dock is for, when it is to dock again."""
WAITING = frozenset({Phase.WAITING_FOR_LOAD, Phase.WAITING_FOR_HANDOVER})
_NOT_LOADED = frozenset({Phase.ASSIGNED, Phase.TO_SOURCE, Phase.WAITING_FOR_LOAD})

ARRIVED, STOPPED, CANCELLED = "NONE", "STOPPED", "CANCELLED"
"""How drives end, besides the failures of edge.domain.failures."""
NO_FAILURE = frozenset({ARRIVED, STOPPED, CANCELLED})


class Drive(NamedTuple):
    """A drive to a waypoint. `errand`: whom it is for; `outcome`: how it ended, None while it goes on."""

    errand: str
    waypoint: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Limits in seconds."""

    load_s: float
    handover_s: float
    home_s: float
    home_again_s: float = 30.0
    """After a drive home that failed."""


@dataclass(frozen=True, slots=True)
class Situation:
    """`task` leads, and the `others` are in hand too; `waited_s`: how long it has been in its phase; `queued`: there
    may be a task to take, and `room`: also with one in hand; `short`: the next one waits until the battery is fuller;
    `idle_s`: since when nothing was to be done.

    `orders`: those begun and not answered, oldest first. `dock`: its code, None where there is none, and `approach` the
    id of the point in front of it. `at_home`: it stands on its dock, or does not know where it is; `home_failed`: the
    last drive there did not arrive. `told`: the alarms that staff know of. `at`: the time, as orders have it.
    """

    waits: Waits
    drive: Drive | None = None
    task: Task | None = None
    waited_s: float = 0.0
    others: tuple[Task, ...] = ()
    orders: tuple[RobotCommand, ...] = ()
    queued: bool = False
    room: bool = False
    short: bool = False
    stopped: bool = False
    paused: bool = False
    maintenance: bool = False
    idle_s: float = 0.0
    dock: str | None = None
    approach: str | None = None
    at_home: bool = False
    home_failed: bool = False
    charge: Charge = field(default_factory=Charge)
    told: frozenset[Alarm] = frozenset()
    at: str = ""

    @property
    def in_hand(self) -> tuple[Task, ...]:
        return self.others if self.task is None else (self.task, *self.others)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now."""


@dataclass(frozen=True, slots=True)
class Go:
    """Drive, in place of what is driven now."""

    errand: str
    waypoint: str


@dataclass(frozen=True, slots=True)
class Halt:
    """End the drive that is going on."""


@dataclass(frozen=True, slots=True)
class Forget:
    """The drive that ended needs no answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """Write that the task made a step, and those of `also` with it."""

    task_id: str
    event: TaskEvent
    failure: Failure | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the next task from the queue."""


@dataclass(frozen=True, slots=True)
class Relocate:
    """Take the order's pose as the robot's own."""

    order: RobotCommand


@dataclass(frozen=True, slots=True)
class Answer:
    """Write how an order ended; `reason` is a code where it failed."""

    order_id: str
    status: CommandStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Write which alarms there are now."""

    alarms: frozenset[Alarm]


Act = Tell | Wait | Go | Halt | Forget | Step | Claim | Relocate | Answer


def errand_of(task: Task) -> str:
    """The name of the drive that a task wants now: another in each phase, so that none is taken for another."""
    return f"{task.id}/{task.phase}"


def next_act(now: Situation) -> Act:
    """What to do in this situation."""
    return (
        _after_drive(now)
        or _order_for_any_time(now)
        or _late_order(now)
        or _alarms(now)
        or _standing(now)
        or _task(now)
        or _order(now)
        or _queue(now)
        or _idle(now)
    )


def _after_drive(now: Situation) -> Act | None:
    drive = now.drive
    if drive is None or drive.outcome is None:
        return None
    if any(order.id == drive.errand for order in now.orders):
        if drive.outcome == ARRIVED:
            return Answer(drive.errand, CommandStatus.DONE)
        if drive.outcome == CANCELLED:
            return Forget()  # halted by a pause, or by another order that has its say next
        return Answer(drive.errand, CommandStatus.FAILED, drive.outcome)
    there = _going_to(drive.waypoint, now.in_hand)
    if not there or drive.outcome in (STOPPED, CANCELLED):
        return Forget()  # what is still wanted is driven again as soon as it may
    if drive.outcome == ARRIVED:
        return Step(there[0], TaskEvent.ARRIVE, also=there[1:])
    known = drive.outcome in Failure.__members__
    failure = Failure(drive.outcome) if known else Failure.NAVIGATION
    return Step(there[0], TaskEvent.FAIL, failure, there[1:])


def _going_to(place: str, tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """Those whose drive ends at this place."""
    return tuple(task.id for task in tasks if task.goal == place)


def _order_for_any_time(now: Situation) -> Act | None:
    order = next((one for one in now.orders if one.type not in STARTS_MOTION), None)
    if order is None:
        return None
    if (older := _drive_order(now)) is not None and older.issued_at <= order.issued_at:
        return Answer(older.id, CommandStatus.FAILED, CANCELLED)
    if now.drive is not None:
        return Halt()
    if order.type is CommandType.INITIAL_POSE:
        return Relocate(order)
    return Answer(order.id, CommandStatus.DONE)


def _late_order(now: Situation) -> Act | None:
    order = _drive_order(now)
    if order is None or order.expires_at is None or order.expires_at > now.at:
        return None
    driven = now.drive is not None and now.drive.errand == order.id
    return None if driven else Answer(order.id, CommandStatus.EXPIRED)


def _alarms(now: Situation) -> Act | None:
    if now.charge.power is None:
        return None  # nobody knows yet; what was told before a restart stays
    wanted = alarms(now.charge, home_failed=now.home_failed, short=now.short)
    return None if wanted == now.told else Tell(wanted)


def _standing(now: Situation) -> Act | None:
    order = _drive_order(now)
    if now.stopped:
        if order is not None and now.drive is None:
            return Answer(order.id, CommandStatus.FAILED, STOPPED)
        return Wait()  # a drive that is left ends by itself, as STOPPED
    if now.paused or (now.maintenance and order is None):
        return Wait() if now.drive is None else Halt()
    return None


def _task(now: Situation) -> Act | None:
    task = now.task
    if task is None or now.maintenance:
        return None
    if (order := _drive_order(now)) is not None:
        return Answer(order.id, CommandStatus.FAILED, "BUSY")
    if (act := _give_back(now, task)) is not None:
        return act
    if now.room and now.queued and not now.charge.is_wanted:
        return Claim()
    if task.phase is Phase.ASSIGNED:
        return Step(task.id, TaskEvent.START, also=_to_fetch(task.source_location, now.others))
    if task.phase in DRIVING:
        goal, drive = task.goal or "", now.drive
        if drive is not None and drive.waypoint == goal:
            return Wait()  # also one that was begun for somebody else who wanted something there
        return Go(errand_of(task), goal)
    return _wait_for_people(now, task)


def _to_fetch(place: str, tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """Those that are to be fetched there and not begun yet."""
    return tuple(
        task.id for task in tasks if task.phase is Phase.ASSIGNED and task.source_location == place
    )


def _give_back(now: Situation, task: Task) -> Act | None:
    """For a low battery, one task after the other."""
    for one in now.in_hand:
        if _gives_back(now.charge.power, one.phase):
            driven = now.drive is not None and (one is task or now.drive.errand == errand_of(one))
            return Halt() if driven else Step(one.id, TaskEvent.RELEASE)
    return None


def _gives_back(power: Power | None, phase: Phase) -> bool:
    """Whether a task is better left to later. With a load on the tray it is finished, however low the battery."""
    if power is Power.CRITICAL:
        return phase in _NOT_LOADED
    return power is Power.LOW and phase is Phase.ASSIGNED


def _wait_for_people(now: Situation, task: Task) -> Act:
    if now.drive is not None:
        return Halt()
    limits = {
        Phase.WAITING_FOR_LOAD: now.waits.load_s,
        Phase.WAITING_FOR_HANDOVER: now.waits.handover_s,
    }
    if task.phase in limits and now.waited_s > limits[task.phase]:
        return Step(task.id, TaskEvent.GIVE_UP_WAITING)
    return _join_here(task, now.others) or Wait()


def _join_here(task: Task, others: tuple[Task, ...]) -> Act | None:
    """What others are to do at the place where people are waited for already."""
    loads = task.phase is Phase.WAITING_FOR_LOAD
    place = task.source_location if loads else task.destination_location
    if begun := _to_fetch(place, others):
        return Step(begun[0], TaskEvent.START, also=begun[1:])
    if there := _going_to(place, others):
        return Step(there[0], TaskEvent.ARRIVE, also=there[1:])
    return None


def _drive_order(now: Situation) -> RobotCommand | None:
    """The oldest order to drive."""
    return next((one for one in now.orders if one.type in STARTS_MOTION), None)


def _order(now: Situation) -> Act | None:
    orders = [one for one in now.orders if one.type in STARTS_MOTION]
    if len(orders) > 1:
        return Answer(orders[0].id, CommandStatus.FAILED, "REPLACED")
    if not orders:
        return None
    empty = now.charge.power is Power.CRITICAL and not now.maintenance
    if empty and orders[0].type is CommandType.GO_TO:
        return Answer(orders[0].id, CommandStatus.FAILED, "BATTERY")
    if now.drive is not None and now.drive.errand == orders[0].id:
        return Wait()
    if orders[0].type is CommandType.GO_TO:
        return Go(orders[0].id, str(orders[0].params.get("location", "")))
    if now.dock is None:
        return Answer(orders[0].id, CommandStatus.FAILED, Failure.UNKNOWN_WAYPOINT)
    return Go(orders[0].id, now.dock)


def _queue(now: Situation) -> Act | None:
    if now.maintenance:
        return Wait()
    if now.queued and not now.charge.is_wanted:
        return Claim()
    if now.drive is not None and now.drive.errand not in (HOME, BACK_OFF):
        return Halt()  # for a task or an order that is gone
    return None


def _idle(now: Situation) -> Act:
    if now.drive is not None or now.dock is None:
        return Wait()
    charge = now.charge
    if charge.is_missed and not charge.docked_again and now.approach is not None:
        return Go(BACK_OFF, now.approach)
    at_once = charge.is_wanted or charge.docked_again or now.short
    patience_s = 0.0 if at_once else now.waits.home_s
    if now.home_failed:
        patience_s = max(patience_s, now.waits.home_again_s)
    return Wait() if now.at_home or now.idle_s < patience_s else Go(HOME, now.dock)
