"""A robot that drives in the simulated world without ROS: the cores of navigator and emergency stop, with
body, scanner and people, in one loop of simulated time.

Rates are those of the nodes. What goes over topics and the serial line takes its time here too: a scan
and odometry are heard later than they were measured, and a command takes effect later than it was given.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from edge.domain.robots import LastPose
from ros_nodes.driving import SAID, Drive, DriveStep, Moment, Site
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.progress import ProgressSettings
from ros_nodes.navigation.route import Route
from ros_nodes.navigation.sensing import Reading, Scan, SensorCheck
from ros_nodes.navigation.zones import CollisionZones
from ros_nodes.pose_sources import ScanMatching
from ros_nodes.simulation.people import Crowd
from ros_nodes.simulation.scan import Laser, Scanner
from ros_nodes.simulation.world import Body, World
from ros_nodes.whereabouts import STALE_S, Whereabouts

CONTROL_S, STEP_S, SCAN_S = 0.05, 0.02, 0.125
"""Control of the navigator; physics and odometry; scans of the simulated body."""
ODOMETRY_LATE_S, SCAN_LATE_S, COMMAND_LATE_S = 0.02, 0.06, 0.04
"""A base that reads at 50 Hz; a scan on its way; navigator, emergency stop, gate and serial line."""
BLIND_S = 10.0
"""As the navigator has it: without anything fresh to drive by for so long, a drive is given up."""
ASK_EVERY_S = 4.0
"""How often the loudspeaker repeats itself."""
ASKED_WAY_M = 2.5
ONE_TOUCH_S = 1.0
"""Touches that follow each other faster are one collision."""
T = TypeVar("T")


class Delayed(Generic[T]):
    """What is on its way, and takes `late_s`."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s
        self._waiting: deque[tuple[float, T]] = deque()

    def send(self, now: float, thing: T) -> None:
        self._waiting.append((now + self._late_s - 1e-9, thing))

    def arrived(self, now: float) -> list[T]:
        """All that has, the oldest first."""
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            out.append(self._waiting.popleft()[1])
        return out


@dataclass
class Outcome:
    """What came of a drive, in m, rad and s of simulated time. Errors are of the true pose.

    `collisions`: times that the robot drove into something; `walked_into`: times that somebody walked into
    it. `fast_s`: time at more than half of the robot's speed; `waits`: times that it stood before somebody.
    """

    reason: Reason | None = None
    message: str = ""
    route: Route | None = None
    seconds: float = 0.0
    driven_m: float = 0.0
    goal_error_m: float = math.inf
    goal_error_rad: float = math.inf
    estimate_error_m: float = 0.0
    estimate_error_rad: float = 0.0
    collisions: int = 0
    walked_into: int = 0
    least_gap_m: float = math.inf
    waits: int = 0
    asked: int = 0
    replans: int = 0
    fast_s: float = 0.0

    @property
    def arrived(self) -> bool:
        return self.reason is Reason.NONE


@dataclass
class _Memory:
    """What would be in the robot's store."""

    of: Site
    pose: LastPose

    def site(self) -> Site:
        return self.of

    def last_pose(self) -> LastPose:
        return self.pose

    def remember_pose(self, pose: LastPose) -> None:
        self.pose = pose


class Rehearsal:
    """One robot at one site. It stands at `start`, and believes that it stands at `told`."""

    def __init__(
        self,
        site: Site,
        start: Pose,
        *,
        seed: int = 1,
        told: Pose | None = None,
        people: int = 0,
        body: Body | None = None,
        laser: Laser | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.site, self.limits = site, limits or Limits()
        self.world = World(site.grid, start, seed=seed, body=body)
        self.scanner = Scanner(site.grid, laser, seed=seed)
        self.crowd = Crowd(site.grid, people, seed=seed, robot=start) if people else None
        memory = _Memory(site, LastPose(told or start, Pose(0, 0)))
        self.whereabouts = Whereabouts(
            site.grid, ScanMatching(site.grid), memory, SensorCheck("laser")
        )
        self.zones = CollisionZones(self.limits.radius_m)
        """Those of the emergency stop; the drive has its own."""
        self.drive: Drive | None = None
        self.outcome = Outcome()
        self.state = ""
        self._patience = ProgressSettings()
        self._odometry: Delayed[Reading] = Delayed(ODOMETRY_LATE_S)
        self._scans: Delayed[Scan] = Delayed(SCAN_LATE_S)
        self._commands: Delayed[tuple[float, float]] = Delayed(COMMAND_LATE_S)
        self._command = (0.0, 0.0)
        self._seen: tuple[float, Points] = (-math.inf, np.zeros((0, 2)))
        self._steps = 0
        self._scan_due = self._control_due = 0.0
        self._asked_at = self._touched_at = -math.inf
        self._lost_s = self._blind_s = 0.0

    @property
    def now(self) -> float:
        return self.world.time_s

    @property
    def points(self) -> Points:
        """The newest scan that was heard, in the frame of the robot."""
        return self._seen[1]

    def run(
        self,
        goal: str,
        *,
        limit_s: float = 1800.0,
        each_tick: Callable[["Rehearsal"], None] = lambda rehearsal: None,
        stop_at_bump: bool = True,
    ) -> Outcome:
        """Drive to a waypoint, at most for `limit_s`. A bump latches the stop, so it ends the drive.

        `each_tick` is called before each look of the control, 20 times a simulated second.
        """
        self.outcome, self.drive, self.state = Outcome(), None, "WAITING"
        self._lost_s, self._blind_s, self._asked_at = 0.0, 0.0, -math.inf
        began = self.now
        while self.outcome.reason is None:
            if self.now >= self._control_due:
                self._control_due += CONTROL_S
                each_tick(self)
                self._control(goal)
            self._step()
            self.outcome.seconds = self.now - began
            if self.outcome.collisions and stop_at_bump:
                self._end(Reason.STOPPED, "It drove into something.")
            elif self.outcome.seconds > limit_s:
                self._end(Reason.TIMEOUT, "The rehearsal was ended.")
        self._come_to_rest()
        return self.outcome

    def _come_to_rest(self) -> None:
        """What is on its way arrives, the wheels run out; then it shows how well it stands."""
        seconds, outcome = self.outcome.seconds, self.outcome
        self._commands.send(self.now, (0.0, 0.0))
        for _ in range(round(0.6 / STEP_S)):
            self._step()
            self._control_due = self.now
        outcome.seconds = seconds
        if self.drive is not None:
            goal = self.drive.goal
            outcome.goal_error_m = self.world.pose.distance(goal.x, goal.y)
            outcome.goal_error_rad = abs(wrap_angle(goal.theta - self.world.pose.theta))

    # The world

    def _step(self) -> None:
        """STEP_S of everything but control."""
        world, outcome = self.world, self.outcome
        before = world.gap_m
        if self.crowd is not None:
            world.people = self.crowd.step(STEP_S, world.pose)
            outcome.walked_into += world.gap_m <= 0 < before
        for command in self._commands.arrived(self.now):
            self._command = command
        stood = world.pose
        world.step(STEP_S, *self._command)
        outcome.driven_m += stood.distance(world.pose.x, world.pose.y)
        if world.bumper:
            outcome.collisions += self.now - self._touched_at > ONE_TOUCH_S
            self._touched_at = self.now
        outcome.least_gap_m = min(outcome.least_gap_m, world.gap_m)
        self._measure()

    def _measure(self) -> None:
        now, odometry = self.now, self.world.odometry
        measured = Reading(now, now, now, now, odometry.pose, odometry.v, odometry.w)
        self._odometry.send(now, measured)
        if now >= self._scan_due:
            self._scan_due += SCAN_S
            self._scans.send(now, self._look_around())
        for reading in self._odometry.arrived(now):
            heard = replace(reading, clock=now, heard=now, wall=now)
            self.whereabouts.on_odometry(heard)
        for scan in self._scans.arrived(now):
            self.whereabouts.on_scan(scan, now, now)
            self._seen = (now, scan.points())

    def _look_around(self) -> Scan:
        ranges = self.scanner.scan(self.world.pose, self.world.round_things)
        return self.scanner.laser.measured(ranges, self.now)

    # The robot

    def _control(self, goal: str) -> None:
        """One look of the navigator, and what the emergency stop lets through of it."""
        at = self._look()
        self._note(at)
        if self._blind_s >= BLIND_S:
            self._end(Reason.LOST, SAID[Reason.LOST])
            return
        if self.drive is None:
            self._set_off(goal, at)
            return
        step = self.drive.step(at)
        self._note_step(step, at)
        if step.ended is not None:
            self._end(step.ended, step.message)
            return
        scale = self._let_through(step.v, step.w) if step.v or step.w else 0.0
        self._commands.send(self.now, (step.v * scale, step.w * scale))

    def _look(self) -> Moment:
        where, now = self.whereabouts, self.now
        newest, held = where.newest, not where.is_fresh(now)
        self._blind_s = self._blind_s + CONTROL_S if held else 0.0
        v, w = (0.0, 0.0) if newest is None else (newest.v, newest.w)
        return Moment(now, where.pose, v, w, where.points, where.known, held)

    def _set_off(self, goal: str, at: Moment) -> None:
        if at.localised and not at.held:
            try:
                self.drive = Drive(self.site, self.limits, goal, at.pose, settings=self._patience)
                self.outcome.route = self.drive.route
            except NoRouteError as error:
                self._end(error.reason, error.message)
            return
        self._lost_s += 0.0 if at.held else CONTROL_S
        if self._lost_s >= self._patience.lost_after_s:
            self._end(Reason.LOST, SAID[Reason.LOST])

    def _let_through(self, v: float, w: float) -> float:
        """The share of a velocity, by the rules of the emergency stop."""
        heard, points = self._seen
        if self.now - heard > STALE_S or not self.whereabouts.known:
            return 0.0
        return self.zones.check(points, v, w).scale

    def _end(self, reason: Reason, message: str) -> None:
        self._commands.send(self.now, (0.0, 0.0))
        self.outcome.reason, self.outcome.message = reason, message

    # What is written down

    def _note(self, at: Moment) -> None:
        outcome, truth = self.outcome, self.world.pose
        if at.localised:
            off = truth.distance(at.pose.x, at.pose.y)
            turned = abs(wrap_angle(truth.theta - at.pose.theta))
            outcome.estimate_error_m = max(outcome.estimate_error_m, off)
            outcome.estimate_error_rad = max(outcome.estimate_error_rad, turned)
        if at.v > self.limits.max_speed_m_s / 2:
            outcome.fast_s += CONTROL_S

    def _note_step(self, step: DriveStep, at: Moment) -> None:
        outcome = self.outcome
        outcome.waits += step.state == "WAITING" != self.state
        outcome.replans += step.state == "REPLANNING"
        if step.state == "ASKING" and self.now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = self.now
            outcome.asked += 1
            if self.crowd is not None:
                self.crowd.ask(self.world.pose, self._way_ahead(at.pose))
        self.state = step.state

    def _way_ahead(self, pose: Pose) -> Points:
        """The next metres of the path."""
        assert self.drive is not None
        points = self.drive.route.points
        nearest = int(np.hypot(points[:, 0] - pose.x, points[:, 1] - pose.y).argmin())
        ahead = points[nearest:]
        near: Points = ahead[np.hypot(ahead[:, 0] - pose.x, ahead[:, 1] - pose.y) < ASKED_WAY_M]
        return near
