"""Why a task failed, in fixed codes; edge/words.toml says it, and what a person can do about it: `failure`."""

from enum import StrEnum


class Failure(StrEnum):
    LOAD_TIMEOUT = "LOAD_TIMEOUT"
    HANDOVER_TIMEOUT = "HANDOVER_TIMEOUT"
    BLOCKED = "BLOCKED"
    NO_ROUTE = "NO_ROUTE"
    LOST = "LOST"
    STUCK = "STUCK"
    TIMEOUT = "TIMEOUT"
    OFF_MAP = "OFF_MAP"
    UNKNOWN_WAYPOINT = "UNKNOWN_WAYPOINT"
    NAVIGATION = "NAVIGATION"
