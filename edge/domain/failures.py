"""Why a task failed, in fixed codes, with what a person can do about it."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Explanation:
    """Plain words for the one who waits, and what the one who helps can do."""

    message: str
    remedy: str


EXPLANATIONS: dict[Failure, Explanation] = {
    Failure.LOAD_TIMEOUT: Explanation(
        "Nobody put the book on the robot within the time allowed.",
        "Ask for the book again, and tell the desk that the robot is coming.",
    ),
    Failure.HANDOVER_TIMEOUT: Explanation(
        "Nobody took the book within the time allowed, so it went back to the desk.",
        "Collect it at the desk, or ask for it again.",
    ),
    Failure.BLOCKED: Explanation(
        "The way was blocked and stayed blocked.", "Clear the aisle, then start the task again."
    ),
    Failure.NO_ROUTE: Explanation(
        "There is no open way to that place.", "Open a closed lane, or choose another place."
    ),
    Failure.LOST: Explanation(
        "The robot does not know where it is.", "Tell it its place on the touchscreen."
    ),
    Failure.STUCK: Explanation(
        "The robot could not move.",
        "Look for something under its wheels, then start the task again.",
    ),
    Failure.TIMEOUT: Explanation(
        "The drive took far longer than it should.",
        "Look where the robot stands, then start the task again.",
    ),
    Failure.OFF_MAP: Explanation(
        "The robot stands where its map shows no floor.", "Push it back to a known place."
    ),
    Failure.UNKNOWN_WAYPOINT: Explanation(
        "That place is not on the robot's map.", "Choose another place, or add it to the map."
    ),
    Failure.NAVIGATION: Explanation(
        "The drive failed.", "Look at the robot's log, then start the task again."
    ),
}
