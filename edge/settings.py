"""All that somebody may want to change, with its unit.

Read once at the start of a process: `LUNA_<SECTION>__<NAME>` in the environment, else `settings.toml` in the
data directory, else the default here. Secrets are files of their own and never stand here.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from edge.domain.errors import SetupError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SETTINGS_FILE = "settings.toml"
PREFIX = "LUNA_"
SEPARATOR = "__"

Values = dict[str, dict[str, Any]]
"""Section → name → value, as somebody wrote it."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Robot(Section):
    """Which robot this is, and what its body can do."""

    id: str = Field("luna-01", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str = "LUNA 01"
    manufacturer: str = Field("LUNA", description="VDA 5050 manufacturer")
    serial_number: str = Field("luna-01", description="VDA 5050 serial number")
    site: str = Field("demo", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    serial_port: str = Field("", description="firmware's serial device; empty: the simulated board")
    radius_m: float = Field(0.19, gt=0, description="radius of the footprint")
    laser_x_m: float = Field(0, ge=-1, le=1, description="laser ahead of the robot's middle")
    laser_y_m: float = Field(0, ge=-1, le=1, description="laser to the left of it")
    laser_yaw_rad: float = Field(
        0, ge=-3.15, le=3.15, description="laser turned to the left; a TurtleBot 4's by 1.5708"
    )
    max_speed_m_s: float = Field(0.5, gt=0, le=1.5, description="never driven faster than this")
    max_turn_rad_s: float = Field(1.5, gt=0, le=4)
    max_acceleration_m_s2: float = Field(0.5, gt=0, le=3)
    max_turn_acceleration_rad_s2: float = Field(3.0, gt=0, le=12)
    tray_slots: int = Field(
        1, ge=1, le=8, description="loads that it can carry at the same time, each in its own slot"
    )
    drive_hours: float = Field(3, gt=0, description="hours of driving on a full battery")
    stand_hours: float = Field(6, gt=0, description="hours of standing on a full battery")
    low_battery: float = Field(
        0.20, gt=0, lt=1, description="charge below which it takes no new task and goes to its dock"
    )
    critical_battery: float = Field(
        0.08, gt=0, lt=1, description="charge below which it goes there at once, unless loaded"
    )
    charged_battery: float = Field(
        0.35, gt=0, le=1, description="charge from which it takes tasks again"
    )
    charge_seen_s: float = Field(
        20, ge=2, description="so long after docking it should charge, else it docks again"
    )
    announce_s: float = Field(
        2, ge=0, le=60, description="says so long that it goes on, after a hold of over 2 s"
    )
    holds_to_latch: int = Field(
        3, ge=0, description="holds of one cause within 10 min that latch; 0: never"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.critical_battery < self.low_battery < self.charged_battery:
            raise ValueError("critical_battery, low_battery and charged_battery must grow")
        return self


class Api(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    tls: bool = Field(
        False, description="HTTPS for all but the robot itself; needs luna tls init first"
    )
    tls_port: int = Field(
        8443, ge=1, le=65535, description="for HTTPS; with it, port is for the robot itself alone"
    )
    access_token_s: int = Field(900, gt=0, description="life of an access token")
    refresh_token_s: int = Field(7 * 86400, gt=0, description="life of a refresh token")
    allowed_origins: str = Field(
        "",
        description="origins of other pages that may use this robot, https://x.example, with spaces between",
    )
    requests_per_s: float = Field(
        50,
        ge=0,
        description="from one address, never counting STOP and the robot's own screen; 0: no limit",
    )
    sign_ins_per_min: float = Field(
        30, ge=0, description="passwords tried from one address; 0: no limit"
    )

    @property
    def plain_host(self) -> str:
        """Where HTTP without TLS is listened to: with HTTPS, no network sees a password."""
        return "127.0.0.1" if self.tls else self.host


class Mqtt(Section):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(1883, ge=1, le=65535)
    username: str = Field(
        "", description="empty: the robot's id; the password is secrets/mqtt-robot"
    )
    keepalive_s: int = Field(10, ge=2)
    vda5050_interface: str = "uagv"


class Ros(Section):
    domain_id: int = Field(
        0, ge=0, le=101, description="102 and above collide with ephemeral ports"
    )
    namespace: str = ""


class Navigator(Section):
    """How the robot finds its way."""

    localisation: Literal["scan", "amcl", "tf"] = Field(
        "scan", description="who says where it is: own scan matching, /amcl_pose, or TF"
    )
    backend: Literal["own", "nav2"] = Field(
        "own", description="who drives: own lanes and control, or Nav2 on this robot"
    )
    laser_frame: str = Field("laser", description="frame of the scans; others are refused")
    laser_tf: bool = Field(
        True, description="tell TF where the laser is; off where a robot_state_publisher does"
    )


class Sim(Section):
    speed: float = Field(1.0, gt=0, le=100, description="simulated seconds a real second, at most")
    seed: int = Field(1, ge=0, description="makes the simulated world reproducible")
    faults: str = Field("", description="script of what goes wrong, and when")
    people: int = Field(0, ge=0, le=50, description="how many walk about in the simulated library")


class Library(Section):
    time_zone: str = Field(
        "UTC", description="IANA name, like Europe/Berlin: of times without a zone, and of the page"
    )

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            raise ValueError(f"{name!r} is no time zone; name one like Europe/Berlin") from None
        return name

    @property
    def zone(self) -> "ZoneInfo":
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.time_zone)


class Requests(Section):
    auto_approve: bool = False


class Tasks(Section):
    """How long the robot waits for people, in seconds of its own clock."""

    load_wait_s: float = Field(600, gt=0)
    handover_wait_s: float = Field(300, gt=0)
    idle_dock_s: float = Field(30, ge=0, description="idle this long, it goes home; 0: at once")
    lease_s: float = Field(
        30, gt=0, description="a claimed task whose runner is silent so long is free"
    )


class Sync(Section):
    batch_events: int = Field(200, gt=0, le=1000)


class Store(Section):
    """Copies of the store, and how long it remembers."""

    backup_every_s: float = Field(
        900, ge=0, description="a copy so often, if anything changed; 0: none"
    )
    backups_kept: int = Field(8, ge=1, description="the newest copies that are kept")
    backup_days_kept: int = Field(7, ge=0, description="and the last copy of each of so many days")
    history_days: float = Field(
        365, gt=0, description="finished tasks, requests and returns are kept"
    )
    notifications_days: float = Field(90, gt=0, description="what people were told is kept")
    audit_days: float = Field(2555, gt=0, description="who did what, and stops, are kept: 7 years")


class Provider(Section):
    """Somebody else who says who people are. Its client secret is `secrets/oidc-NAME`, or in the environment
    `LUNA_OIDC_SECRET_NAME`."""

    kind: Literal["oidc", "github"] = "oidc"
    label: str = Field(min_length=1, max_length=60, description="on the button: Sign in with …")
    issuer: str = Field(description="https://…, as its discovery document says it")
    client_id: str = Field(min_length=1)
    allowed_domains: list[str] = Field([], description="of email addresses; empty: all")
    makes_accounts: bool = Field(True, description="for people who have none here")
    role_claim: str = Field("", description="claim that holds its groups; empty: it has no say")
    librarians: list[str] = Field([], description="groups whose people are librarians here")
    admins: list[str] = Field([], description="groups whose people are admins here")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if not is_safe_url(self.issuer):
            raise ValueError(f"issuer must be https://…, not {self.issuer}")
        return self


class Oidc(Section):
    """Signing in by OpenID Connect or GitHub, beside the password."""

    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s?#]+)?$",
        description="the robot as browsers reach it; its providers have to know it",
    )
    providers: dict[Annotated[str, Field(pattern=r"^[a-z0-9]{1,32}$")], Provider] = {}

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.providers and not self.public_url:
            raise ValueError("public_url must say where browsers reach this robot")
        return self


def is_safe_url(url: str) -> bool:
    """Whether what is sent there cannot be read on the way: HTTPS, or this machine itself."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https"
        or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))
    )


class Settings(Section):
    data_dir: Path
    robot: Robot = Robot()
    api: Api = Api()
    mqtt: Mqtt = Mqtt()
    ros: Ros = Ros()
    navigator: Navigator = Navigator()
    sim: Sim = Sim()
    library: Library = Library()
    requests: Requests = Requests()
    tasks: Tasks = Tasks()
    sync: Sync = Sync()
    store: Store = Store()
    oidc: Oidc = Oidc()

    @property
    def run_dir(self) -> Path:
        """Sockets of the running processes."""
        return self.data_dir / "run"

    @property
    def store_path(self) -> Path:
        return self.data_dir / "luna.db"

    @property
    def backups_dir(self) -> Path:
        return self.data_dir / "backups"

    @property
    def map_path(self) -> Path:
        return self.data_dir / "map" / "map.yaml"


def load(data_dir: Path) -> Settings:
    """The settings of the robot whose data are in `data_dir`. Raises SetupError that lists all that is wrong."""
    data_dir = data_dir.absolute()
    values = from_file(data_dir)
    for section, names in from_environment(os.environ).items():
        values[section] = {**values.get(section, {}), **names}
    try:
        return Settings.model_validate({**values, "data_dir": data_dir})
    except ValidationError as error:
        said = "; ".join(_in_words(one) for one in error.errors())
        raise SetupError(f"The settings are wrong: {said}.", hint=_WHERE) from error


# pydantic-settings would do these two; it costs 5 MB in each of six processes on a small computer.


def from_file(data_dir: Path) -> Values:
    """What people wrote into `settings.toml`. Raises SetupError where that is not TOML."""
    path = data_dir / SETTINGS_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} cannot be read: {error}.", hint=_WHERE) from error


def from_environment(environment: Mapping[str, str]) -> Values:
    """What `LUNA_<SECTION>__<NAME>` say, in upper or lower case."""
    values: Values = {}
    for variable, value in environment.items():
        section, separator, name = variable.upper().removeprefix(PREFIX).partition(SEPARATOR)
        if separator and variable.upper().startswith(PREFIX):
            values.setdefault(section.lower(), {})[name.lower()] = value
    return values


_WHERE = f"Mend {SETTINGS_FILE} in the data directory, or the LUNA_… variable in the environment."


def _in_words(error: Any) -> str:
    unknown = error["type"] == "extra_forbidden"
    said = "there is no such setting" if unknown else error["msg"].removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in error['loc'])}: {said}"


def read_secret(data_dir: Path, name: str) -> str:
    """A secret of `data_dir`. Raises SetupError where it is missing."""
    path = data_dir / "secrets" / name
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SetupError(
            f"The secret {path} cannot be read.", hint="Run luna sim, or set the robot up."
        ) from error
