"""What `/diagnostics` says of the way from a command to the wheels, each line with what to do about it. Pure."""

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from edge import words
from edge.domain.stops import MotionState, StopCause
from firmware_bridge.sockets import GateState
from ros_nodes.navigation.sensor_faults import SensorFault, in_words

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)
LINE = ("link_", "frames_")
"""Beginnings of the gate's counters that tell of the serial line."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the emergency stop node knows. `gate`: None while it is away; `scan_age_s`: None before the
    first; `scan_fault`: why the newest was refused; `localised`: None where nobody has said; `silent`:
    nodes that beat no more."""

    gate: GateState | None
    scan_age_s: float | None
    scan_limit_s: float
    scan_fault: SensorFault | None
    localised: bool | None
    heard: frozenset[str]
    silent: tuple[str, ...]


def statuses(seen: Seen, robot: str) -> DiagnosticArray:
    """All of it; `robot`: its id. The stamp is the caller's to set."""
    found = [_gate(seen.gate), _line(seen.gate), _battery(seen.gate)]
    found += [_laser(seen), _localisation(seen), _nodes(seen)]
    return _array(found, robot)


def sensors(fault: SensorFault | None, robot: str) -> DiagnosticArray:
    """What the navigator knows of the sensors that it finds its place by."""
    if fault is None:
        return _array([_status("sensors", OK, "Scans and odometry are fit to drive by.")], robot)
    return _array([_status("sensors", ERROR, in_words(fault), fault=fault)], robot)


def _array(found: list[DiagnosticStatus], robot: str) -> DiagnosticArray:
    for status in found:
        status.name, status.hardware_id = f"luna: {status.name}", robot
    return DiagnosticArray(status=found)


def _status(name: str, level: bytes, message: str, **values: object) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, values=pairs)


def _gate(gate: GateState | None) -> DiagnosticStatus:
    if gate is None:
        return _status("motion gate", STALE, "The motion gate does not answer; the robot stands.")
    causes = [words.text("cause", one.name) for one in gate.causes]
    others = {name: count for name, count in gate.counters.items() if not name.startswith(LINE)}
    level = OK if gate.state is MotionState.RUNNING else WARN
    event = gate.event_id or ""
    message = " ".join(causes) or "It lets commands through."
    return _status("motion gate", level, message, state=gate.state, event_id=event, **others)


def _line(gate: GateState | None) -> DiagnosticStatus:
    if gate is None:
        return _status("serial line", STALE, "The motion gate does not answer.")
    counted = {name: count for name, count in gate.counters.items() if name.startswith(LINE)}
    if gate.link_fault is None:
        return _status("serial line", OK, "The microcontroller answers.", **counted)
    message = words.text("line", gate.link_fault)
    return _status("serial line", ERROR, message, fault=gate.link_fault, **counted)


def _battery(gate: GateState | None) -> DiagnosticStatus:
    if gate is None or gate.battery is None:
        return _status("battery", STALE, "The microcontroller has not told of it.")
    battery = gate.battery
    low = any(cause.name is StopCause.LOW_VOLTAGE for cause in gate.causes)
    message = "It is empty; charge it." if low else "It is well."
    values = {"fraction": battery.fraction, "voltage_v": battery.voltage}
    return _status("battery", ERROR if low else OK, message, charging=battery.charging, **values)


def _laser(seen: Seen) -> DiagnosticStatus:
    age = seen.scan_age_s
    if seen.scan_fault is not None:
        return _status("laser", ERROR, in_words(seen.scan_fault), fault=seen.scan_fault)
    if age is None or age > seen.scan_limit_s:
        message = "No fresh scan, so the robot stands. Look at the laser's cable and driver."
        return _status("laser", ERROR, message, age_s="never" if age is None else round(age, 2))
    return _status("laser", OK, "Scans are fresh.", age_s=round(age, 2))


def _localisation(seen: Seen) -> DiagnosticStatus:
    if seen.localised is None:
        return _status("localisation", STALE, "Nobody has said whether it knows its place.")
    if not seen.localised:
        message = "The robot does not know where it is. Tell it, or drive it to a known place."
        return _status("localisation", ERROR, message)
    return _status("localisation", OK, "The robot knows where it is.")


def _nodes(seen: Seen) -> DiagnosticStatus:
    if seen.silent:
        message = f"Silent: {', '.join(seen.silent)}. The robot stands until they are back."
        return _status("nodes", ERROR, message)
    return _status("nodes", OK, f"Alive: {', '.join(sorted(seen.heard)) or 'none heard'}.")
