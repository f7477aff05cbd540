"""One drive to a waypoint: the route, following it, and what to do where it does not get on. No ROS.

`step` is called 20 times a second with what is known, and says what to command.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.progress import Advice, ProgressSettings, ProgressWatch
from ros_nodes.navigation.route import Route, RoutePlanner
from ros_nodes.navigation.tracking import Tracker
from ros_nodes.navigation.zones import CollisionZones

AHEAD_M = 0.6
"""Where to look for the lane that is blocked: in front of the robot, as far as it brakes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one moment. `points`: the newest scan in the frame of the robot; `held`: the
    robot is made to stand by somebody else, which is no fault of the drive."""

    now: float
    pose: Pose
    v: float
    w: float
    points: Points
    localised: bool
    held: bool


@dataclass(frozen=True, slots=True)
class DriveStep:
    """What to command (m/s, rad/s) and to tell. `ended`: why the drive is over; None: it goes on."""

    v: float
    w: float
    state: str
    distance_left_m: float
    time_left_s: float
    ended: Reason | None = None
    message: str = ""


class Site:
    """The map with the waypoints and lanes of the moment."""

    def __init__(
        self, grid: OccupancyGrid, waypoints: Sequence[Waypoint], lanes: Sequence[Lane]
    ) -> None:
        self.grid = grid
        self.waypoints = tuple(waypoints)
        self.lanes = tuple(lanes)
        self._places = {waypoint.id: waypoint for waypoint in waypoints}

    def find(self, code: str) -> Waypoint | None:
        """By what stands on the sign, or by id."""
        wanted = code.casefold()
        for place in self.waypoints:
            if wanted and wanted in (place.location_code.casefold(), place.id.casefold()):
                return place
        return None

    def nearest_lane(self, ids: Sequence[str], x: float, y: float) -> str | None:
        """Of the lanes `ids` the one that is nearest to a point."""
        named = [lane for lane in self.lanes if lane.id in set(ids)]
        return min(named, key=lambda lane: self._away(lane, x, y)).id if named else None

    def _away(self, lane: Lane, x: float, y: float) -> float:
        start, end = self._places[lane.start], self._places[lane.end]
        dx, dy = end.x - start.x, end.y - start.y
        share = ((x - start.x) * dx + (y - start.y) * dy) / max(dx * dx + dy * dy, 1e-9)
        share = min(max(share, 0.0), 1.0)
        return math.hypot(start.x + share * dx - x, start.y + share * dy - y)


class Drive:
    """Raises NoRouteError from its constructor where there is no way."""

    def __init__(
        self,
        site: Site,
        limits: Limits,
        code: str,
        pose: Pose,
        *,
        speed_limit_m_s: float = 0.0,
        settings: ProgressSettings | None = None,
    ) -> None:
        """`speed_limit_m_s`: lowers that of `limits`; 0 or less: no extra limit."""
        goal = site.find(code)
        if goal is None:
            raise NoRouteError(Reason.UNKNOWN_WAYPOINT, f"There is no place called {code!r}.")
        if speed_limit_m_s > 0:
            limits = replace(limits, max_speed_m_s=min(speed_limit_m_s, limits.max_speed_m_s))
        self.goal = goal
        self._site, self._limits = site, limits
        self._planner = RoutePlanner(site.grid, site.waypoints, site.lanes, limits)
        self._zones = CollisionZones(limits.radius_m)
        self._avoid: set[str] = set()
        self._take(self._planner.plan(pose, goal.id))
        self._watch = ProgressWatch(self.route.time_s, settings)
        self._distance_left = self.route.length_m
        self._time_left = self.route.time_s

    def step(self, at: Moment) -> DriveStep:
        v = w = 0.0
        blocked = False
        if at.localised and not at.held:
            track = self._tracker.step(at.pose, at.v, at.w, at.now)
            self._distance_left, self._time_left = track.distance_left_m, track.time_left_s
            if track.done:
                return self._told(0.0, 0.0, "ARRIVED", Reason.NONE)
            verdict = self._zones.check(at.points, track.v, track.w)
            v, w, blocked = track.v * verdict.scale, track.w * verdict.scale, verdict.blocked
        advice = self._watch.update(
            at.now, *at.pose, blocked=blocked, localised=at.localised, held=at.held
        )
        if advice.advice is Advice.GIVE_UP:
            return self._told(0.0, 0.0, str(advice.state), advice.reason)
        if advice.advice is Advice.REPLAN:
            self._go_round(at.pose)
            return self._told(0.0, 0.0, "REPLANNING")
        return self._told(v, w, str(advice.state))

    def _take(self, route: Route) -> None:
        self.route = route
        self._tracker = Tracker(route.path, route.goal.theta, self._limits)

    def _go_round(self, pose: Pose) -> None:
        """Another way, without the lane that is blocked; where there is none, the same way again."""
        ahead = pose.compose(Pose(AHEAD_M, 0.0))
        lane = self._site.nearest_lane(self.route.lanes, ahead.x, ahead.y)
        if lane is not None:
            self._avoid.add(lane)
        try:
            self._take(self._planner.plan(pose, self.goal.id, self._avoid))
        except NoRouteError:
            self._avoid.clear()

    def _told(self, v: float, w: float, state: str, ended: Reason | None = None) -> DriveStep:
        message = SAID[ended] if ended is not None else ""
        return DriveStep(v, w, state, self._distance_left, self._time_left, ended, message)


SAID = {
    Reason.NONE: "Arrived.",
    Reason.BLOCKED: "Something stands in the way, and there is no way round.",
    Reason.NO_ROUTE: "There is no open way there.",
    Reason.LOST: "The robot does not know where it is.",
    Reason.STUCK: "The robot is told to move, but it does not.",
    Reason.TIMEOUT: "The drive took longer than it may.",
    Reason.CANCELLED: "The drive was cancelled, or replaced by a newer one.",
    Reason.STOPPED: "The robot was stopped.",
    Reason.OFF_MAP: "The robot is outside of the free space of the map.",
    Reason.UNKNOWN_WAYPOINT: "There is no place of that name.",
    Reason.INACTIVE: "The navigator is not active; its lifecycle manager has to activate it.",
    Reason.DRIVER_FAILED: "The program that drives the robot has failed, or is not there.",
}
