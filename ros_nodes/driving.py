"""One drive to a waypoint: the route, following it, and what to do where it does not get on. No ROS.

`step` is called 20 times a second with what is known, and says what to command.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge import words
from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.ahead import Ahead, with_things
from ros_nodes.navigation.detour import REACH_M, Detours, whole_things
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import STEP_M, Path
from ros_nodes.navigation.progress import Advice, DriveState, ProgressSettings, ProgressWatch
from ros_nodes.navigation.route import Route, RoutePlanner
from ros_nodes.navigation.tracking import Tracker, TrackResult
from ros_nodes.navigation.zones import CollisionZones

AHEAD_M = 0.6
"""Where to look for the lane that is blocked: in front of the robot, as far as it brakes."""
STAYS_S = 1.2
"""What has stood in the way for so long is gone round; what moves is waited for."""
STAYS_AROUND_S = 0.4
"""The same on the way around something, of which more is seen now."""
AGAIN_S = 0.5
"""Between two looks for a way around."""
STANDING_M_S = 0.05
ASK = "Please step aside, so that the robot can pass."


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
    """What to command (m/s, rad/s) and to tell. `ended`: why the drive is over; None: it goes on.
    `message`: for people, in plain words. `new_path`: the route's path is another one from now on."""

    v: float
    w: float
    state: str
    distance_left_m: float
    time_left_s: float
    ended: Reason | None = None
    message: str = ""
    new_path: bool = False


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
        named = self.named(ids)
        return min(named, key=lambda lane: self._away(lane, x, y)).id if named else None

    def named(self, ids: Collection[str]) -> list[Lane]:
        """The lanes of these ids that there are."""
        wanted = set(ids)
        return [lane for lane in self.lanes if lane.id in wanted]

    def ends(self, lane: Lane) -> tuple[tuple[float, float], tuple[float, float]]:
        start, end = self._places[lane.start], self._places[lane.end]
        return (start.x, start.y), (end.x, end.y)

    def place(self, waypoint_id: str) -> Waypoint | None:
        return self._places.get(waypoint_id)

    def _away(self, lane: Lane, x: float, y: float) -> float:
        (from_x, from_y), (to_x, to_y) = self.ends(lane)
        dx, dy = to_x - from_x, to_y - from_y
        share = ((x - from_x) * dx + (y - from_y) * dy) / max(dx * dx + dy * dy, 1e-9)
        share = min(max(share, 0.0), 1.0)
        return math.hypot(from_x + share * dx - x, from_y + share * dy - y)


@dataclass(slots=True)
class _Course:
    """What is driven: a route, whose path is `base` but for ways around. The robot was last seen at its
    point `at`, and is around something until point `rejoins` of the path that it drives."""

    base: Path
    detours: Detours
    at: int = 0
    rejoins: int = 0
    shut_since: float = math.inf
    look_again: float = -math.inf


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
        self._zones = CollisionZones(limits.radius_m)
        self._ahead = Ahead(site.grid, limits.radius_m)
        self._avoid: set[str] = set()
        self.route = self._planner(site.grid).plan(pose, goal.id)
        self._tracker = Tracker(self.route.path, self.route.goal.theta, limits)
        self._course = self._make_course()
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
                return self._told(0.0, 0.0, DriveState.ARRIVED, Reason.NONE)
            scale = self._allowed(at, track)
            v, w, blocked = track.v * scale, track.w * scale, scale == 0.0
        advice = self._watch.update(
            at.now, *at.pose, blocked=blocked, localised=at.localised, held=at.held
        )
        if advice.advice is Advice.GIVE_UP:
            return self._told(0.0, 0.0, advice.state, advice.reason)
        if advice.advice is Advice.REPLAN:
            self._replan(at.pose)
            return self._told(0.0, 0.0, DriveState.REPLANNING, new_path=True)
        new_path = self._stays(at, blocked) and self._go_around(at)
        around = advice.state is DriveState.DRIVING and self._around
        return self._told(v, w, DriveState.AROUND if around else advice.state, new_path=new_path)

    def take_site(self, site: Site, pose: Pose) -> bool:
        """The places were edited: where that touches this drive, plan again from `pose`.

        Says whether it did. Raises NoRouteError where there is no way any more: then the drive is over.
        """
        before, self._site = self._site, site
        goal, lanes = site.place(self.goal.id), site.named(self.route.lanes)
        same = goal == self.goal and lanes == before.named(self.route.lanes)
        if same and [site.ends(lane) for lane in lanes] == [before.ends(lane) for lane in lanes]:
            return False
        self._avoid.clear()
        self._take(self._planner(site.grid).plan(pose, self.goal.id))
        self.goal = self.route.goal
        return True

    def _allowed(self, at: Moment, track: TrackResult) -> float:
        """The share (0 to 1) of the speeds that what stands around and ahead allows."""
        tracker = self._tracker
        self._ahead.look(at.now, at.pose, at.w, at.points, tracker.path, tracker.at)
        verdict = self._zones.check(at.points, track.v, track.w)
        ahead = self._ahead.allowed_m_s(tracker.along_m)
        return min(verdict.scale, ahead / track.v) if track.v > 0 else verdict.scale

    @property
    def _around(self) -> bool:
        return self._tracker.at < self._course.rejoins

    def _stays(self, at: Moment, blocked: bool) -> bool:
        """Whether something has been in the way for so long that it is gone round."""
        course = self._course
        if not blocked:
            course.shut_since = math.inf
        elif course.shut_since == math.inf:
            course.shut_since = at.now
        if at.now < course.look_again or not at.localised or at.held:
            return False
        stayed_s = max(self._ahead.stayed_s(at.now), at.now - course.shut_since)
        return stayed_s >= (STAYS_AROUND_S if self._around else STAYS_S)

    def _go_around(self, at: Moment) -> bool:
        """Take a way around what stands ahead, where there is one."""
        course, path = self._course, self._tracker.path
        course.look_again = at.now + AGAIN_S
        if path is course.base:
            course.at = self._tracker.at
        elif path is not self.route.path:
            return False  # beside the goal, and driving there
        window = course.base.points[course.at : course.at + round(2 * REACH_M / STEP_M)]
        off = window - at.pose[:2]
        course.at += int(np.hypot(off[:, 0], off[:, 1]).argmin())
        standing = abs(at.v) < STANDING_M_S
        found = course.detours.find(
            course.base, course.at, at.pose, standing, self._ahead.points, self._ahead.strange
        )
        if found is None:
            return False
        self.route = replace(self.route, path=found.path)
        course.rejoins = found.rejoins
        self._tracker.follow(found.path, self.route.goal.theta)
        return True

    def _planner(self, grid: OccupancyGrid) -> RoutePlanner:
        return RoutePlanner(grid, self._site.waypoints, self._site.lanes, self._limits)

    def _take(self, route: Route) -> None:
        self.route = route
        self._tracker.follow(route.path, route.goal.theta)
        self._course = self._make_course()

    def _make_course(self) -> _Course:
        lanes = self._site.named(self.route.lanes)
        ends = [self._site.ends(lane) for lane in lanes]
        return _Course(self.route.path, Detours(self._site.grid, self._limits, lanes, ends))

    def _replan(self, pose: Pose) -> None:
        """Another way, without the lane that is blocked; where there is none, the same way again."""
        ahead = pose.compose(Pose(AHEAD_M, 0.0))
        lane = self._site.nearest_lane(self.route.lanes, ahead.x, ahead.y)
        if lane is not None:
            self._avoid.add(lane)
        grid = with_things(self._site.grid, whole_things(pose, self._ahead.strange))
        try:
            self._take(self._planner(grid).plan(pose, self.goal.id, self._avoid))
        except NoRouteError:
            self._avoid.clear()

    def _told(
        self,
        v: float,
        w: float,
        state: DriveState,
        ended: Reason | None = None,
        *,
        new_path: bool = False,
    ) -> DriveStep:
        message = ASK if state is DriveState.ASKING else ""
        message = message if ended is None else SAID[ended]
        left = self._distance_left, self._time_left
        return DriveStep(v, w, str(state), *left, ended, message, new_path)


SAID = {reason: words.text("outcome", reason.name) for reason in Reason}
"""Why a drive ended, in words."""
