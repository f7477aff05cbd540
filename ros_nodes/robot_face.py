"""The robot's state as people are shown it, put together from what the task runner hears."""

import time
from typing import Any

from edge.domain.power import Alarm
from edge.domain.robots import RobotStatus
from edge.domain.stops import STANDING_STATES, MotionState
from edge.domain.waypoints import Waypoint
from ros_nodes.live import Live
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.nearest import Nearest

NEAR_M = 0.6
"""So near to a waypoint the robot is said to be there."""

SHOW_S = 1.0


class RobotFace:
    """Set the fields, then `show`: published at each change, and once a second as a sign of life."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._shown: dict[str, Any] = {}
        self._shown_at = 0.0
        self.stop = MotionState.HOLD
        self.paused = self.maintenance = False
        self.task_id: str | None = None
        self.driving = False
        self.pose: Pose | None = None
        self.localised = False
        self.battery: float | None = None
        self.charging = False
        self.alarms: list[Alarm] = []
        self.places: tuple[Waypoint, ...] = ()
        self._sorted: tuple[tuple[Waypoint, ...], Nearest] = ((), Nearest(()))

    @property
    def stopped(self) -> bool:
        """A person has to act before it may move."""
        return self.stop in STANDING_STATES

    @property
    def status(self) -> RobotStatus:
        if self.stopped:
            return RobotStatus.STOPPED
        if self.maintenance:
            return RobotStatus.MAINTENANCE
        if not self.localised:
            return RobotStatus.ERROR
        if self.driving:
            return RobotStatus.NAVIGATING
        if self.task_id is not None:
            return RobotStatus.BUSY
        return RobotStatus.CHARGING if self.charging else RobotStatus.IDLE

    @property
    def mode(self) -> str:
        if self.maintenance:
            return "MAINTENANCE"
        return "PAUSED" if self.paused else "AUTOMATIC"

    def nearest(self) -> Waypoint | None:
        """The waypoint where the robot stands."""
        if self.pose is None:
            return None
        if self._sorted[0] is not self.places:
            self._sorted = self.places, Nearest([(one.x, one.y) for one in self.places])
        number = self._sorted[1](self.pose.x, self.pose.y)
        if number is None:
            return None
        place = self.places[number]
        return place if self.pose.distance(place.x, place.y) <= NEAR_M else None

    def show(self) -> None:
        place = self.nearest()
        face = {
            "status": str(self.status),
            "mode": self.mode,
            "battery_level": None if self.battery is None else round(self.battery, 2),
            "charging": self.charging,
            "current_location": None if place is None else place.location_code or place.name,
            "task_id": self.task_id,
            "localised": self.localised,
            "alarms": [alarm.value for alarm in self.alarms],
        }
        now = time.monotonic()
        if face != self._shown or now - self._shown_at >= SHOW_S:
            self._shown, self._shown_at = face, now
            self._live.publish("robot", **face)
