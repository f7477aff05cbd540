"""What the robot is told to do besides deliveries, and what its gate tells."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from edge.domain.errors import ConflictError, NotFoundError
from edge.domain.records import StopEvent
from edge.domain.robots import STARTS_MOTION, CommandStatus, CommandType, RobotCommand
from edge.domain.times import format_time, later, normal_time
from edge.services import audit, outbox
from edge.services.records import record
from edge.services.whereabouts import last_pose
from edge.store.commands import Commands, Switches
from edge.store.database import Reader, Transaction, new_id
from edge.store.stops import Stops

START_WITHIN_S = 10.0
"""An order that starts motion waits no longer than its giver would look for an answer. Without a limit, one given
while the ROS side is away would drive the robot whenever that comes back, with nobody there who expects it."""

JUST_NOW_S = 10.0
"""The robot has not been elsewhere since what happened so long ago, for it stands."""

_PAUSED, _MAINTENANCE = "paused", "maintenance"


@dataclass(frozen=True, slots=True)
class RobotState:
    """What people told the robot to be; it stays over a restart."""

    paused: bool
    maintenance: bool


def get_state(reader: Reader) -> RobotState:
    on = Switches(reader).on(_PAUSED, _MAINTENANCE)
    return RobotState(paused=_PAUSED in on, maintenance=_MAINTENANCE in on)


def pause(tx: Transaction) -> None:
    """Nothing new is begun, and a drive halts, until `resume`."""
    _switch(tx, _PAUSED, True)


def resume(tx: Transaction) -> None:
    _switch(tx, _PAUSED, False)


def set_maintenance(tx: Transaction, on: bool) -> None:
    """Under maintenance the queue rests; people may still order drives."""
    _switch(tx, _MAINTENANCE, on)


def order(
    tx: Transaction, type: CommandType, params: dict[str, Any], *, expires_at: str | None = None
) -> RobotCommand:
    """Ask for something that is no task. It is not begun after `expires_at` (RFC 3339).

    What starts motion has START_WITHIN_S where the giver names no time.
    """
    if expires_at is not None:
        expires_at = normal_time(expires_at, field="expires_at")
    elif type in STARTS_MOTION:
        expires_at = tx.later(START_WITHIN_S)
    command = RobotCommand(
        id=new_id(),
        type=type,
        params=params,
        issuer=tx.actor.id,
        status=CommandStatus.PENDING,
        issued_at=tx.now,
        expires_at=expires_at,
    )
    Commands(tx).add(command)
    audit.record(tx, f"command.{type}", "command", command.id, params=params)
    outbox.emit(tx, "command.created", "command", command.id, record(command))
    return command


def next_command(tx: Transaction) -> RobotCommand | None:
    """The oldest that waits, from now on RUNNING; what came too late is EXPIRED on the way."""
    for command in Commands(tx).with_status(CommandStatus.PENDING):
        if command.expires_at is None or command.expires_at > tx.now:
            return _change(tx, replace(command, status=CommandStatus.RUNNING))
        _change(tx, replace(command, status=CommandStatus.EXPIRED, finished_at=tx.now))
    return None


def finish_command(
    tx: Transaction,
    command_id: str,
    status: CommandStatus,
    result: dict[str, Any] | None = None,
) -> RobotCommand:
    """Raises NotFoundError, and ConflictError where it is over already."""
    command = get_command(tx, command_id)
    if command.finished_at is not None:
        raise ConflictError("ORDER_IS", command_id=command_id, status=command.status)
    return _change(tx, replace(command, status=status, finished_at=tx.now, result=result or {}))


def abandon_commands(tx: Transaction) -> int:
    """After a restart: orders that were running have failed, for nobody's old order moves the robot."""
    running = Commands(tx).with_status(CommandStatus.RUNNING)
    for command in running:
        finish_command(tx, command.id, CommandStatus.FAILED, {"reason": "RESTARTED"})
    return len(running)


def get_command(reader: Reader, command_id: str) -> RobotCommand:
    """Raises NotFoundError."""
    command = Commands(reader).get(command_id)
    if command is None:
        raise NotFoundError("NO_SUCH_ORDER")
    return command


def import_stop_events(tx: Transaction, events: Iterable[dict[str, Any]]) -> int:
    """Take over lines of the gate's journal, each once by its id; how many were new. Rubbish is left out.

    The gate knows no map: where the robot stands, `pose` in m and rad of `map`, is added here for what has just
    happened.
    """
    new = 0
    place, since = last_pose(tx), later(tx.now, -JUST_NOW_S)
    for line in events:
        event = _stop_event(line)
        if event is not None and not Stops(tx).has(event.id):
            if place is not None and event.at >= since:
                event = replace(event, data={**event.data, "pose": list(place.pose)})
            Stops(tx).add(event)
            audit.record(
                tx, f"stop.{event.kind.lower()}", "stop", event.event_id or event.id, by=event.who
            )
            outbox.emit(tx, "stop.recorded", "stop", event.id, record(event))
            new += 1
    return new


def list_stop_events(reader: Reader, *, limit: int = 100) -> list[StopEvent]:
    """The newest first."""
    return Stops(reader).newest(limit)


def _switch(tx: Transaction, name: str, on: bool) -> None:
    if (name in Switches(tx).on(name)) == on:
        return
    Switches(tx).set(name, on)
    audit.record(tx, f"robot.{name}", "robot", tx.origin, on=on)
    outbox.emit(tx, "robot.changed", "robot", tx.origin, record(get_state(tx)))


def _change(tx: Transaction, command: RobotCommand) -> RobotCommand:
    Commands(tx).save(command)
    outbox.emit(tx, "command.changed", "command", command.id, record(command))
    return command


def _stop_event(line: dict[str, Any]) -> StopEvent | None:
    known = ("id", "event_id", "kind", "at", "who")
    try:
        return StopEvent(
            id=str(line["id"]),
            event_id=line.get("event_id"),
            kind=str(line["kind"]),
            at=format_time(datetime.fromtimestamp(float(line["at"]), UTC)),
            who=str(line.get("who") or "gate"),
            data={name: value for name, value in line.items() if name not in known},
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
