"""Does the drive get on? If not: wait, ask people to step aside, try another way, and at last give
up with a reason."""

import math
from dataclasses import dataclass
from enum import StrEnum

from ros_nodes.navigation.errors import Reason


class DriveState(StrEnum):
    """What the drive is doing, as feedback says it. AROUND: on its way around something; ASKING:
    people should step aside."""

    DRIVING = "DRIVING"
    WAITING = "WAITING"
    ASKING = "ASKING"
    AROUND = "AROUND"
    REPLANNING = "REPLANNING"
    ARRIVED = "ARRIVED"


class Advice(StrEnum):
    """What the caller should do now. ASK, REPLAN and GIVE_UP are each said once."""

    GO_ON = "GO_ON"
    ASK = "ASK"
    REPLAN = "REPLAN"
    GIVE_UP = "GIVE_UP"


@dataclass(frozen=True, slots=True)
class ProgressSettings:
    """Seconds and metres. Waiting is counted from the moment that the robot stopped getting on."""

    ask_after_s: float = 4.0
    replan_after_s: float = 12.0
    replans: int = 3
    stuck_after_s: float = 6.0
    lost_after_s: float = 5.0
    moved_m: float = 0.10
    turned_rad: float = math.radians(10)
    most_turning_rad: float = 3 * math.pi
    """Without moving: a robot that turns on around a wheel that is stuck does not get on."""
    time_factor: float = 4.0
    time_extra_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Verdict:
    state: DriveState
    advice: Advice = Advice.GO_ON
    reason: Reason = Reason.NONE


class ProgressWatch:
    """Watches one drive from its first `update` on. Times are seconds of any steady clock, given with
    each call; the first call starts it, since a simulated clock is 0 until it is heard."""

    def __init__(self, expected_s: float, settings: ProgressSettings | None = None) -> None:
        self._settings = settings or ProgressSettings()
        self._allowed_s = expected_s * self._settings.time_factor + self._settings.time_extra_s
        self._deadline = math.inf
        self._mark: tuple[float, float, float] | None = None
        self._mark_at = math.inf
        self._turned = 0.0
        self._blocked_since: float | None = None
        self._lost_since: float | None = None
        self._replans = 0
        self._asked = False
        self._last: float | None = None

    def update(
        self,
        now: float,
        x: float,
        y: float,
        theta: float,
        *,
        blocked: bool,
        localised: bool,
        held: bool,
    ) -> Verdict:
        """One look. `blocked`: the zones allow no speed; `held`: the robot is stopped or paused,
        which is not its fault, so that all waiting stands still meanwhile."""
        if self._last is None:
            self._deadline, self._mark_at = now + self._allowed_s, now
        elif held:
            self._shift(now - self._last)
        self._last = now
        if held:
            return Verdict(DriveState.WAITING)
        if now > self._deadline:
            return Verdict(DriveState.WAITING, Advice.GIVE_UP, Reason.TIMEOUT)
        if not localised:
            return self._lost(now)
        self._lost_since = None
        self._note_motion(now, x, y, theta)
        if blocked or self._blocked_since is not None:
            return self._blocked(now, blocked)
        if now - self._mark_at > self._settings.stuck_after_s:
            return Verdict(DriveState.WAITING, Advice.GIVE_UP, Reason.STUCK)
        return Verdict(DriveState.DRIVING)

    def _shift(self, seconds: float) -> None:
        self._deadline += seconds
        self._mark_at += seconds
        if self._blocked_since is not None:
            self._blocked_since += seconds
        if self._lost_since is not None:
            self._lost_since += seconds

    def _lost(self, now: float) -> Verdict:
        self._lost_since = now if self._lost_since is None else self._lost_since
        if now - self._lost_since >= self._settings.lost_after_s:
            return Verdict(DriveState.WAITING, Advice.GIVE_UP, Reason.LOST)
        self._mark_at = now
        return Verdict(DriveState.WAITING)

    def _note_motion(self, now: float, x: float, y: float, theta: float) -> None:
        """Real progress ends a blockage; creeping up to the obstacle does not."""
        settings = self._settings
        if self._mark is not None:
            at_x, at_y, at_theta = self._mark
            turned = abs(math.remainder(theta - at_theta, math.tau))
            moved = math.hypot(x - at_x, y - at_y) >= settings.moved_m
            if moved:
                self._blocked_since, self._asked, self._turned = None, False, 0.0
            elif turned < settings.turned_rad or self._turned > settings.most_turning_rad:
                return
            else:
                self._turned += turned
        self._mark, self._mark_at = (x, y, theta), now

    def _blocked(self, now: float, blocked: bool) -> Verdict:
        settings = self._settings
        if self._blocked_since is None:
            self._blocked_since = now
        waited = now - self._blocked_since
        if not blocked and waited < settings.ask_after_s:
            self._blocked_since = None
            self._mark_at = now
            return Verdict(DriveState.DRIVING)
        if waited >= settings.replan_after_s:
            self._blocked_since, self._asked = now, False
            self._replans += 1
            if self._replans > settings.replans:
                return Verdict(DriveState.ASKING, Advice.GIVE_UP, Reason.BLOCKED)
            return Verdict(DriveState.ASKING, Advice.REPLAN, Reason.BLOCKED)
        if waited >= settings.ask_after_s:
            advice = Advice.GO_ON if self._asked else Advice.ASK
            self._asked = True
            return Verdict(DriveState.ASKING, advice, Reason.BLOCKED)
        return Verdict(DriveState.WAITING)
