"""Who may log in at the broker and what they may read and publish there: one table for every kind of broker."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.settings import Settings, read_secret
from sync.wire.topics import ANY, Topics, matches

CENTRAL = "central"
INTEGRATOR = "integrator"


@dataclass(frozen=True, slots=True)
class Account:
    """`reads` and `writes` are topic filters."""

    username: str
    password: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def may_read(self, topic_filter: str) -> bool:
        return any(matches(allowed, topic_filter) for allowed in self.reads)

    def may_publish(self, topic: str) -> bool:
        return any(matches(allowed, topic) for allowed in self.writes)


def robot_username(settings: Settings) -> str:
    return settings.mqtt.username or settings.robot.id


def vda5050_prefix(settings: Settings) -> str:
    """Where this robot's VDA 5050 topics are."""
    robot = settings.robot
    return f"{settings.mqtt.vda5050_interface}/v2/{robot.manufacturer}/{robot.serial_number}"


def load(settings: Settings) -> Mapping[str, Account]:
    """The accounts by name, with their passwords from the secrets. Raises SetupError."""
    passwords = {
        robot_username(settings): read_secret(settings.data_dir, "mqtt-robot"),
        CENTRAL: read_secret(settings.data_dir, "mqtt-central"),
        INTEGRATOR: read_secret(settings.data_dir, "mqtt-integrator"),
    }
    rights = _rights(settings)
    return {name: Account(name, password, *rights[name]) for name, password in passwords.items()}


def _rights(settings: Settings) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    robot = Topics(settings.robot.site, settings.robot.id)
    site = Topics(settings.robot.site, ANY)
    fleet = vda5050_prefix(settings)
    any_fleet = f"{settings.mqtt.vda5050_interface}/v2/{ANY}/{ANY}"
    return {
        robot_username(settings): (
            (
                *(robot.events_up_ack, robot.events_down, robot.commands, robot.snapshot),
                *(f"{fleet}/{name}" for name in ("order", "instantActions")),
            ),
            (
                *(robot.connection, robot.state, robot.events_up, robot.events_down_ack),
                *(robot.commands_ack, robot.snapshot_request),
                *(
                    f"{fleet}/{name}"
                    for name in ("connection", "state", "visualization", "factsheet")
                ),
            ),
        ),
        CENTRAL: (
            (f"luna/v1/{settings.robot.site}/#",),
            (site.events_up_ack, site.events_down, site.commands, site.snapshot),
        ),
        INTEGRATOR: (
            ("#",),
            (Topics(ANY, ANY).commands, f"{any_fleet}/order", f"{any_fleet}/instantActions"),
        ),
    }


def write_private(path: Path, text: str) -> None:
    """Write `text` where only the owner may read it."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
