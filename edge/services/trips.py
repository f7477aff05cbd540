"""The tasks that a robot has in hand: which are taken from the queue, and to whose stop it goes next."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.domain.power import Battery
from edge.domain.tasks import Task
from edge.domain.travel import Point
from edge.domain.trips import Outlook, gather, plan
from edge.domain.waypoints import WaypointKind
from edge.services import arrivals, places, tasks
from edge.store.database import Reader, Transaction

LONG_S = 3600.0
"""With a battery for so much driving and so much standing nobody looks how long a trip is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`tasks`: those that were taken. `short`: there was one, and the battery would not last for it."""

    tasks: tuple[Task, ...] = ()
    short: bool = False


def claim(
    tx: Transaction,
    *,
    robot_id: str,
    lease_s: float,
    slots: int = 1,
    battery: Battery | None = None,
) -> Claim:
    """Take as many tasks as belong into one trip, each with a slot and a lease of its own; with others in hand, those
    that join them. `battery`: None where nobody knows, and then it counts as full."""
    held = tasks.in_hand(tx, robot_id)
    ready = tasks.claimable(tx, robot_id, slots - len(held)) if len(held) < slots else []
    if not ready:
        return Claim()
    joining = ready
    if slots > 1 or not (battery is None or battery.lasts(LONG_S, LONG_S)):
        joining = _worth_it(tx, held, ready, slots, battery)
    free = [slot for slot in range(1, slots + 1) if slot not in {task.slot for task in held}]
    return Claim(
        tuple(
            tasks.assign(
                tx, task, robot_id=robot_id, lease_s=lease_s, slot=slot if slots > 1 else None
            )
            for task, slot in zip(joining, free, strict=False)
        ),
        short=not joining and not held,
    )


def _worth_it(
    tx: Transaction, held: list[Task], ready: list[Task], slots: int, battery: Battery | None
) -> list[Task]:
    """Who comes along, and for whom the battery lasts. The first for an empty tray is left out for nothing else."""
    start = arrivals.outlook(tx, slots)
    joining = gather(held, ready, start)
    while joining and battery is not None and not _lasts(tx, battery, [*held, *joining], start):
        joining.pop()
    return joining


def in_order(reader: Reader, held: Sequence[Task], at: Point | None, slots: int) -> list[str]:
    """Ids of the tasks whose stops come next, one for each stop."""
    start = arrivals.outlook(reader, slots)
    start = start if at is None else start.moved(at, 0.0)
    return [stop.task.id for stop in plan(held, start).stops]


def _lasts(reader: Reader, battery: Battery, trip: Sequence[Task], start: Outlook) -> bool:
    """Whether the trip can be ended, and the nearest dock reached, above the reserve."""
    found = plan(trip, start)
    docks = [
        one.location_code for one in places.waypoints(reader, WaypointKind.DOCK) if one.is_active
    ]
    home_s = min((start.experience.drive_s(found.end.at, dock) for dock in docks), default=0.0)
    driving = sum(drive_s for drive_s, _ in found.legs) + home_s
    return battery.lasts(driving, sum(wait_s for _, wait_s in found.legs))
