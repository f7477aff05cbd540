"""What the robot looks like now, from the ROS side's live socket and the gate: for the state messages of both faces."""

import contextlib
import math
import select
import time
from pathlib import Path
from typing import Any

from edge.domain.robots import RobotStatus
from edge.domain.stops import STANDING_STATES
from edge.live import SOCKET_NAME, LiveClient
from firmware_bridge.sockets import GateState, StateWatcher
from sync.wire.envelope import Battery, EmergencyStop, Pose

RECONNECT_S = 0.5
ANSWER_S = 0.2
"""A gate that says nothing for so long is frozen, and then nothing is to move."""


class RobotView:
    """Nothing here is a fact to keep. `gate` is None while the gate is away."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._live = LiveClient(run_dir / SOCKET_NAME)
        self._watcher = StateWatcher(run_dir)
        self._latest: dict[str, dict[str, Any]] = {}
        self._try_again_at = 0.0
        self._gate_connected = False
        self.gate: GateState | None = None

    def sockets(self) -> list[int]:
        """What is readable when something changed."""
        found = [self._live.fileno()] if self._live.connected else []
        return [*found, self._watcher.fileno()] if self._gate_connected else found

    def read(self) -> bool:
        """Take in what has come. True where somebody said that the store changed."""
        now = time.monotonic()
        if now >= self._try_again_at and not (self._live.connected and self._gate_connected):
            self._try_again_at = now + RECONNECT_S
            self._live.connect()
            self._gate_connected = self._gate_connected or self._watcher.connect()
        self._read_gate()
        hinted = False
        for message in self._live.receive():
            hinted = hinted or message.get("type") == "hint"
            self._latest[str(message.get("type"))] = message
        if not self._live.connected:
            self._latest.clear()
        return hinted

    def hint(self, what: str) -> None:
        """Tell the others that the store changed."""
        self._live.hint(what)

    def close(self) -> None:
        self._live.close()
        self._watcher.close()

    @property
    def stopped(self) -> bool:
        """Whether a person has to act at the robot before it may move again; also where nobody can say."""
        return self.gate is None or self.gate.state in STANDING_STATES

    def ask_stopped(self) -> bool:
        """`stopped`, as the gate says it now: what is decided by this must not be older than a stop.

        Asks by a connection of its own, which the gate greets with its state of that moment.
        """
        watcher = StateWatcher(self._run_dir)
        with contextlib.closing(watcher):
            if not watcher.connect():
                return True
            select.select([watcher.fileno()], [], [], ANSWER_S)
            try:
                state = watcher.receive()
            except (KeyError, TypeError, ValueError):  # it turned us away
                return True
        return state is None or state.state in STANDING_STATES

    @property
    def pose(self) -> Pose | None:
        found = self._latest.get("pose")
        if found is None or not all(_is_number(found.get(name)) for name in ("x", "y", "theta")):
            return None
        return Pose(
            x=found["x"], y=found["y"], theta=found["theta"], frame=str(found.get("frame") or "map")
        )

    @property
    def localised(self) -> bool:
        return self.pose is not None and bool(self._robot.get("localised", True))

    @property
    def velocity(self) -> tuple[float, float]:
        """m/s forward and rad/s, measured by the wheels."""
        odometry = self.gate and self.gate.odometry
        return (odometry.v, odometry.w) if odometry else (0.0, 0.0)

    @property
    def battery(self) -> Battery | None:
        told = self.gate and self.gate.battery
        return (
            Battery(level=min(1.0, max(0.0, told.fraction)), charging=told.charging)
            if told
            else None
        )

    @property
    def status(self) -> RobotStatus:
        if self.gate is not None and self.gate.state in STANDING_STATES:
            return RobotStatus.STOPPED
        told = str(self._robot.get("status"))
        return (
            RobotStatus(told)
            if told in RobotStatus.__members__ and self.gate
            else RobotStatus.ERROR
        )

    @property
    def location(self) -> str | None:
        """The code of the waypoint where it stands, if it stands at one."""
        found = self._robot.get("current_location")
        return None if found is None else str(found)

    @property
    def distance_left_m(self) -> float | None:
        left = self._latest.get("navigation", {}).get("distance_left_m")
        return left if _is_number(left) else None

    @property
    def emergency_stop(self) -> EmergencyStop:
        gate = self.gate
        if gate is None:
            return EmergencyStop(active=None)
        if gate.event_id is None:
            return EmergencyStop(active=gate.state in STANDING_STATES)
        return EmergencyStop(
            active=gate.state in STANDING_STATES,
            event_id=gate.event_id,
            source=gate.source,
            reason=gate.reason,
            since=None if gate.since is None else _rfc3339(gate.since),
        )

    @property
    def faults(self) -> list[str]:
        """What makes it stand, keeps it from charging or from being seen, by names that programs know."""
        found = [str(alarm) for alarm in self._robot.get("alarms", [])]
        found += [] if self._live.connected else ["ROS_SILENT"]
        found += ["LOST"] if self._robot.get("localised") is False else []
        if self.gate is None:
            return [*found, "GATE_SILENT"]
        return sorted({*found, *(cause.name.value for cause in self.gate.causes)})

    @property
    def _robot(self) -> dict[str, Any]:
        return self._latest.get("robot", {})

    def _read_gate(self) -> None:
        if not self._gate_connected:
            return
        state = self._watcher.receive()
        try:
            self._watcher.fileno()
        except OSError:
            self._gate_connected, self.gate = False, None
            return
        self.gate = state or self.gate


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
