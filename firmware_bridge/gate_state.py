"""What the gate tells about itself on state.sock, as values and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from edge.domain.line_faults import LineFault
from edge.domain.stops import MotionState, StopCause, StopSource


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason to stand. `since`: wall time, s since 1970; for people only."""

    name: StopCause
    since: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Dead reckoning of the board: m and rad in its `odom` frame, m/s and rad/s in `base_link`."""

    x: float
    y: float
    theta: float
    v: float
    w: float


@dataclass(frozen=True, slots=True)
class BatteryState:
    """`fraction` 0 to 1, `voltage` in V."""

    fraction: float
    charging: bool
    voltage: float


@dataclass(frozen=True, slots=True)
class GateState:
    """Everything at one moment.

    `event_id`, `source`, `reason`, `who`, `since` (wall time, s) tell of the stop that is latched
    or reset, and are None without one. `link_fault`: why the link is lost. `bumper`, `button`:
    pressed now. What the board never told is None.
    """

    state: MotionState
    event_id: str | None = None
    causes: tuple[Cause, ...] = ()
    source: StopSource | None = None
    reason: str | None = None
    who: str | None = None
    since: float | None = None
    link: str = "lost"
    link_fault: LineFault | None = None
    odometry: Pose | None = None
    battery: BatteryState | None = None
    tray_grams: int | None = None
    bumper: bool = False
    button: bool = False
    counters: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"type": "state", **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, ValueError or TypeError where `data` is no state."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        known["state"] = MotionState(data["state"])
        known["causes"] = tuple(
            Cause(StopCause(one["name"]), one["since"]) for one in data["causes"]
        )
        known["source"] = None if data["source"] is None else StopSource(data["source"])
        fault = data.get("link_fault")
        known["link_fault"] = None if fault is None else LineFault(fault)
        known["odometry"] = None if data["odometry"] is None else Pose(**data["odometry"])
        known["battery"] = None if data["battery"] is None else BatteryState(**data["battery"])
        return cls(**known)
