"""Whether the robot can do its job, part by part, each with a reason."""

import shutil
from enum import StrEnum
from typing import NamedTuple

from api.context import Context
from edge import words
from edge.services import links, robot

DISK_LOW_BYTES = 500_000_000
DISK_FULL_BYTES = 50_000_000
"""Below this a commit or the log may fail at any moment."""


class Health(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Part(NamedTuple):
    status: Health
    reason: str = ""


WORTH = {Health.OK: 1.0, Health.DEGRADED: 0.5, Health.DOWN: 0.0}


def parts(context: Context) -> dict[str, Part]:
    """Every part by its name. Only DOWN keeps the robot from its job."""
    store = _store(context)
    found = {
        "store": store,
        "ros": _ros(context),
        "firmware": _firmware(context),
        "mqtt": _mqtt(context) if store.status is Health.OK else Part(Health.DEGRADED, "Unknown."),
        "disk": _disk(context),
        "tls": _tls(context),
    }
    for name, part in found.items():
        context.metrics.part.labels(name).set(WORTH[part.status])
    return found


def is_ready(found: dict[str, Part]) -> bool:
    return all(part.status is not Health.DOWN for part in found.values())


def _store(context: Context) -> Part:
    try:
        context.read(robot.get_state)
    except Exception as error:  # whatever it is, it is what this part reports
        return Part(Health.DOWN, f"The store cannot be read: {type(error).__name__}.")
    return Part(Health.OK)


def _ros(context: Context) -> Part:
    if not context.live.ros_is_fresh:
        return Part(Health.DOWN, "The ROS process does not answer.")
    if context.live.latest("robot").get("localised") is False:
        return Part(Health.DEGRADED, "The robot does not know where it is.")
    return Part(Health.OK)


def _firmware(context: Context) -> Part:
    gate = context.live.gate
    if gate is None:
        return Part(Health.DOWN, "The motion gate does not answer.")
    if gate.link_fault is not None:
        return Part(Health.DOWN, words.text("line", gate.link_fault))
    return Part(Health.OK)


def _mqtt(context: Context) -> Part:
    if not context.settings.mqtt.enabled:
        return Part(Health.OK, "Switched off.")
    if not context.read(links.mqtt_connected):
        return Part(
            Health.DEGRADED, "Not connected to the broker; changes wait here until it is back."
        )
    return Part(Health.OK)


def _tls(context: Context) -> Part:
    if not context.tls.enabled:
        return Part(Health.OK, "Switched off.")
    trouble = context.tls.trouble()
    return Part(Health.DEGRADED, trouble) if trouble else Part(Health.OK)


def _disk(context: Context) -> Part:
    free = shutil.disk_usage(context.settings.data_dir).free
    if free < DISK_FULL_BYTES:
        return Part(Health.DOWN, f"Only {free // 1_000_000} MB of disk left.")
    if free < DISK_LOW_BYTES:
        return Part(Health.DEGRADED, f"Only {free // 1_000_000} MB of disk left.")
    return Part(Health.OK)
