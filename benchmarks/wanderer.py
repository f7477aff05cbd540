"""A robot that drives from place to place without ROS, and the truth beside what it believes."""

import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from edge.domain.robots import LastPose
from ros_nodes.driving import Drive, Moment, Site
from ros_nodes.navigation.errors import NoRouteError
from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.sensing import Reading, SensorCheck
from ros_nodes.pose_sources import ScanMatching
from ros_nodes.simulation.people import Crowd
from ros_nodes.simulation.scan import Laser, Scanner
from ros_nodes.simulation.world import World
from ros_nodes.whereabouts import Whereabouts

CONTROL_S, STEP_S, SCAN_S, SCAN_LATE_S = 0.05, 0.02, 0.125, 0.06
LEG_S = 120.0
"""After so long another goal is taken, whatever is in the way."""


class Memory:
    """A store that forgets."""

    def __init__(self, site: Site, pose: Pose) -> None:
        self._site, self._pose = site, pose

    def site(self) -> Site:
        return self._site

    def last_pose(self) -> LastPose:
        return LastPose(self._pose, Pose(0.0, 0.0))

    def remember_pose(self, pose: LastPose) -> None:
        pass


class Look(NamedTuple):
    """At one tick of control: how far the belief is off, in m and rad; and whether it is one."""

    at_s: float
    off_m: float
    off_rad: float
    known: bool


class Wanderer:
    def __init__(self, site: Site, *, seed: int, people: int = 0, beams: int = 180) -> None:
        self._site, self._random = site, random.Random(seed)
        self._signs = [place for place in site.waypoints if place.location_code]
        place = self._random.choice(self._signs)
        start = Pose(place.x, place.y, place.theta)
        self.world = World(site.grid, start, seed=seed)
        self.scanner = Scanner(site.grid, Laser(beams=beams), seed=seed)
        self._crowd = Crowd(site.grid, people, seed=seed, robot=start)
        check = SensorCheck("laser")
        self.where = Whereabouts(site.grid, ScanMatching(site.grid), Memory(site, start), check)
        self._drive: Drive | None = None
        self._command = (0.0, 0.0)
        self._left_s = self._scan_due = 0.0

    def wander(self, seconds: float) -> Iterator[Look]:
        """One look for each tick of control; the robot may be carried in between."""
        until, due = self.world.time_s + seconds, self.world.time_s
        while (now := self.world.time_s) < until:
            if now >= due:
                due += CONTROL_S
                self._command = self._control(now)
                yield self._look()
            self._step()

    def _look(self) -> Look:
        truth, guess = self.world.pose, self.where.pose
        off = truth.distance(guess.x, guess.y)
        turned = abs(wrap_angle(truth.theta - guess.theta))
        return Look(self.world.time_s, off, turned, self.where.known)

    def _step(self) -> None:
        world = self.world
        world.people = self._crowd.step(STEP_S, world.pose)
        world.step(STEP_S, *self._command)
        now, odometry = world.time_s, world.odometry
        self.where.on_odometry(Reading(now, now, now, now, odometry.pose, odometry.v, odometry.w))
        if now >= self._scan_due:
            self._scan_due += SCAN_S
            self._late = (now, self.scanner.scan(world.pose, world.people))
        stamp, ranges = self._late
        if now - stamp >= SCAN_LATE_S > now - STEP_S - stamp:
            self.where.on_scan(self.scanner.laser.measured(ranges, stamp), now, now)

    def _control(self, now: float) -> tuple[float, float]:
        where, newest = self.where, self.where.newest
        if newest is None or not where.known or not where.is_fresh(now):
            return 0.0, 0.0
        if self._drive is None or now > self._left_s:
            self._set_off(where.pose, now)
        if self._drive is None:
            return 0.0, 0.0
        moment = Moment(now, where.pose, newest.v, newest.w, where.points, True, False)
        step = self._drive.step(moment)
        if step.ended is not None:
            self._drive = None
        return step.v, step.w

    def _set_off(self, pose: Pose, now: float) -> None:
        code = self._random.choice(self._signs).location_code
        try:
            self._drive, self._left_s = Drive(self._site, Limits(), code, pose), now + LEG_S
        except NoRouteError:
            self._drive = None


def carry(grid: Site, pose: Pose, metres: float, turn: float, chance: random.Random) -> Pose | None:
    """A free place so far from `pose`, turned by `turn`; None where there is none."""
    for _ in range(100):
        way = chance.uniform(-math.pi, math.pi)
        x, y = pose.x + metres * math.cos(way), pose.y + metres * math.sin(way)
        if grid.grid.clearance_at(x, y) > 0.22:
            return Pose(x, y, wrap_angle(pose.theta + turn))
    return None
