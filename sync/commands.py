"""Commands from afar: checked in a fixed order, done at most once, each answered and each in the audit log."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from edge import logs
from edge.domain.errors import ConflictError, LunaError, RobotStoppedError, UnavailableError
from edge.domain.errors import ValidationError as BadParamsError
from edge.domain.robots import CommandStatus, CommandType
from edge.domain.stops import StopSource
from edge.domain.tasks import Priority, TaskType
from edge.domain.times import order_at_library
from edge.domain.users import Actor
from edge.services import audit, inbox, places, remote, robot, tasks
from edge.store.database import Database, Transaction
from firmware_bridge.sockets import request_stop
from sync.up import SYNC
from sync.view import RobotView
from sync.wire.envelope import Answer, AnswerStatus, Command, CommandKind

log = logs.get("sync.commands")

_MOVES = frozenset({CommandKind.GO_TO_WAYPOINT, CommandKind.DOCK, CommandKind.RESUME})
_TRIPS = frozenset({TaskType.INTER_STAFF, TaskType.WORKSTATION, TaskType.TRANSFER})
MAX_UNWRITTEN = 100
"""Stops that the store could not take yet; a store that is broken for longer loses the oldest."""


class UnderMaintenanceError(ConflictError):
    """Who works on the robot is not to be surprised by a drive from afar."""

    code = "MAINTENANCE"


class CommandDesk:
    """`say` publishes an answer. Times come from the robot's own clock."""

    def __init__(
        self,
        database: Database,
        run_dir: Path,
        view: RobotView,
        say: Callable[[Answer], None],
        zone: tzinfo,
    ) -> None:
        """`zone`: the library's, of times in commands that name none."""
        self._zone = zone
        self._database = database
        self._run_dir = run_dir
        self._view = view
        self._say = say
        self._unwritten: dict[str, tuple[Command, Answer]] = {}
        self._hurried: dict[str, Answer] = {}

    def hurry(self, payload: bytes) -> None:
        """Have the gate stop at once, where that is what is asked for; the rest follows by `stop_at_once`. From any
        thread."""
        command = _stop_in(payload)
        if command is None or command.command_id in self._hurried:
            return
        if self._answered(command.command_id) is None:
            self._hurried[command.command_id] = self._ask_gate(command)

    def stop_at_once(self, payload: bytes) -> bool:
        """Carry out an emergency stop, whatever the store is like. False where it is no such command."""
        command = _stop_in(payload)
        if command is None:
            return False
        self._stop(command)
        return True

    def turn_away(self, payload: bytes) -> None:
        """Answer a command that is not done because the store does not take it. Needs no store."""
        self._say(
            self._answer(
                _id_in(payload),
                AnswerStatus.REJECTED,
                code=UnavailableError.code,
                reason="The robot's store does not take it.",
            )
        )

    def handle(self, payload: bytes) -> None:
        """Check a command, do it, answer it. What the store raises comes out, and then nothing was done."""
        try:
            command = Command.model_validate_json(payload)
        except ValidationError as error:
            self._refuse_malformed(payload, str(error.errors()[0]["msg"]))
            return
        if command.type == CommandKind.EMERGENCY_STOP:
            self._stop(command)
        elif command.expires_at <= self._now():
            self._refuse(command, AnswerStatus.EXPIRED, "EXPIRED", "It came after its deadline.")
        elif not command.issuer.strip():
            self._refuse(command, AnswerStatus.REJECTED, "FORBIDDEN", "Who asks is not said.")
        else:
            self._do_once(command)

    def follow_up(self) -> None:
        """Answer the commands whose orders the robot has carried out, or failed to."""
        self._write_stops()
        for order_id, command_id in self._database.read(remote.orders).items():
            answer = self._end_of(order_id, command_id)
            if answer is not None:
                self._database.write(SYNC, partial(_finish, answer, order_id))
                self._say(answer)

    def _end_of(self, order_id: str, command_id: str) -> Answer | None:
        order = self._database.read(lambda r: robot.get_command(r, order_id))
        if order.finished_at is None:
            return None
        if order.status is CommandStatus.DONE:
            return self._answer(command_id, AnswerStatus.DONE)
        why = str(order.result.get("reason") or order.status)
        return self._answer(command_id, AnswerStatus.FAILED, code=why)

    def _do_once(self, command: Command) -> None:
        actor = _issuer(command)
        stopped = command.type in _MOVES and self._view.ask_stopped()
        try:
            answers = self._database.write(
                actor, lambda tx: self._in_transaction(tx, command, stopped=stopped)
            )
        except LunaError as error:
            answer = self._answer(
                command.command_id, AnswerStatus.REJECTED, code=error.code, reason=error.message
            )
            self._database.write(actor, partial(_record, command=command, answer=answer))
            answers = [answer]
        for answer in answers:
            self._say(answer)

    def _in_transaction(self, tx: Transaction, command: Command, *, stopped: bool) -> list[Answer]:
        """Remember the command, check that it is possible now, and do it: all of it or nothing."""
        first_time, before = inbox.register_command(tx, _plain(command))
        if not first_time:
            return [self._answer(command.command_id, AnswerStatus.DUPLICATE, first=before)]
        if stopped:
            raise RobotStoppedError("STOPPED")
        if command.type == CommandKind.ENQUEUE_TASK:
            params = order_at_library(command.params, self._zone)
            command = command.model_copy(update={"params": params})
        order_id, result = _do(tx, command)
        accepted = self._answer(command.command_id, AnswerStatus.ACCEPTED, result=result)
        if order_id is not None:
            remote.expect(tx, order_id, command.command_id)
            inbox.answer_command(tx, command.command_id, _plain(accepted))
            return [accepted]
        done = self._answer(command.command_id, AnswerStatus.DONE, result=result)
        inbox.answer_command(tx, command.command_id, _plain(done))
        return [accepted, done]

    def _stop(self, command: Command) -> None:
        """Never refused for being late. To the gate first: the store may be slow, full or broken."""
        before = self._answered(command.command_id)
        if before is not None:
            self._say(self._answer(command.command_id, AnswerStatus.DUPLICATE, first=before))
            return
        answer = self._hurried.pop(command.command_id, None) or self._ask_gate(command)
        self._say(self._answer(command.command_id, AnswerStatus.ACCEPTED))
        self._say(answer)
        if len(self._unwritten) >= MAX_UNWRITTEN:
            del self._unwritten[next(iter(self._unwritten))]
        self._unwritten[command.command_id] = (command, answer)
        self._write_stops()

    def _answered(self, command_id: str) -> dict[str, Any] | None:
        """The first answer to a command; None for one that is new, or where the store cannot say."""
        if command_id in self._unwritten:
            return _plain(self._unwritten[command_id][1])
        try:
            return self._database.read(lambda r: inbox.first_answer(r, command_id))
        except Exception:
            log.exception("whether the stop came before cannot be read")
            return None

    def _write_stops(self) -> None:
        """Write down the stops that were carried out; what fails is tried again at the next call."""
        for command_id, (command, answer) in list(self._unwritten.items()):
            try:
                self._database.write(
                    _issuer(command), partial(_record, command=command, answer=answer)
                )
            except Exception:
                log.exception("a stop could not be written down", command=command_id)
                return
            del self._unwritten[command_id]

    def _ask_gate(self, command: Command) -> Answer:
        reason = str(command.params.get("reason") or "asked for from afar")[:200]
        try:
            receipt = request_stop(
                self._run_dir, source=StopSource.MQTT, who=command.issuer[:64], reason=reason
            )
        except UnavailableError as error:
            log.error("the gate did not confirm a stop", why=error.message)
            return self._answer(
                command.command_id, AnswerStatus.FAILED, code=error.code, reason=str(error)
            )
        result = {"event_id": receipt.event_id, "joined": receipt.joined}
        return self._answer(command.command_id, AnswerStatus.DONE, result=result)

    def _refuse_malformed(self, payload: bytes, why: str) -> None:
        command_id = _id_in(payload)
        self._database.write(
            SYNC, lambda tx: audit.record(tx, "remote.malformed", "command", command_id, why=why)
        )
        self._say(self._answer(command_id, AnswerStatus.REJECTED, code="MALFORMED", reason=why))

    def _refuse(self, command: Command, status: AnswerStatus, code: str, why: str) -> None:
        self._database.write(
            _issuer(command),
            lambda tx: audit.record(
                tx,
                f"remote.{status.lower()}",
                "command",
                command.command_id,
                type=command.type,
                why=why,
            ),
        )
        self._say(self._answer(command.command_id, status, code=code, reason=why))

    def _answer(self, command_id: str, status: AnswerStatus, **said: Any) -> Answer:
        return Answer(command_id=command_id, status=status, at=self._now(), **said)

    def _now(self) -> datetime:
        return self._database.clock.now()


Effect = Callable[[Transaction, Command], tuple[str | None, dict[str, Any]]]
"""Does the command; the id of an order whose end is still to come, and what to tell."""


def _stop_in(payload: bytes) -> Command | None:
    """The emergency stop that a message is, if it is one."""
    try:
        command = Command.model_validate_json(payload)
    except ValidationError:
        return None
    return command if command.type == CommandKind.EMERGENCY_STOP else None


def _do(tx: Transaction, command: Command) -> tuple[str | None, dict[str, Any]]:
    effect = _EFFECTS.get(command.type)
    if effect is None:
        known = command.type in set(CommandKind)
        said = "COMMAND_NOT_OFFERED" if known else "COMMAND_UNKNOWN"
        raise BadParamsError(said, field="type", type=command.type)
    try:
        return effect(tx, command)
    except (KeyError, ValueError) as error:
        raise BadParamsError("COMMAND_PARAMS", field="params", why=error) from error


def _enqueue(tx: Transaction, command: Command) -> tuple[None, dict[str, Any]]:
    params = command.params
    kind = TaskType(params["task_type"])
    if kind not in _TRIPS:
        raise ValueError(f"task_type is one of {', '.join(sorted(_TRIPS))}")
    task = tasks.create_transfer(
        tx,
        task_type=kind,
        source_location=str(params["source_location"]),
        destination_location=str(params["destination_location"]),
        copy_id=params.get("copy_id"),
        description=params.get("description"),
        recipient_id=params.get("recipient_id"),
        priority=Priority(params.get("priority", Priority.NORMAL)),
        not_before=params.get("not_before"),
        deadline=params.get("deadline"),
    )
    return None, {"task_id": task.id}


def _cancel(tx: Transaction, command: Command) -> tuple[None, dict[str, Any]]:
    task = tasks.cancel(tx, str(command.params["task_id"]))
    return None, {"task_id": task.id, "status": task.status.value}


def _set_priority(tx: Transaction, command: Command) -> tuple[None, dict[str, Any]]:
    task = tasks.set_priority(
        tx, str(command.params["task_id"]), Priority(command.params["priority"])
    )
    return None, {"task_id": task.id, "priority": task.priority.value}


def _go_to(tx: Transaction, command: Command) -> tuple[str, dict[str, Any]]:
    place = places.find(tx, str(command.params["waypoint"]), field="waypoint")
    return _order(tx, command, CommandType.GO_TO, {"location": place.location_code or place.id})


def _dock(tx: Transaction, command: Command) -> tuple[str, dict[str, Any]]:
    return _order(tx, command, CommandType.DOCK, {})


def _order(
    tx: Transaction, command: Command, kind: CommandType, params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    if robot.get_state(tx).maintenance:
        raise UnderMaintenanceError("UNDER_MAINTENANCE")
    order = robot.order(tx, kind, params, expires_at=command.expires_at.isoformat())
    return order.id, {"order_id": order.id}


def _pause(tx: Transaction, command: Command) -> tuple[None, dict[str, Any]]:
    robot.pause(tx)
    return None, {}


def _resume(tx: Transaction, command: Command) -> tuple[None, dict[str, Any]]:
    robot.resume(tx)
    return None, {}


_EFFECTS: dict[str, Effect] = {
    CommandKind.ENQUEUE_TASK: _enqueue,
    CommandKind.CANCEL_TASK: _cancel,
    CommandKind.SET_PRIORITY: _set_priority,
    CommandKind.GO_TO_WAYPOINT: _go_to,
    CommandKind.DOCK: _dock,
    CommandKind.PAUSE: _pause,
    CommandKind.RESUME: _resume,
}


def _record(tx: Transaction, command: Command, answer: Answer) -> None:
    inbox.register_command(tx, _plain(command))
    inbox.answer_command(tx, command.command_id, _plain(answer))


def _finish(answer: Answer, order_id: str, tx: Transaction) -> None:
    inbox.answer_command(tx, answer.command_id, _plain(answer))
    remote.answered(tx, order_id)


def _id_in(payload: bytes) -> str:
    """The id in what may be no command; empty where there is none."""
    try:
        return str(orjson.loads(payload)["command_id"])[:64]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _issuer(command: Command) -> Actor:
    return Actor(id=f"mqtt:{command.issuer[:64]}")


def _plain(message: Command | Answer) -> dict[str, Any]:
    return message.model_dump(mode="json", exclude_none=True)
