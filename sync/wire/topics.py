"""The topics of LUNA sync, under `luna/v1/{site}/{robot}/`."""

from dataclasses import dataclass

ROOT = "luna/v1"
ANY = "+"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one robot; with `robot` as ANY, filters for all robots of a site."""

    site: str
    robot: str

    @property
    def connection(self) -> str:
        return self._of("connection")

    @property
    def state(self) -> str:
        return self._of("state")

    @property
    def events_up(self) -> str:
        return self._of("events/up")

    @property
    def events_up_ack(self) -> str:
        return self._of("events/up/ack")

    @property
    def events_down(self) -> str:
        return self._of("events/down")

    @property
    def events_down_ack(self) -> str:
        return self._of("events/down/ack")

    @property
    def commands(self) -> str:
        return self._of("commands")

    @property
    def commands_ack(self) -> str:
        return self._of("commands/ack")

    @property
    def snapshot_request(self) -> str:
        return self._of("snapshot/request")

    @property
    def snapshot(self) -> str:
        return self._of("snapshot")

    def _of(self, name: str) -> str:
        return f"{ROOT}/{self.site}/{self.robot}/{name}"


def parse(topic: str) -> tuple[Topics, str] | None:
    """Whose topic it is, and its name under that robot (`events/up`); None where it is none of ours."""
    root, version, site, robot, *name = [*topic.split("/"), "", "", ""]
    if f"{root}/{version}" != ROOT or not site or not robot:
        return None
    return Topics(site, robot), "/".join(name).rstrip("/")


def matches(topic_filter: str, topic: str) -> bool:
    """Whether `topic` falls under `topic_filter`. With a filter as `topic`: whether it is wholly covered."""
    wanted, found = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(found) or found[place] == "#" or level not in (ANY, found[place]):
            return False
    return len(wanted) == len(found)
