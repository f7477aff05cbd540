"""What can be wrong with a map or the site drawn on it, and why the robot did not arrive.

MapError         the map file is not fit
SiteFileError    the file of waypoints and lanes is not fit
NoRouteError     there is no way; `reason` is the number that goes into the action's result
"""

from enum import IntEnum

from edge.domain.errors import LunaError, SetupError


class Reason(IntEnum):
    """Why a drive ended. The numbers are those of the action NavigateToWaypoint and never
    change."""

    NONE = 0
    BLOCKED = 101
    NO_ROUTE = 102
    LOST = 103
    STUCK = 104
    TIMEOUT = 105
    CANCELLED = 106
    STOPPED = 107
    OFF_MAP = 108
    UNKNOWN_WAYPOINT = 109
    INACTIVE = 110
    DRIVER_FAILED = 111


class MapError(SetupError):
    code = "MAP"


class SiteFileError(SetupError):
    code = "SITE_FILE"


class NoRouteError(LunaError):
    code = "NO_ROUTE"

    def __init__(self, reason: Reason, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, reason=int(reason))
        self.reason = reason
