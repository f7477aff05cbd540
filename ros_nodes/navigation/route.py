"""From where the robot is to a waypoint: join the lanes, take the quickest way, make a path of
it."""

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.navigation.errors import NoRouteError, Reason
from ros_nodes.navigation.field import Mask
from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.graph import Arc, LaneGraph, turn_cost
from ros_nodes.navigation.grid_search import way_over_cells
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import Path, build_path

_MARGIN_M = 0.05
"""More than what the collision zones keep at the sides, so that they let the robot along such a way."""
_CORNER_MARGIN_M = 0.15
_JOINS = 8
_ON_LANE_M = 0.05
_JOIN_AHEAD_M = 0.8
_JOIN_SPEED_M_S = 0.3


@dataclass(frozen=True, eq=False)
class Route:
    """A drive to `goal`: the waypoints passed, the lanes used, and the path. `time_s` is an
    estimate."""

    goal: Waypoint
    waypoints: tuple[str, ...]
    lanes: tuple[str, ...]
    path: Path
    time_s: float

    @property
    def points(self) -> Points:
        return self.path.points

    @property
    def length_m(self) -> float:
        return self.path.length_m


@dataclass(frozen=True, slots=True)
class _Join:
    """A way from the pose onto an arc: corners before the arc's head, and the seconds until that
    head."""

    arc: Arc
    corners: tuple[tuple[float, float], ...]
    seconds: float


class RoutePlanner:
    """Plans on one map and one set of lanes; made anew when either changes."""

    def __init__(
        self,
        grid: OccupancyGrid,
        waypoints: Sequence[Waypoint],
        lanes: Sequence[Lane],
        limits: Limits | None = None,
    ) -> None:
        self.grid = grid
        self.limits = limits or Limits()
        self.graph = LaneGraph(waypoints, lanes, self.limits.max_speed_m_s)
        places = self.graph.waypoints
        ends = [(self.graph.index[lane.start], self.graph.index[lane.end]) for lane in lanes]
        self._lanes = list(lanes)
        self._from = np.array([(places[a].x, places[a].y) for a, _ in ends]).reshape(-1, 2)
        self._span = (
            np.array([(places[b].x, places[b].y) for _, b in ends]).reshape(-1, 2) - self._from
        )
        self._arcs_of: dict[str, list[Arc]] = {}
        for arc in self.graph.arcs:
            self._arcs_of.setdefault(arc.lane.id, []).append(arc)

    @cached_property
    def _passable(self) -> Mask:
        return self.grid.passable(self.limits.radius_m + _MARGIN_M)

    def plan(self, pose: Pose, goal_id: str, avoid: Collection[str] = ()) -> Route:
        """The quickest route from `pose` to the waypoint `goal_id`, on no lane of `avoid` (ids).

        Raises NoRouteError with UNKNOWN_WAYPOINT, OFF_MAP (the pose is in a wall or outside) or
        NO_ROUTE.
        """
        number = self.graph.index.get(goal_id)
        if number is None or not self.graph.waypoints[number].is_active:
            raise NoRouteError(Reason.UNKNOWN_WAYPOINT, f"There is no waypoint {goal_id}.")
        goal = self.graph.waypoints[number]
        if self.grid.clearance_at(pose.x, pose.y) <= 0:
            raise NoRouteError(
                Reason.OFF_MAP,
                "The robot is not on free space of the map.",
                hint="Tell it its place.",
            )
        if pose.distance(goal.x, goal.y) <= _ON_LANE_M:
            corners = [(pose.x, pose.y), (goal.x, goal.y)]
            return self._finish(pose, goal, (), corners, [_JOIN_SPEED_M_S])
        avoid = frozenset(avoid)
        joins = self._joins(pose, avoid)
        found = self.graph.quickest([(join.arc, join.seconds) for join in joins], number, avoid)
        if found is None:
            raise self._no_route(pose, number, avoid)
        arcs = found[0]
        join = min((one for one in joins if one.arc == arcs[0]), key=lambda one: one.seconds)
        return self._along(pose, goal, join, arcs)

    def _no_route(self, pose: Pose, number: int, avoid: Collection[str]) -> NoRouteError:
        """Say which closed lanes would have to open, or that no lane leads there at all."""
        name = self.graph.waypoints[number].name
        lanes = [replace(lane, closed=False) for lane in self._lanes]
        opened = RoutePlanner(self.grid, self.graph.waypoints, lanes, self.limits)
        joins = opened._joins(pose, ())
        found = opened.graph.quickest([(join.arc, join.seconds) for join in joins], number)
        if found is None:
            said, hint = f"No lane leads to {name} from here.", "Draw one, or choose another place."
            return NoRouteError(Reason.NO_ROUTE, said, hint=hint)
        used = {arc.lane.id for arc in found[0]}
        shut = [one.id for one in self._lanes if one.id in used and (one.closed or one.id in avoid)]
        return NoRouteError(
            Reason.NO_ROUTE,
            f"There is no open way to {name}.",
            hint=f"Open {' and '.join(shut)}, or choose another place.",
        )

    def _along(self, pose: Pose, goal: Waypoint, join: _Join, arcs: list[Arc]) -> Route:
        places = self.graph.waypoints
        corners = [*join.corners, *((places[arc.head].x, places[arc.head].y) for arc in arcs)]
        speeds = [_JOIN_SPEED_M_S] * (len(join.corners) - 1)
        speeds += [self.graph.speed(arc.lane) for arc in arcs]
        return self._finish(pose, goal, arcs, corners, speeds)

    def _finish(
        self,
        pose: Pose,
        goal: Waypoint,
        arcs: Sequence[Arc],
        corners: Sequence[tuple[float, float]],
        speeds: Sequence[float],
    ) -> Route:
        path = build_path(corners, speeds, self.limits, self._corner_is_free)
        return Route(
            goal,
            tuple(self.graph.waypoints[arc.head].id for arc in arcs),
            tuple(arc.lane.id for arc in arcs),
            path,
            path.time_s + self._turning_s(pose, goal, path),
        )

    def _turning_s(self, pose: Pose, goal: Waypoint, path: Path) -> float:
        """Seconds for starting, and for turns on the spot at the start and at the goal."""
        first, last = path.points[1] - path.points[0], path.points[-1] - path.points[-2]
        turns = (
            wrap_angle(math.atan2(first[1], first[0]) - pose.theta),
            wrap_angle(goal.theta - math.atan2(last[1], last[0])),
        )
        start_s = self.limits.max_speed_m_s / (2 * self.limits.max_acceleration_m_s2)
        return start_s + sum(abs(turn) for turn in turns) / self.limits.max_turn_rad_s

    def _corner_is_free(self, start: tuple[float, float], end: tuple[float, float]) -> bool:
        return self.grid.clearance_along(start, end) >= self.limits.radius_m + _CORNER_MARGIN_M

    def _joins(self, pose: Pose, avoid: Collection[str]) -> list[_Join]:
        """Ways onto the nearest lanes: straight where the map is free, else around what stands
        there."""
        if not self._lanes:
            return []
        here = np.array([pose.x, pose.y])
        share = ((here - self._from) * self._span).sum(axis=1) / np.maximum(
            (self._span**2).sum(axis=1), 1e-9
        )
        nearest = self._from + np.clip(share, 0.0, 1.0)[:, None] * self._span
        away = np.hypot(*(nearest - here).T)
        order = np.argsort(away, kind="stable").tolist()
        joins: list[_Join] = []
        for at, arcs in self._open(order, avoid):
            x, y = nearest[at].tolist()
            if self._sees(pose, (x, y)):
                joins += [self._join(pose, arc, (x, y)) for arc in arcs]
            if len(joins) >= _JOINS:
                break
        if joins:
            return joins
        for at, arcs in itertools.islice(self._open(order, avoid), _JOINS):
            joins += self._joins_around(pose, arcs, nearest[at].tolist())
            if joins:
                break
        return joins

    def _open(
        self, order: Sequence[int], avoid: Collection[str]
    ) -> Iterator[tuple[int, list[Arc]]]:
        """Of lanes by number the open ones, each with its arcs."""
        for at in order:
            lane = self._lanes[at].id
            if lane not in avoid and self.graph.is_open(self._arcs_of[lane][0]):
                yield at, self._arcs_of[lane]

    def _sees(self, pose: Pose, point: tuple[float, float]) -> bool:
        """Whether the straight way is free; a robot that stands close to a wall may leave it."""
        here = self.grid.clearance_at(pose.x, pose.y)
        need = min(self.limits.radius_m + _MARGIN_M, 0.9 * here)
        return self.grid.clearance_along((pose.x, pose.y), point) >= need

    def _join(self, pose: Pose, arc: Arc, point: tuple[float, float]) -> _Join:
        """Straight onto an arc, some way ahead of the nearest point so that it is no hook."""
        head = self.graph.waypoints[arc.head]
        left = math.dist(point, (head.x, head.y))
        if pose.distance(*point) > _ON_LANE_M:
            ahead = min(left, max(_JOIN_AHEAD_M, 2 * pose.distance(*point)))
            onward = (
                point[0] + ahead * math.cos(arc.heading),
                point[1] + ahead * math.sin(arc.heading),
            )
            if self._sees(pose, onward):
                point, left = onward, left - ahead
        return self._cost(pose, arc, ((pose.x, pose.y), point), left)

    def _joins_around(self, pose: Pose, arcs: list[Arc], point: Sequence[float]) -> list[_Join]:
        corners = way_over_cells(
            self.grid, self._passable, (pose.x, pose.y), (float(point[0]), float(point[1]))
        )
        if corners is None:
            return []
        heads = [self.graph.waypoints[arc.head] for arc in arcs]
        return [
            self._cost(pose, arc, tuple(corners), math.dist(corners[-1], (head.x, head.y)))
            for arc, head in zip(arcs, heads, strict=True)
        ]

    def _cost(
        self, pose: Pose, arc: Arc, corners: tuple[tuple[float, float], ...], left: float
    ) -> _Join:
        """Seconds to the arc's head: turning on the spot, the way to the lane, and what is left of
        the lane."""
        seconds = left / self.graph.speed(arc.lane)
        heading = pose.theta
        for start, end in itertools.pairwise(corners):
            length = math.dist(start, end)
            if length > _ON_LANE_M:
                onward = math.atan2(end[1] - start[1], end[0] - start[0])
                seconds += length / _JOIN_SPEED_M_S + turn_cost(heading, onward)
                heading = onward
        if left > _ON_LANE_M:
            seconds += turn_cost(heading, arc.heading)
        return _Join(arc, corners, seconds)
