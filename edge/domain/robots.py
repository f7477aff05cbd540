"""What can be asked of the robot besides deliveries, and how it says it is."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RobotStatus(StrEnum):
    IDLE = "IDLE"
    BUSY = "BUSY"
    NAVIGATING = "NAVIGATING"
    CHARGING = "CHARGING"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    MAINTENANCE = "MAINTENANCE"


class CommandType(StrEnum):
    GO_TO = "go_to"
    DOCK = "dock"
    INITIAL_POSE = "initial_pose"
    CANCEL_MOTION = "cancel_motion"


STARTS_MOTION = frozenset({CommandType.GO_TO, CommandType.DOCK})


class CommandStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class RobotCommand:
    """One order to move that is no task. `expires_at`: not begun later than this (RFC 3339, UTC)."""

    id: str
    type: CommandType
    params: dict[str, Any]
    issuer: str
    status: CommandStatus
    issued_at: str
    expires_at: str | None
    finished_at: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastPose:
    """Where the robot was: m and rad in the frame `map`, and what the wheels had counted until then.

    With both, a program that starts again knows how far the robot has rolled meanwhile.
    """

    pose: tuple[float, float, float]
    odometry: tuple[float, float, float]
