"""The processes as data: what each is called with, how long it may be silent, what its death means.

Arguments are templates; `luna sim` fills them in. Nothing here imports what it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Death(StrEnum):
    """What it means for the robot when a process dies. Its restart is the same for all."""

    STOPS = "STOPS"
    """The robot stands; the gate and the firmware see to that themselves, before we even know."""
    DEGRADES = "DEGRADES"
    """The robot goes on with its work, and somebody misses something."""
    OUTSIDE = "OUTSIDE"
    """Only the desk's stand-in for something that is elsewhere in real life."""


@dataclass(frozen=True, slots=True)
class Restart:
    """When a dead process is started again: at once the first time, then ever later."""

    backoff_s: float = 0.5
    """Delay before the second restart; doubles with each further one."""
    longest_s: float = 30.0
    steady_after_s: float = 30.0
    """Alive so long, its deaths before are forgotten."""
    attempts_to_start: int = 4
    """Starts without ever getting ready, before `luna sim` gives up."""

    def delay_s(self, deaths: int) -> float:
        """How long to wait after death number `deaths` in a row (1 is the first)."""
        if deaths <= 1:
            return 0.0
        # The exponent is capped because a float is: a thousand deaths must not overflow it.
        return min(self.backoff_s * 2.0 ** min(deaths - 2, 60), self.longest_s)


@dataclass(frozen=True, slots=True)
class Program:
    """One process. `arguments` are templates over the facts of this run; `without` says what is
    amiss while it is away."""

    name: str
    module: str
    arguments: tuple[str, ...]
    death: Death
    without: str
    needs: tuple[str, ...] = ()
    """Which others must be ready before it is started. Few: starting side by side is faster."""
    ends_last: bool = False
    """Ended only when all the others are gone, because they say good-bye through it."""
    start_s: float = 60.0
    """How long it may take to get ready; a cold disk and a busy machine included."""
    silence_s: float | None = 10.0
    """Longest silence of its main loop before it counts as hung; None: it gives no sign of life."""
    tells: bool = False
    """Whether people at the terminal hear what it says of its status."""
    environment: Mapping[str, str] = field(default_factory=dict)
    restart: Restart = Restart()

    def command(self, facts: Mapping[str, str]) -> list[str]:
        """What follows the interpreter on its command line. Raises KeyError for a missing fact."""
        return ["-m", self.module, *(argument.format_map(facts) for argument in self.arguments)]


_DATA = ("--data-dir", "{data_dir}")

GATE = Program(
    "gate",
    "firmware_bridge.gate",
    (
        *_DATA,
        *("--port", "{board}"),
        *("--max-speed", "{max_speed_m_s}"),
        *("--max-turn", "{max_turn_rad_s}"),
        *("--max-acceleration", "{max_acceleration_m_s2}"),
        *("--max-turn-acceleration", "{max_turn_acceleration_rad_s2}"),
        *("--announce", "{announce_s}"),
        *("--holds-to-latch", "{holds_to_latch}"),
    ),
    Death.STOPS,
    "the robot stands",
    ends_last=True,
)
BODY = Program(
    "body",
    "ros_nodes.simulation",
    _DATA,
    Death.STOPS,
    "there is no robot to drive",
    ends_last=True,
    tells=True,
)
ROS = Program("ros", "ros_nodes", _DATA, Death.STOPS, "the robot stands")
API = Program("api", "api", _DATA, Death.DEGRADES, "nobody can order, and the page is away")
SYNC = Program("sync", "sync", _DATA, Death.DEGRADES, "what happens is told to central later")
BROKER = Program(
    "broker",
    "sync.broker",
    _DATA,
    Death.OUTSIDE,
    "the robot works without the network",
    ends_last=True,
    silence_s=None,  # it becomes the broker, which knows nothing of us
)
CENTRAL = Program(
    "central",
    "central",
    (
        *("--data-dir", "{data_dir}/central"),
        *("--port", "{central_port}"),
        *("--mqtt-host", "{mqtt_host}"),
        *("--mqtt-port", "{mqtt_port}"),
        *("--mqtt-username", "central"),
        *("--mqtt-password-file", "{data_dir}/secrets/mqtt-central"),
        *("--site", "{site}"),
        *("--admin-email", "{central_email}"),
        *("--admin-password-file", "{data_dir}/secrets/central-admin"),
    ),
    Death.OUTSIDE,
    "the robot works without it",
    silence_s=None,
)

SIMULATION = (GATE, BODY, ROS, API, BROKER, SYNC, CENTRAL)
"""What `luna sim` starts, the slowest to start first among equals."""
