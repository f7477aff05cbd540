"""How the robot is, in one record: what the gate says, what ros says, and what the store says."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from api.languages import LANGUAGE
from api.live import Live
from edge import words
from edge.domain.failures import Failure
from edge.domain.power import Alarm
from edge.domain.robots import RobotStatus
from edge.domain.stops import STANDING_STATES, MotionState, StopCause
from edge.domain.tasks import Task
from edge.domain.times import format_time
from edge.services import alarms, records, robot, tasks
from edge.settings import Settings
from edge.store.database import Reader
from firmware_bridge.sockets import GateState


@dataclass(frozen=True, slots=True)
class Work:
    """What the store says of the robot's work."""

    paused: bool
    maintenance: bool
    active: Task | None
    queue: tuple[Task, ...]
    alarms: tuple[Alarm, ...] = ()

    @classmethod
    def read(cls, reader: Reader, robot_id: str) -> "Work":
        state = robot.get_state(reader)
        return cls(
            state.paused,
            state.maintenance,
            tasks.active(reader, robot_id),
            tuple(tasks.queue(reader)),
            tuple(alarms.raised(reader)),
        )


def robot_record(settings: Settings, live: Live, work: Work) -> dict[str, Any]:
    """The `robot` of the contract."""
    said = live.latest("robot")
    gate = live.gate
    battery = gate.battery if gate else None
    leads = (one for one in work.queue if one.id == said.get("task_id"))
    current = next(leads, work.active)
    return {
        "id": settings.robot.id,
        "robot_name": settings.robot.name,
        "status": _status(live, gate, work),
        "mode": _mode(gate, work),
        "pose": _pose(live.latest("pose")),
        "localised": said.get("localised", False),
        "current_location": said.get("current_location"),
        "battery_level": battery.fraction if battery else said.get("battery_level"),
        "charging": battery.charging if battery else bool(said.get("charging", False)),
        "current_task": task_record(current) if current else None,
        "queue_length": sum(current is None or one.id != current.id for one in work.queue),
        "navigation": _navigation(live.latest("navigation")),
        "emergency_stop": stop_record(gate),
        "faults": _faults(live, gate, work),
        "last_heartbeat": _heartbeat(live),
    }


def task_record(task: Task) -> dict[str, Any]:
    """A task without its history, as lists have it."""
    record = records.record(task)
    record.pop("history", None)
    return record


def stop_record(gate: GateState | None) -> dict[str, Any]:
    """`active` is None where nobody knows: the gate is away."""
    if gate is None:
        return {
            "active": None,
            "event_id": None,
            "state": None,
            "source": None,
            "reason": None,
            "since": None,
        }
    return {
        "active": gate.state is MotionState.LATCHED,
        "event_id": gate.event_id,
        "state": gate.state,
        "source": gate.source,
        "reason": gate.reason,
        "since": None
        if gate.since is None
        else format_time(datetime.fromtimestamp(gate.since, UTC)),
    }


def _status(live: Live, gate: GateState | None, work: Work) -> RobotStatus:
    if gate is not None and gate.state in STANDING_STATES:
        return RobotStatus.STOPPED
    if work.maintenance:
        return RobotStatus.MAINTENANCE
    if gate is None or not live.ros_is_fresh:
        return RobotStatus.ERROR
    if is_driving(live):
        return RobotStatus.NAVIGATING
    said = str(live.latest("robot").get("status", RobotStatus.ERROR))
    return RobotStatus(said) if said in RobotStatus.__members__ else RobotStatus.ERROR


def _navigation(said: dict[str, Any]) -> dict[str, Any] | None:
    """What ros says of its drive; of one that failed with plain words, and what a person can do."""
    reason = str(said.get("reason", ""))
    if reason not in Failure.__members__:
        return said or None
    message, remedy = words.texts("failure", reason, LANGUAGE.get())
    return {**said, "message": message, "remedy": remedy}


def is_driving(live: Live) -> bool:
    return live.ros_is_fresh and live.latest("navigation").get("state", "IDLE") != "IDLE"


def _mode(gate: GateState | None, work: Work) -> str:
    if gate is not None and gate.state in STANDING_STATES:
        return "STOPPED"
    if work.maintenance:
        return "MAINTENANCE"
    return "PAUSED" if work.paused else "AUTOMATIC"


def _pose(said: dict[str, Any]) -> dict[str, Any] | None:
    return {name: said.get(name) for name in ("x", "y", "theta", "frame")} if said else None


def _faults(live: Live, gate: GateState | None, work: Work) -> list[dict[str, str]]:
    """What keeps the robot from moving or from charging, each with what ends it."""
    return _standing(live, gate) + [_fault(one, "alarm") for one in work.alarms]


def _standing(live: Live, gate: GateState | None) -> list[dict[str, str]]:
    if gate is None:
        return [_fault("GATE_AWAY", "fault")]
    found = [_cause(cause.name, gate) for cause in gate.causes]
    if not live.ros_is_fresh:
        found.append(_fault("ROS_AWAY", "fault"))
    elif live.latest("robot").get("localised") is False:
        found.append(_fault(Failure.LOST, "failure"))
    return found


def _cause(cause: StopCause, gate: GateState) -> dict[str, str]:
    """What is wrong and what ends it; of a lost link as exactly as the gate knows."""
    if cause is StopCause.LINK_LOST and gate.link_fault is not None:
        return _fault(cause, "line", gate.link_fault)
    return _fault(cause, "cause")


def _fault(code: str, section: str, key: str = "") -> dict[str, str]:
    """`section` and `key`: where the words are, for a page of another language."""
    *_, message, remedy = words.texts(section, key or code, LANGUAGE.get())
    said = {"code": code, "message": message, "remedy": remedy}
    return {**said, "section": section, "key": key or code}


def _heartbeat(live: Live) -> str | None:
    age_s = live.ros_age_s
    if age_s == float("inf"):
        return None
    return format_time(datetime.fromtimestamp(datetime.now(UTC).timestamp() - age_s, UTC))
