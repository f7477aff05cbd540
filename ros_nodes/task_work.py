"""What the task runner reads and writes: each a function for one transaction. No ROS."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from edge.domain import errands
from edge.domain.errors import ConflictError
from edge.domain.power import Alarm, Battery
from edge.domain.robots import RobotCommand
from edge.domain.tasks import Task
from edge.domain.waypoints import Waypoint
from edge.services import alarms, journal, places, robot, tasks, trips
from edge.settings import Settings
from edge.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store says at one moment. `orders`: those begun just now."""

    tasks: tuple[Task, ...]
    paused: bool
    maintenance: bool
    places: tuple[Waypoint, ...]
    orders: tuple[RobotCommand, ...] = ()
    told: frozenset[Alarm] = frozenset()


def look(tx: Transaction, settings: Settings, *, first: bool, stopped: bool) -> Snapshot:
    """Read all that matters, and begin the orders that wait.

    `first`: after a start; `stopped`: the gate's state changed, so that its journal has news.
    """
    if first or stopped:
        journal.import_journal(tx, settings.data_dir / "gate")
    if first:
        robot.abandon_commands(tx)
    orders = []
    while (order := robot.next_command(tx)) is not None:
        orders.append(order)
    state = robot.get_state(tx)
    return Snapshot(
        tuple(tasks.in_hand(tx, settings.robot.id)),
        state.paused,
        state.maintenance,
        tuple(places.waypoints(tx)),
        tuple(orders),
        frozenset(alarms.raised(tx)),
    )


def finish(tx: Transaction, answer: errands.Answer) -> None:
    """Write how an order ended, unless that is written already."""
    result = {"reason": answer.reason} if answer.reason else {}
    with contextlib.suppress(ConflictError):
        robot.finish_command(tx, answer.order_id, answer.status, result)


def make_steps(tx: Transaction, step: errands.Step) -> list[Task]:
    """Write a step of one or more tasks: of all or, where one cannot make it, of none."""
    return [
        tasks.apply(tx, task_id, step.event, failure=step.failure)
        for task_id in (step.task_id, *step.also)
    ]


def battery(settings: Settings, level: float | None) -> Battery | None:
    """None where nobody knows how full it is."""
    if level is None:
        return None
    robot = settings.robot
    return Battery(
        level, robot.critical_battery, robot.drive_hours * 3600, robot.stand_hours * 3600
    )


def claim(tx: Transaction, settings: Settings, level: float | None) -> trips.Claim:
    """Take the next trip, or who joins the one in hand. `level` of the battery, None where nobody knows."""
    return trips.claim(
        tx,
        robot_id=settings.robot.id,
        lease_s=settings.tasks.lease_s,
        slots=settings.robot.tray_slots,
        battery=battery(settings, level),
    )


def renew(tx: Transaction, held: Sequence[Task], settings: Settings) -> None:
    """Raises ConflictError where one is this robot's no longer."""
    for task in held:
        tasks.renew(tx, task.id, robot_id=settings.robot.id, lease_s=settings.tasks.lease_s)
