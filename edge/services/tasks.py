"""The queue of trips, and the one place where a trip goes on: `apply`."""

from dataclasses import replace
from typing import Any

from edge.domain.consequences import consequence
from edge.domain.errors import (
    BookNotAvailableError,
    ConflictError,
    NotFoundError,
)
from edge.domain.failures import Failure
from edge.domain.inventory import CopyStatus
from edge.domain.queue_order import could_run_since, turn
from edge.domain.tasks import (
    FINAL,
    Phase,
    Priority,
    Task,
    TaskEvent,
    TaskStatus,
    TaskType,
    next_phase,
)
from edge.domain.times import normal_time
from edge.services import audit, catalogue, outbox, places
from edge.services.aftermath import follow_up
from edge.services.records import record
from edge.services.robot import get_state
from edge.store.database import Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.tasks import Tasks

_TIMEOUTS = {
    Phase.WAITING_FOR_LOAD: Failure.LOAD_TIMEOUT,
    Phase.WAITING_FOR_HANDOVER: Failure.HANDOVER_TIMEOUT,
}


def create_transfer(
    tx: Transaction,
    *,
    task_type: TaskType,
    source_location: str,
    destination_location: str,
    copy_id: str | None = None,
    description: str | None = None,
    recipient_id: str | None = None,
    priority: Priority = Priority.NORMAL,
    not_before: str | None = None,
    deadline: str | None = None,
    metadata: dict[str, Any] | None = None,
    task_id: str | None = None,
) -> Task:
    """A trip that staff ask for; in the queue at once. `task_id` makes asking twice the same as once.

    Raises UnknownWaypointError, BookNotAvailableError, ValidationError, NotFoundError.
    """
    before = Tasks(tx).get(task_id) if task_id else None
    if before is not None:
        return before
    tx.need_room()
    source = places.find_destination(tx, source_location, field="source_location")
    destination = places.find_destination(tx, destination_location, field="destination_location")
    if copy_id is not None:
        reserve(tx, copy_id)
    return plan(
        tx,
        queued=True,
        task_id=task_id,
        task_type=task_type,
        source_location=source.location_code,
        destination_location=destination.location_code,
        copy_id=copy_id,
        description=description,
        recipient_id=recipient_id,
        priority=priority,
        not_before=not_before,
        deadline=deadline,
        metadata=metadata,
    )


def plan(
    tx: Transaction,
    *,
    queued: bool,
    task_type: TaskType,
    source_location: str,
    destination_location: str,
    task_id: str | None = None,
    request_id: str | None = None,
    return_id: str | None = None,
    copy_id: str | None = None,
    recipient_id: str | None = None,
    description: str | None = None,
    priority: Priority = Priority.NORMAL,
    not_before: str | None = None,
    deadline: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> Task:
    """A new task, PENDING, or in the queue at once. The places are codes of waypoints."""
    task = Task(
        id=task_id or new_id(),
        request_id=request_id,
        return_id=return_id,
        task_type=task_type,
        priority=priority,
        phase=next_phase(Phase.PENDING, TaskEvent.QUEUE) if queued else Phase.PENDING,
        assigned_robot_id=None,
        source_location=source_location,
        destination_location=destination_location,
        copy_id=copy_id,
        recipient_id=recipient_id,
        description=description,
        not_before=not_before and normal_time(not_before, field="not_before"),
        deadline=deadline and normal_time(deadline, field="deadline"),
        attempts=0,
        eta=None,
        phase_since=tx.now,
        lease_until=None,
        created_at=tx.now,
        started_at=None,
        completed_at=None,
        failure=None,
        metadata=metadata or {},
    )
    Tasks(tx).add(task)
    Tasks(tx).note(task, "create", None)
    audit.record(tx, "task.create", "task", task.id, type=task_type)
    outbox.emit(tx, "task.created", "task", task.id, _public(task))
    if queued:
        follow_up(tx, task, consequence(task_type, Phase.PENDING, TaskEvent.QUEUE))
    return task


def reserve(tx: Transaction, copy_id: str) -> None:
    """Keep this copy for a trip. Raises NotFoundError, BookNotAvailableError."""
    copy = catalogue.get_copy(tx, copy_id)
    if copy.status is not CopyStatus.AVAILABLE:
        raise BookNotAvailableError(copy.book_id, copy.status)
    catalogue.move_copy(tx, copy, replace(copy, status=CopyStatus.RESERVED))


def claimable(tx: Transaction, robot_id: str, some: int) -> list[Task]:
    """Up to `some` tasks that this robot could begin now, in their turn; what another has left behind is among them."""
    state = get_state(tx)
    if state.paused or state.maintenance:
        return []
    _free_abandoned(tx, robot_id)
    return sorted(Tasks(tx).ready(some), key=lambda task: turn(task, tx.now))[:some]


def assign(
    tx: Transaction, task: Task, *, robot_id: str, lease_s: float, slot: int | None = None
) -> Task:
    """The task is this robot's for `lease_s` unless renewed."""
    return _advance(
        tx,
        task,
        TaskEvent.ASSIGN,
        assigned_robot_id=robot_id,
        lease_until=tx.later(lease_s),
        slot=slot,
    )


def renew(tx: Transaction, task_id: str, *, robot_id: str, lease_s: float) -> None:
    """Raises ConflictError where the task is this robot's no longer."""
    if not Tasks(tx).renew_lease(task_id, robot_id, tx.later(lease_s)):
        raise ConflictError("TASK_OF_ANOTHER", task_id=task_id)


def apply(
    tx: Transaction,
    task_id: str,
    event: TaskEvent,
    *,
    note: str | None = None,
    failure: Failure | str | None = None,
) -> Task:
    """Let `event` happen to the task, with all that follows from it for request, copy and people.

    Raises NotFoundError, InvalidTransitionError.
    """
    task = _get(tx, task_id)
    code = failure or (_TIMEOUTS.get(task.phase) if event is TaskEvent.GIVE_UP_WAITING else None)
    changes = {} if code is None else {"failure": str(code)}
    return _advance(tx, task, event, note=note, **changes)


def load_placed(tx: Transaction, task_id: str) -> Task:
    """The load is on the robot. Saying it twice is no harm."""
    task = _get(tx, task_id)
    return task if task.phase is Phase.TO_DESTINATION else apply(tx, task_id, TaskEvent.LOAD)


def hand_over(tx: Transaction, task_id: str) -> Task:
    """Whoever was to get the load has it. Raises InvalidTransitionError where the robot is not there yet."""
    return apply(tx, task_id, TaskEvent.HAND_OVER)


def cancel(tx: Transaction, task_id: str, *, note: str | None = None) -> Task:
    """A load that is on board is brought back first."""
    return apply(tx, task_id, TaskEvent.CANCEL, note=note)


def set_priority(tx: Transaction, task_id: str, priority: Priority) -> Task:
    """Raises ConflictError where the task is over."""
    task = _get(tx, task_id)
    if task.phase in FINAL:
        raise ConflictError("TASK_OVER")
    if task.priority is priority:
        return task
    return _change(tx, task, "set_priority", priority, priority=priority)


def get(reader: Reader, task_id: str, *, history: bool = True) -> Task:
    """Raises NotFoundError."""
    task = _get(reader, task_id)
    return replace(task, history=Tasks(reader).history(task_id)) if history else task


def list_tasks(
    reader: Reader,
    *,
    status: TaskStatus | None = None,
    task_type: TaskType | None = None,
    robot_id: str | None = None,
    since: str | None = None,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "asc",
) -> Page[Task]:
    """`since`: made then or later."""
    check_page(page, limit)
    return Tasks(reader).page(
        status,
        task_type,
        robot_id,
        since and normal_time(since, field="since"),
        page=page,
        limit=limit,
        sort=sort,
        order=order,
    )


def active(reader: Reader, robot_id: str) -> Task | None:
    """What this robot has in hand, or began first of it."""
    return next(iter(in_hand(reader, robot_id)), None)


def in_hand(reader: Reader, robot_id: str) -> list[Task]:
    """All that this robot has claimed and not ended, the first begun first."""
    return Tasks(reader).in_hand(robot_id)


def queue(reader: Reader) -> list[Task]:
    """In the order in which they will run: what is in hand, what may begin, what has to wait until later."""
    now = reader.now
    waiting = Tasks(reader).waiting()
    waiting.sort(key=lambda task: (max(could_run_since(task), now), *turn(task, now)))
    return [*Tasks(reader).in_hand(), *waiting]


def _advance(
    tx: Transaction, task: Task, event: TaskEvent, *, note: str | None = None, **changes: Any
) -> Task:
    phase = next_phase(task.phase, event)
    changes |= {"phase": phase, "phase_since": tx.now}
    if event is TaskEvent.ASSIGN:
        changes["attempts"] = task.attempts + 1
    if event is TaskEvent.START and task.started_at is None:
        changes["started_at"] = tx.now
    if event is TaskEvent.RELEASE:
        changes |= {"assigned_robot_id": None, "lease_until": None, "slot": None}
    if phase in FINAL:
        changes |= {"completed_at": tx.now, "lease_until": None, "slot": None}
    changed = _change(tx, task, event, note, **changes)
    follow_up(tx, changed, consequence(task.task_type, task.phase, event))
    return changed


def _change(tx: Transaction, task: Task, event: str, note: str | None, **changes: Any) -> Task:
    changed = replace(task, **changes)
    Tasks(tx).change(task.id, **changes)
    Tasks(tx).note(changed, event, note)
    audit.record(tx, f"task.{event}", "task", task.id, phase=changed.phase)
    outbox.emit(tx, "task.changed", "task", task.id, _public(changed))
    return changed


def _free_abandoned(tx: Transaction, robot_id: str) -> None:
    """Give back what another robot claimed and does not answer for, unless the load is on its tray."""
    for task_id in Tasks(tx).abandoned(robot_id):
        apply(tx, task_id, TaskEvent.RELEASE, note="its robot no longer answers")


def _get(reader: Reader, task_id: str) -> Task:
    task = Tasks(reader).get(task_id)
    if task is None:
        raise NotFoundError("NO_SUCH_TASK")
    return task


def _public(task: Task) -> dict[str, Any]:
    data = record(task)
    del data["history"]
    return data
