"""The holds of the gate: which causes make the robot stand for now, since when, and how often they
came back."""

from collections import deque
from collections.abc import Collection

from edge.domain.stops import StopCause
from firmware_bridge.moment import FUTURE_S, Moment

HEARTBEAT_S = 0.3
"""Longest silence of a watched process: three missed heartbeats."""
HOLD_WINDOW_S = 600.0
"""Holds of one cause are counted over this time."""
ANNOUNCE_AFTER_S = 2.0
"""Longest hold after which the robot may go on without a word: nobody has stepped before it meanwhile."""

WATCHABLE = {"ros": StopCause.ROS_SILENT, "supervisor": StopCause.SUPERVISOR_SILENT}
"""Processes whose silence can hold the robot."""


class Heartbeats:
    """The watched processes, and when each was last known to be alive."""

    def __init__(self, watched: Collection[str]) -> None:
        """`watched`: names of WATCHABLE."""
        self._watched = {process: WATCHABLE[process] for process in watched}
        self._heard: dict[str, float] = {}

    def heard(self, process: str, sent: float, at: Moment) -> None:
        """A watched process is alive, or was at `sent`: a backlog read late is not life."""
        if process in self._watched and sent <= at.mono + FUTURE_S:
            self._heard[process] = max(sent, self._heard.get(process, sent))

    def silent(self, at: Moment) -> list[StopCause]:
        """The causes of those that are silent for too long, or were never heard."""
        causes = []
        for process, cause in self._watched.items():
            heard = self._heard.get(process)
            if heard is None or at.mono - heard > HEARTBEAT_S:
                causes.append(cause)
        return causes


class Holds:
    """The holds that there are now, and when those that count began."""

    def __init__(self, announce_s: float) -> None:
        """`announce_s`: how long the robot says that it goes on, after a hold of some length."""
        self.began: dict[StopCause, Moment] = {}
        self._times: dict[StopCause, deque[float]] = {}
        self._announce_s = announce_s
        self._held: float | None = None
        self._free: float | None = None

    def announces(self, causes: Collection[StopCause], at: Moment) -> bool:
        """Whether the robot, with these causes to stand, has none left but that people were not
        told yet. A cause that comes back in between makes it one long hold."""
        if causes:
            self._held = at.mono if self._held is None else self._held
            self._free = None
            return False
        if self._held is None:
            return False
        self._free = at.mono if self._free is None else self._free
        long = self._free - self._held > ANNOUNCE_AFTER_S
        if long and at.mono - self._free < self._announce_s:
            return True
        self._held = self._free = None
        return False

    def end_all_but(self, causes: Collection[StopCause]) -> dict[StopCause, Moment]:
        """End the holds whose cause is gone; gives when each began."""
        return {gone: self.began.pop(gone) for gone in list(self.began) if gone not in causes}

    def begin(self, cause: StopCause, at: Moment) -> bool:
        """Hold for `cause`. False where it is held already."""
        if cause in self.began:
            return False
        self.began[cause] = at
        return True

    def count(self, cause: StopCause, at: Moment) -> int:
        """Count the hold that began now; gives how many of this cause there were in the window."""
        times = self._times.setdefault(cause, deque())
        times.append(at.mono)
        while at.mono - times[0] > HOLD_WINDOW_S:
            times.popleft()
        return len(times)

    def recall(self, cause: StopCause, began: float, at: Moment) -> None:
        """Count a hold that began earlier, at monotonic time `began`, if it still counts."""
        if at.mono - HOLD_WINDOW_S <= began <= at.mono:
            self._times.setdefault(cause, deque()).append(began)

    def forget_counts(self) -> None:
        """A person has looked: count from none again."""
        self._times.clear()
