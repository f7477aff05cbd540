"""The messages of LUNA sync. Schemas and the AsyncAPI document are made from these classes: sync.wire.schemas.

Unknown fields are kept and passed on, so that a newer other side is understood as far as possible.
"""

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

EVENT_SCHEMA = 1
"""Version of the records in `Event.data`."""
MAX_BATCH_EVENTS = 1000
"""More in one batch is refused: a batch is one transaction at the other side."""


class Message(BaseModel):
    model_config = ConfigDict(
        extra="allow", frozen=True, validate_by_name=True, serialize_by_alias=True
    )

    def to_json(self) -> bytes:
        return self.model_dump_json().encode()


class LinkState(StrEnum):
    """OFFLINE: said goodbye. CONNECTION_BROKEN: the broker says it for a robot that vanished."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    CONNECTION_BROKEN = "CONNECTION_BROKEN"


class Position(Message):
    """How far a stream is committed at whoever says it."""

    stream: str
    through: int = Field(ge=0)


class Connection(Message):
    """Retained; also the robot's last will. `up` is what central confirmed, `down` what the robot committed."""

    state: LinkState
    at: AwareDatetime
    session: str = Field(description="id of this run of the robot's sync process")
    software: str = ""
    up: Position | None = None
    down: Position | None = None


class Pose(Message):
    x: float
    y: float
    theta: float = Field(description="radians, counter-clockwise from the x axis")
    frame: str = "map"


class Battery(Message):
    level: float = Field(ge=0, le=1)
    charging: bool


class EmergencyStop(Message):
    active: bool | None = Field(None, description="null: the gate is away, so nobody knows")
    event_id: str | None = None
    source: str | None = None
    reason: str | None = None
    since: str | None = None


class State(Message):
    """A small summary, retained; on change and every 5 s, at most 2 a second."""

    at: AwareDatetime
    robot_id: str
    status: str
    paused: bool = False
    pose: Pose | None = None
    battery: Battery | None = None
    current_location: str | None = None
    task_id: str | None = None
    queue_length: int = 0
    emergency_stop: EmergencyStop | None = None
    faults: list[str] = Field(default_factory=list)


class Event(Message):
    """One change, told by the side that made it. `seq` counts up by one within `stream`, without gaps."""

    stream: str
    seq: int = Field(ge=1)
    id: str = Field(description="UUIDv7")
    type: str
    entity: str
    entity_id: str
    hlc: str = Field(
        description="stamp of the writer's hybrid logical clock", pattern=r"^\d{13,}-\d{6,}$"
    )
    origin: str = Field(description="the robot's id, or `central`")
    actor: str
    schema_version: int = Field(EVENT_SCHEMA, alias="schema", ge=1)
    data: dict[str, Any] = Field(default_factory=dict)


class Batch(Message):
    """Events of one stream in the order of `seq`. As raw objects: one that is wrong must not spoil the others."""

    batch_id: str
    events: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_BATCH_EVENTS)

    @property
    def stream(self) -> str:
        return str(self.events[0].get("stream", ""))


class Rejected(Message):
    """An event that could not be applied; it is parked and never blocks those behind it."""

    seq: int
    id: str = ""
    reason: str


class Ack(Message):
    """Everything of `stream` up to `through` is committed at the sender of this. Retained."""

    stream: str
    through: int = Field(ge=0)
    rejected: list[Rejected] = Field(default_factory=list)


class CommandKind(StrEnum):
    ENQUEUE_TASK = "enqueue_task"
    CANCEL_TASK = "cancel_task"
    SET_PRIORITY = "set_priority"
    GO_TO_WAYPOINT = "go_to_waypoint"
    DOCK = "dock"
    PAUSE = "pause"
    RESUME = "resume"
    EMERGENCY_STOP = "emergency_stop"
    REQUEST_SNAPSHOT = "request_snapshot"
    SET_CONFIG = "set_config"


class Command(Message):
    """`type` is text, so that a type of tomorrow gets an answer and not silence."""

    command_id: str = Field(min_length=1, max_length=64)
    type: str
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    issuer: str
    params: dict[str, Any] = Field(default_factory=dict)
    signature: str | None = None


class AnswerStatus(StrEnum):
    ACCEPTED = "ACCEPTED"
    DONE = "DONE"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    DUPLICATE = "DUPLICATE"


class Answer(Message):
    """`first` is the answer that a repeated command got the first time."""

    command_id: str
    status: AnswerStatus
    at: AwareDatetime
    code: str | None = None
    reason: str | None = None
    result: dict[str, Any] = Field(default_factory=dict)
    first: dict[str, Any] | None = None
