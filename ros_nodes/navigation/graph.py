"""The lanes as a graph, and the quickest way through it.

The search walks over lanes, not waypoints, since what a turn costs depends on the lane one comes
from.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.geometry import wrap_angle
from ros_nodes.navigation.landmarks import Landmarks

TURN_S_PER_RAD = 0.6
"""A right angle costs about one second more than going straight on: slowing down, and the arc."""
_LARGE = 2000
"""Arcs up to which no landmarks are found. A library has 20 to 600."""
_HALF_TURN_S = TURN_S_PER_RAD * math.pi
_SHUT = -1.0
"""Seconds to a closed arc: nothing is quicker, so that it is never reached anew."""

_Step = tuple[int, int, float, float]
"""An arc to go on with: its number, head and heading, and the seconds for the turn and the arc."""


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
        self.arcs: list[Arc] = []
        self._xy = [(waypoint.x, waypoint.y) for waypoint in self.waypoints]
        self._max_speed = max_speed_m_s
        self._fastest = max((self.speed(lane) for lane in lanes), default=max_speed_m_s)
        self._out: list[list[Arc]] = [[] for _ in self.waypoints]
        self._into: list[list[int]] = [[] for _ in self.waypoints]
        self._by_lane: dict[str, list[Arc]] = {}
        for lane in lanes:
            self._add(lane)
        self._head = [arc.head for arc in self.arcs]
        self._heading = [arc.heading for arc in self.arcs]
        self._unreached = [_SHUT if arc.lane.closed else math.inf for arc in self.arcs]
        self._onward: list[list[_Step] | None] = [None] * len(self.arcs)
        self._landmarks: Landmarks | None = None
        self._looked_at = 0  # arcs, by all searches

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
            self._into[head].append(arc.number)

    def speed(self, lane: Lane) -> float:
        """What is driven on a lane, in m/s."""
        return min(lane.speed_limit_m_s, self._max_speed)

    def set_closed(self, lane_id: str, closed: bool) -> None:
        """Close or open a lane in both directions. Raises KeyError where there is no such lane."""
        for arc in self._by_lane[lane_id]:
            self._unreached[arc.number] = _SHUT if closed else math.inf

    def is_open(self, arc: Arc) -> bool:
        return self._unreached[arc.number] != _SHUT

    def quickest(
        self, starts: Sequence[tuple[Arc, float]], goal: int, avoid: Collection[str] = ()
    ) -> tuple[list[Arc], float] | None:
        """The arcs to drive, and the seconds for them.

        `starts` are arcs on which a drive can begin, each with the seconds until its head is
        reached. `avoid` are ids of lanes that count as closed in this search. None where there is
        no way.
        """
        reached = self._unreached.copy()
        for lane in avoid:
            for arc in self._by_lane.get(lane, ()):
                reached[arc.number] = _SHUT
        starts = [(arc, seconds) for arc, seconds in starts if reached[arc.number] != _SHUT]
        if not starts or not self._into[goal]:
            return None
        if self._landmarks is None and self._looked_at > len(self.arcs) > _LARGE:
            self.find_landmarks()
        parent: dict[int, int] = {}
        last = self._search(starts, goal, reached, parent)
        self._looked_at += len(parent)
        return None if last is None else (self._trace(parent, last), reached[last])

    def _search(
        self,
        starts: Sequence[tuple[Arc, float]],
        goal: int,
        reached: list[float],
        parent: dict[int, int],
    ) -> int | None:
        """A* over the arcs, to the first one that ends at the goal. Fills in the seconds to the
        arcs' heads, and the arc before each.

        An arc is left out where a turn on the spot at its head, from another arc that came there
        earlier, leaves nothing to gain.
        """
        bound = self._bound([arc for arc, _ in starts], goal)
        first = [math.inf] * len(self.waypoints)
        facing = [0.0] * len(self.waypoints)
        heap: list[tuple[float, float, int]] = []
        steps = [(arc.number, arc.head, arc.heading, seconds) for arc, seconds in starts]
        seconds, number = 0.0, -1
        while True:
            for onward, head, heading, more in steps:
                total = seconds + more
                if total >= reached[onward]:
                    continue
                if (late := total - first[head]) < 0.0:
                    first[head], facing[head] = total, heading
                elif late >= _HALF_TURN_S:
                    continue
                else:
                    turn = abs(heading - facing[head])
                    if late >= TURN_S_PER_RAD * (turn if turn < math.pi else math.tau - turn):
                        continue
                reached[onward], parent[onward] = total, number
                heappush(heap, (total + bound(onward), total, onward))
            while heap:
                _, seconds, number = heappop(heap)
                if seconds <= reached[number]:
                    break
            else:
                return None
            if self._head[number] == goal:
                return number
            steps = self._onward[number] or self._steps(number)

    def _steps(self, number: int) -> list[_Step]:
        """What goes on from the head of an arc; found out when first needed, and kept."""
        head, heading = self._head[number], self._heading[number]
        steps = [
            (arc.number, arc.head, arc.heading, turn_cost(heading, arc.heading) + arc.time_s)
            for arc in self._out[head]
            if self.waypoints[head].is_active
        ]
        self._onward[number] = steps
        return steps

    def _bound(self, starts: Sequence[Arc], goal: int) -> Callable[[int], float]:
        """The least seconds from the head of an arc to the goal."""
        if self._landmarks is not None:
            return self._landmarks.bound_to(self._into[goal], [arc.number for arc in starts])
        goal_x, goal_y = self._xy[goal]
        fastest, hypot, xy, head = self._fastest, math.hypot, self._xy, self._head

        def straight(number: int) -> float:
            x, y = xy[head[number]]
            return hypot(x - goal_x, y - goal_y) / fastest

        return straight

    def find_landmarks(self) -> None:
        """Make further searches in a large graph quicker. Done unasked once the searches have looked
        at as many arcs as there are: by then it is worth its time."""
        forth = [arc.tail == self.index[arc.lane.start] for arc in self.arcs]
        lanes = [arc for arc, onward in zip(self.arcs, forth, strict=True) if onward]
        number = np.cumsum(forth) - 1  # of each arc's lane: the way back comes after the way there
        self._landmarks = Landmarks(
            np.array(self._xy),
            np.array([(arc.tail, arc.head) for arc in lanes]),
            np.array([arc.time_s for arc in lanes]),
            TURN_S_PER_RAD,
            2 * number + ~np.array(forth),
        )

    def _trace(self, parent: dict[int, int], number: int) -> list[Arc]:
        arcs = []
        while number >= 0:
            arcs.append(self.arcs[number])
            number = parent[number]
        return arcs[::-1]
