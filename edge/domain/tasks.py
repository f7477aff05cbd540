"""A task is one load that the robot brings from place to place. Its phase, `status` and `step` together, is one state
machine.

Physical facts (loaded, handed over) are events like any other, and the table says when they can be true.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edge.domain.transitions import follow


class TaskType(StrEnum):
    STUDENT_DELIVERY = "STUDENT_DELIVERY"
    RETURN_PICKUP = "RETURN_PICKUP"
    INTER_STAFF = "INTER_STAFF"
    WORKSTATION = "WORKSTATION"
    TRANSFER = "TRANSFER"


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class TaskStep(StrEnum):
    TO_SOURCE = "TO_SOURCE"
    WAITING_FOR_LOAD = "WAITING_FOR_LOAD"
    TO_DESTINATION = "TO_DESTINATION"
    WAITING_FOR_HANDOVER = "WAITING_FOR_HANDOVER"
    RETURNING_LOAD = "RETURNING_LOAD"


class Priority(StrEnum):
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


PRIORITY_RANK = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2, Priority.URGENT: 3}


class TaskEvent(StrEnum):
    QUEUE = "queue"
    ASSIGN = "assign"
    START = "start"
    ARRIVE = "arrive"
    LOAD = "load"
    HAND_OVER = "hand_over"
    GIVE_UP_WAITING = "give_up_waiting"
    RELEASE = "release"
    """The robot gives the task back to the queue: nothing is on board yet."""
    FAIL = "fail"
    CANCEL = "cancel"


class Phase(StrEnum):
    """`status` and `step` as one state: the step's name while in progress, else the status'."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    ASSIGNED = "ASSIGNED"
    TO_SOURCE = "TO_SOURCE"
    WAITING_FOR_LOAD = "WAITING_FOR_LOAD"
    TO_DESTINATION = "TO_DESTINATION"
    WAITING_FOR_HANDOVER = "WAITING_FOR_HANDOVER"
    RETURNING_LOAD = "RETURNING_LOAD"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def status(self) -> TaskStatus:
        return _STATUS.get(self.value, TaskStatus.IN_PROGRESS)

    @property
    def step(self) -> TaskStep | None:
        return _STEP.get(self.value)


_STATUS = {status.value: status for status in TaskStatus}
_STEP = {step.value: step for step in TaskStep}

TABLE: dict[Phase, dict[TaskEvent, Phase]] = {
    Phase.PENDING: {
        TaskEvent.QUEUE: Phase.QUEUED,
        TaskEvent.CANCEL: Phase.CANCELLED,
    },
    Phase.QUEUED: {
        TaskEvent.ASSIGN: Phase.ASSIGNED,
        TaskEvent.FAIL: Phase.FAILED,
        TaskEvent.CANCEL: Phase.CANCELLED,
    },
    Phase.ASSIGNED: {
        TaskEvent.START: Phase.TO_SOURCE,
        TaskEvent.RELEASE: Phase.QUEUED,
        TaskEvent.FAIL: Phase.FAILED,
        TaskEvent.CANCEL: Phase.CANCELLED,
    },
    Phase.TO_SOURCE: {
        TaskEvent.ARRIVE: Phase.WAITING_FOR_LOAD,
        TaskEvent.RELEASE: Phase.QUEUED,
        TaskEvent.FAIL: Phase.FAILED,
        TaskEvent.CANCEL: Phase.CANCELLED,
    },
    Phase.WAITING_FOR_LOAD: {
        TaskEvent.LOAD: Phase.TO_DESTINATION,
        TaskEvent.RELEASE: Phase.QUEUED,
        TaskEvent.GIVE_UP_WAITING: Phase.FAILED,
        TaskEvent.FAIL: Phase.FAILED,
        TaskEvent.CANCEL: Phase.CANCELLED,
    },
    # From here on a load is on board: whatever goes wrong, it is brought back first.
    Phase.TO_DESTINATION: {
        TaskEvent.ARRIVE: Phase.WAITING_FOR_HANDOVER,
        TaskEvent.FAIL: Phase.RETURNING_LOAD,
        TaskEvent.CANCEL: Phase.RETURNING_LOAD,
    },
    Phase.WAITING_FOR_HANDOVER: {
        TaskEvent.HAND_OVER: Phase.COMPLETED,
        TaskEvent.GIVE_UP_WAITING: Phase.RETURNING_LOAD,
        TaskEvent.FAIL: Phase.RETURNING_LOAD,
        TaskEvent.CANCEL: Phase.RETURNING_LOAD,
    },
    Phase.RETURNING_LOAD: {
        TaskEvent.ARRIVE: Phase.CANCELLED,
        TaskEvent.FAIL: Phase.FAILED,
    },
    Phase.COMPLETED: {},
    Phase.FAILED: {},
    Phase.CANCELLED: {},
}


def next_phase(phase: Phase, event: TaskEvent) -> Phase:
    """The phase after `event`. Raises InvalidTransitionError."""
    return follow(TABLE, phase, event)


FINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})
DRIVING = frozenset({Phase.TO_SOURCE, Phase.TO_DESTINATION, Phase.RETURNING_LOAD})
LOADED = frozenset({Phase.TO_DESTINATION, Phase.WAITING_FOR_HANDOVER, Phase.RETURNING_LOAD})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    at: str
    event: str
    status: TaskStatus
    step: TaskStep | None
    actor: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """`failure` is a failure code, see edge.domain.failures. Times are RFC 3339, UTC. `slot`: which of the tray's it
    has, counted from 1, while a robot with more than one has it in hand. `eta` and `queue_place`, counted
    from 1, are told where the queue is asked for them, and not kept."""

    id: str
    request_id: str | None
    return_id: str | None
    task_type: TaskType
    priority: Priority
    phase: Phase
    assigned_robot_id: str | None
    source_location: str
    destination_location: str
    copy_id: str | None
    recipient_id: str | None
    description: str | None
    not_before: str | None
    deadline: str | None
    attempts: int
    eta: str | None
    phase_since: str
    lease_until: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None
    failure: str | None
    slot: int | None = None
    queue_place: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    history: tuple[HistoryEntry, ...] = ()

    @property
    def status(self) -> TaskStatus:
        return self.phase.status

    @property
    def step(self) -> TaskStep | None:
        return self.phase.step

    @property
    def goal(self) -> str | None:
        """The code of the waypoint that the robot should be driving to in this phase, if any."""
        match self.phase:
            case Phase.TO_SOURCE:
                return self.source_location
            case Phase.TO_DESTINATION:
                return self.destination_location
            case Phase.RETURNING_LOAD:
                return self.load_home
            case _:
                return None

    @property
    def load_home(self) -> str:
        """Where a load goes that could not be handed over: to the staff, where one is given back."""
        if self.task_type is TaskType.RETURN_PICKUP:
            return self.destination_location
        return self.source_location
