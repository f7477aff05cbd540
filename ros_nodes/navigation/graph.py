"""The lanes as a graph, and the quickest way through it.

The search walks over lanes, not waypoints, since what a turn costs depends on the lane one comes
from.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.geometry import wrap_angle

TURN_S_PER_RAD = 0.6
"""A right angle costs about one second more than going straight on: slowing down, and the arc."""


@dataclass(frozen=True, slots=True)
class Arc:
    """A lane in one direction; `tail` and `head` are numbers of waypoints."""

    number: int
    lane: Lane
    tail: int
    head: int
    heading: float
    time_s: float


def turn_cost(from_heading: float, to_heading: float) -> float:
    """Seconds that a change of heading costs."""
    return TURN_S_PER_RAD * abs(wrap_angle(to_heading - from_heading))


class LaneGraph:
    """Waypoints and lanes, ready for searches. A lane closes and opens without anything being built
    anew."""

    def __init__(
        self, waypoints: Sequence[Waypoint], lanes: Sequence[Lane], max_speed_m_s: float
    ) -> None:
        self.waypoints = tuple(waypoints)
        self.index = {waypoint.id: number for number, waypoint in enumerate(self.waypoints)}
        self._xy = [(waypoint.x, waypoint.y) for waypoint in self.waypoints]
        self._max_speed = max_speed_m_s
        self.arcs: list[Arc] = []
        self._out: list[list[Arc]] = [[] for _ in self.waypoints]
        self._by_lane: dict[str, list[Arc]] = {}
        for lane in lanes:
            self._add(lane)
        self._closed = bytearray(arc.lane.closed for arc in self.arcs)
        self._next: list[list[tuple[Arc, float]] | None] = [None] * len(self.arcs)

    def _add(self, lane: Lane) -> None:
        ends = (self.index[lane.start], self.index[lane.end])
        arcs = self._by_lane.setdefault(lane.id, [])
        for tail, head in (ends,) if lane.one_way else (ends, ends[::-1]):
            (x, y), (to_x, to_y) = self._xy[tail], self._xy[head]
            time_s = max(lane.length_m, math.dist((x, y), (to_x, to_y))) / self.speed(lane)
            heading = math.atan2(to_y - y, to_x - x)
            arc = Arc(len(self.arcs), lane, tail, head, heading, time_s)
            self.arcs.append(arc)
            arcs.append(arc)
            self._out[tail].append(arc)

    def speed(self, lane: Lane) -> float:
        """What is driven on a lane, in m/s."""
        return min(lane.speed_limit_m_s, self._max_speed)

    def set_closed(self, lane_id: str, closed: bool) -> None:
        """Close or open a lane in both directions. Raises KeyError where there is no such lane."""
        for arc in self._by_lane[lane_id]:
            self._closed[arc.number] = closed

    def is_open(self, arc: Arc) -> bool:
        return not self._closed[arc.number]

    def _followers(self, arc: Arc) -> list[tuple[Arc, float]]:
        """Arcs that go on from the head of one, with the seconds for the turn and the arc."""
        followers = self._next[arc.number]
        if followers is None:
            followers = [
                (onward, turn_cost(arc.heading, onward.heading) + onward.time_s)
                for onward in self._out[arc.head]
                if self.waypoints[arc.head].is_active
            ]
            self._next[arc.number] = followers
        return followers

    def quickest(
        self, starts: Sequence[tuple[Arc, float]], goal: int, avoid: Collection[str] = ()
    ) -> tuple[list[Arc], float] | None:
        """The arcs to drive, and the seconds for them.

        `starts` are arcs on which a drive can begin, each with the seconds until its head is
        reached. `avoid` are ids of lanes that count as closed in this search. None where there is
        no way.
        """
        goal_x, goal_y = self._xy[goal]
        speed, closed, hypot, xy = self._max_speed, self._closed, math.hypot, self._xy
        cost: dict[int, float] = {}
        parent: dict[int, int] = {}
        heap: list[tuple[float, float, int]] = []

        def reach(arc: Arc, seconds: float, origin: int) -> None:
            number = arc.number
            if closed[number] or seconds >= cost.get(number, math.inf) or arc.lane.id in avoid:
                return
            cost[number], parent[number] = seconds, origin
            x, y = xy[arc.head]
            heappush(heap, (seconds + hypot(x - goal_x, y - goal_y) / speed, seconds, number))

        for arc, seconds in starts:
            reach(arc, seconds, -1)
        while heap:
            _, seconds, number = heappop(heap)
            arc = self.arcs[number]
            if arc.head == goal:
                return self._trace(parent, number), seconds
            if seconds <= cost[number]:
                for onward, more in self._followers(arc):
                    reach(onward, seconds + more, number)
        return None

    def _trace(self, parent: dict[int, int], number: int) -> list[Arc]:
        arcs = []
        while number >= 0:
            arcs.append(self.arcs[number])
            number = parent[number]
        return arcs[::-1]
