"""The robot, its orders and its places. Metres, radians, frame `map`."""

from typing import Any

from pydantic import Field, StrictBool

from api.schemas.base import At, Body, Model, One, Text, Time
from api.schemas.work import Task
from edge.domain.robots import CommandStatus, CommandType, RobotStatus
from edge.domain.waypoints import WaypointKind


class Order(Body):
    """`expires_at`: not begun later than this. The touchscreen always sends it."""

    expires_at: Time | None = None


class GoTo(Order):
    location: Text = Field(description="a waypoint's name or code")


class InitialPose(Order):
    x: float = Field(ge=-10_000, le=10_000, allow_inf_nan=False)
    y: float = Field(ge=-10_000, le=10_000, allow_inf_nan=False)
    theta: float = Field(0.0, ge=-7, le=7, allow_inf_nan=False)


class Maintenance(Body):
    enabled: StrictBool


class Reset(Body):
    event_id: Text


class NewWaypoint(Body):
    name: Text
    location_code: str = Field("", max_length=200, description="needed but for a junction or lift")
    x_coordinate: float = Field(allow_inf_nan=False)
    y_coordinate: float = Field(allow_inf_nan=False)
    z_coordinate: float = Field(0.0, allow_inf_nan=False)
    theta: float = Field(0.0, allow_inf_nan=False)
    kind: WaypointKind
    metadata: dict[str, Any] = Field(default_factory=dict, max_length=50)
    is_active: StrictBool = True


class Waypoint(Model):
    id: str
    name: str
    location_code: str
    x_coordinate: float
    y_coordinate: float
    z_coordinate: float
    theta: float
    kind: WaypointKind
    metadata: dict[str, Any]
    is_active: bool
    version: int


class Lane(Model):
    """From waypoint id `start` to waypoint id `end`, both ways unless `one_way`. `closed` is always;
    `closed_from` and `closed_until` are for a time, which may be open at one end."""

    id: str
    start: str
    end: str
    length_m: float
    width_m: float
    speed_limit_m_s: float
    one_way: bool
    closed: bool
    closed_from: At | None
    closed_until: At | None


class AllLanes(One[list[Lane]]):
    """Those that are there now."""


class NewLane(Body):
    id: Text | None = None
    start: Text
    end: Text
    length_m: float = Field(gt=0, le=10_000, allow_inf_nan=False)
    width_m: float = Field(gt=0, le=100, allow_inf_nan=False)
    speed_limit_m_s: float = Field(gt=0, le=5, allow_inf_nan=False)
    one_way: StrictBool = False
    closed: StrictBool = False
    closed_from: Time | None = None
    closed_until: Time | None = None


class Lanes(Body):
    edges: list[NewLane] = Field(max_length=5000)


class Pose(Model):
    x: float
    y: float
    theta: float
    frame: str


class EmergencyStop(Model):
    """`active` is null while the gate is away: nobody knows, and the robot stands."""

    active: bool | None
    event_id: str | None
    state: str | None = Field(description="RUNNING, HOLD, LATCHED or RESET")
    source: str | None
    reason: str | None
    since: At | None


class Fault(Model):
    code: str
    message: str
    remedy: str
    section: str = Field(description="with `key`: where the words are, for a page in its language")
    key: str


class Robot(Model):
    id: str
    robot_name: str
    status: RobotStatus
    mode: str
    pose: Pose | None
    localised: bool
    current_location: str | None
    battery_level: float | None = Field(description="0 to 1")
    charging: bool
    current_task: Task | None
    queue_length: int
    navigation: dict[str, Any] | None
    emergency_stop: EmergencyStop
    faults: list[Fault]
    last_heartbeat: At | None


class Stopped(Model):
    event_id: str
    stopped: bool
    joined: bool = Field(description="a stop was active already, and this is its id")


class Command(Model):
    id: str
    type: CommandType
    params: dict[str, Any]
    issuer: str
    status: CommandStatus
    issued_at: At
    expires_at: At | None
    finished_at: At | None
    result: dict[str, Any]


class Modes(Model):
    paused: bool
    maintenance: bool


class Map(Model):
    """`origin`: x, y (m) and theta (rad) of the picture's lower left corner; `image`: a data URL."""

    width: int
    height: int
    resolution: float = Field(description="metres a pixel")
    origin: list[float]
    image: str
