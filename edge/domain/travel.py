"""How long the lanes let a drive take, at the least: the quickest way from anywhere to a place with a code."""

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence

from edge.domain.waypoints import Lane, Waypoint

Point = tuple[float, float]
"""x, y in m, in the frame `map`."""

OFF_LANES_M_S = 0.5
"""Where no lane leads, as the crow flies and ROUND_ABOUT times as long."""
ROUND_ABOUT = 1.4


class Travel:
    """Lanes that are closed are as they are given: see Lane.as_at."""

    def __init__(self, waypoints: Sequence[Waypoint], lanes: Iterable[Lane] = ()) -> None:
        self.places = {one.location_code: (one.x, one.y) for one in waypoints if one.location_code}
        self._at = {one.id: (one.x, one.y) for one in waypoints}
        self._id = {one.location_code: one.id for one in waypoints if one.location_code}
        self._into: dict[str, list[tuple[str, float]]] = {}
        for lane in lanes:
            if not lane.closed and lane.start in self._at and lane.end in self._at:
                self._add(lane)
        self._found: dict[str, Mapping[str, float]] = {}
        self._seconds: dict[tuple[Point, str], float] = {}

    def _add(self, lane: Lane) -> None:
        seconds = lane.length_m / lane.speed_limit_m_s
        self._into.setdefault(lane.end, []).append((lane.start, seconds))
        if not lane.one_way:
            self._into.setdefault(lane.start, []).append((lane.end, seconds))

    def seconds(self, at: Point | None, code: str) -> float:
        """From a point to the place; 0 where one of them is not known. Up to the lanes it is as the crow flies."""
        if at is None or code not in self._id:
            return 0.0
        if (at, code) not in self._seconds:
            left = self._to(code)
            nearest = min(left, key=lambda one: math.dist(at, self._at[one]))
            self._seconds[at, code] = _straight_s(at, self._at[nearest]) + left[nearest]
        return self._seconds[at, code]

    def _to(self, code: str) -> Mapping[str, float]:
        """Seconds to the place from each waypoint that leads there, by id."""
        if code not in self._found:
            self._found[code] = self._search(self._id[code])
        return self._found[code]

    def _search(self, goal: str) -> Mapping[str, float]:
        left: dict[str, float] = {}
        heap = [(0.0, goal)]
        while heap:
            seconds, here = heapq.heappop(heap)
            if here in left:
                continue
            left[here] = seconds
            for before, more in self._into.get(here, ()):
                if before not in left:
                    heapq.heappush(heap, (seconds + more, before))
        return left


def _straight_s(start: Point, end: Point) -> float:
    return math.dist(start, end) * ROUND_ABOUT / OFF_LANES_M_S
