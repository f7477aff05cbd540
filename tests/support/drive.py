"""The whole of navigation in one loop, in simulated time: world, scan, localisation, zones,
tracking."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.domain.waypoints import Waypoint
from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.route import Route, RoutePlanner
from ros_nodes.navigation.site_file import Site
from ros_nodes.navigation.tracking import Tracker
from ros_nodes.navigation.zones import CLEAR, CollisionZones, ZoneVerdict
from ros_nodes.simulation.scan import Scanner, to_points
from ros_nodes.simulation.world import World

TICK_S, PHYSICS_S, SCAN_EVERY = 0.05, 0.01, 4


@dataclass
class Drive:
    """What came of a drive. Errors are of the true pose; `fast_share` is the share of the time
    spent at more than half of what the lanes allow."""

    route: Route
    arrived: bool = False
    seconds: float = 0.0
    goal_error_m: float = math.inf
    heading_error_rad: float = math.inf
    worst_estimate_m: float = 0.0
    worst_estimate_rad: float = 0.0
    fast_share: float = 0.0
    least_gap_m: float = math.inf
    bumped: bool = False
    trace: list[tuple[float, float]] = field(default_factory=list)


class Rig:
    """One robot on one map, placed at a waypoint."""

    def __init__(self, grid: OccupancyGrid, site: Site, start: Waypoint, *, seed: int = 1) -> None:
        self.limits = Limits()
        pose = Pose(start.x, start.y, start.theta)
        self.world = World(grid, pose, seed=seed)
        self.scanner = Scanner(grid, seed=seed)
        self.planner = RoutePlanner(grid, site.waypoints, site.lanes, self.limits)
        self.localiser = Localiser(grid)
        self.localiser.start(pose, self.world.odometry.pose)
        self.zones = CollisionZones(self.limits.radius_m)
        self.points: Points = self.look()

    def look(self) -> Points:
        """A scan, which also corrects the pose."""
        ranges = self.scanner.scan(self.world.pose, self.world.people)
        points = to_points(ranges, self.scanner.laser.angles)
        self.localiser.correct(points, self.world.odometry.pose)
        return points

    def drive(
        self,
        goal: str,
        *,
        limit_s: float = 300.0,
        each_tick: Callable[["Rig", Drive], None] = lambda rig, drive: None,
    ) -> Drive:
        """Drive to a waypoint, or until `limit_s` simulated seconds are over."""
        route = self.planner.plan(self.localiser.predict(self.world.odometry.pose), goal)
        drive = Drive(route)
        tracker = Tracker(route.path, route.goal.theta, self.limits)
        verdict: ZoneVerdict = CLEAR
        ticks = fast = 0
        while drive.seconds < limit_s:
            each_tick(self, drive)
            odometry = self.world.odometry
            pose = self.localiser.predict(odometry.pose)
            wanted = tracker.step(pose, odometry.v, odometry.w, self.world.time_s, verdict.scale)
            if wanted.done:
                drive.arrived = True
                break
            verdict = self.zones.check(self.points, max(wanted.v, 0.1), wanted.w)
            scale = verdict.scale if wanted.v else 1.0
            for _ in range(round(TICK_S / PHYSICS_S)):
                self.world.step(PHYSICS_S, wanted.v * scale, wanted.w * scale)
            ticks += 1
            if ticks % SCAN_EVERY == 0:
                self.points = self.look()
            fast += odometry.v > self.limits.max_speed_m_s / 2
            self._note(drive)
        drive.fast_share = fast / max(ticks, 1)
        drive.goal_error_m = self.world.pose.distance(route.goal.x, route.goal.y)
        drive.heading_error_rad = abs(wrap_angle(route.goal.theta - self.world.pose.theta))
        return drive

    def _note(self, drive: Drive) -> None:
        truth, guess = self.world.pose, self.localiser.predict(self.world.odometry.pose)
        drive.seconds += TICK_S
        drive.worst_estimate_m = max(drive.worst_estimate_m, truth.distance(guess.x, guess.y))
        turned = abs(wrap_angle(truth.theta - guess.theta))
        drive.worst_estimate_rad = max(drive.worst_estimate_rad, turned)
        drive.least_gap_m = min(drive.least_gap_m, self.world.gap_m)
        drive.bumped |= self.world.bumper
        drive.trace.append((truth.x, truth.y))
