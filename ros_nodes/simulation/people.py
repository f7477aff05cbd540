"""People who walk about in the library, stand for a while, do not walk into the robot, and step aside
when it asks."""

import math
import random
from dataclasses import dataclass

import numpy as np

from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.world import Circle

PERSON_RADIUS_M = 0.25
SIDEWAYS_RADIUS_M = 0.16
"""Of somebody who stands against the shelf to let the robot past."""
_SPEEDS_M_S = (0.5, 1.2)
_STAND_S = (1.0, 15.0)
_LONGEST_WALK_M = 8.0
_KEEP_FROM_ROBOT_M = 0.35
_KEEP_FROM_MOVING_M = 0.75
"""From the robot's middle to a person's skin: nobody steps in front of one that rolls."""
_ROLLS_M_S = 0.05
_PATIENCE_S = 3.0
_FIRST_M = 1.5
"""Nobody is nearer to the robot at first."""
_HEARS_M = 2.5
_IN_THE_WAY_M = 0.35
"""Whose skin is nearer than this to the middle of the way knows that they are meant."""
_REACTS_S = (0.5, 2.0)
_SIDESTEPS_M = (0.0, 0.2, 0.35, 0.5, 0.8, 1.2, 2.0, 3.0)
_DIRECTIONS = 16
_PAST_ROBOT_M = 0.4
"""From the robot's middle to that of somebody who steps aside."""
_ASIDE_M = 0.8
"""More room than this nobody makes."""


@dataclass(slots=True)
class _Person:
    x: float
    y: float
    goal: tuple[float, float]
    speed: float
    stand_s: float
    waited_s: float = 0.0
    radius: float = PERSON_RADIUS_M

    @property
    def place(self) -> tuple[float, float]:
        return self.x, self.y


class Crowd:
    """Walks in straight lines over free space, from a seed."""

    def __init__(
        self, grid: OccupancyGrid, count: int = 0, *, seed: int = 1, robot: Pose | None = None
    ) -> None:
        """`robot`: where it stands; nobody comes into being right beside it."""
        self._grid = grid
        self._random = random.Random(seed)
        self._robot: Pose | None = None
        cells = np.argwhere(grid.passable(PERSON_RADIUS_M)) if count else np.zeros((0, 2), int)
        if robot is not None:
            x, y = grid.centres(cells).T
            cells = cells[np.hypot(x - robot.x, y - robot.y) > _FIRST_M]
        self._people = [self._arrive(cells) for _ in range(count if len(cells) else 0)]

    @property
    def circles(self) -> list[Circle]:
        return [(person.x, person.y, person.radius) for person in self._people]

    def step(self, dt_s: float, robot: Pose) -> list[Circle]:
        """Go on by `dt_s` seconds. Nobody walks into the robot; it may well drive into somebody."""
        rolled = 0.0 if self._robot is None else self._robot.distance(robot.x, robot.y)
        self._robot = robot
        keep = _KEEP_FROM_MOVING_M if rolled > _ROLLS_M_S * dt_s else _KEEP_FROM_ROBOT_M
        for person in self._people:
            if person.stand_s > 0:
                person.stand_s -= dt_s
            elif math.dist(person.place, person.goal) < person.speed * dt_s:
                self._set_out(person, robot)
            else:
                self._walk(person, dt_s, robot, keep)
        return self.circles

    def ask(self, robot: Pose, way: Points) -> None:
        """The robot asks to be let past, on `way` (n, 2), its next metres in the map. Whoever stands
        in it moves as far out of it as there is room, and stays there for a while."""
        for person in self._people:
            near = robot.distance(*person.place) < _HEARS_M
            if near and _away(way, person.place) < person.radius + _IN_THE_WAY_M:
                person.radius = SIDEWAYS_RADIUS_M
                person.stand_s = min(person.stand_s, self._random.uniform(*_REACTS_S))
                person.goal, person.waited_s = self._aside(person, robot, way), 0.0

    def put(self, number: int, x: float, y: float, *, stand_s: float) -> None:
        """Have somebody stand at a place for a while."""
        person = self._people[number]
        person.x, person.y, person.goal, person.stand_s = x, y, (x, y), stand_s

    def _arrive(self, cells: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> _Person:
        x, y = self._grid.centre(*cells[self._random.randrange(len(cells))].tolist())
        return _Person(x, y, (x, y), self._random.uniform(*_SPEEDS_M_S), 0.0)

    def _set_out(self, person: _Person, robot: Pose) -> None:
        """Stand for a while, then go to some place in sight."""
        if robot.distance(*person.place) > PERSON_RADIUS_M + _KEEP_FROM_ROBOT_M:
            roomy = self._grid.clearance_at(*person.place) > PERSON_RADIUS_M
            person.radius = PERSON_RADIUS_M if roomy else person.radius
        person.stand_s = self._random.uniform(*_STAND_S)
        self._choose_way(person)

    def _choose_way(self, person: _Person) -> None:
        for _ in range(20):
            heading = self._random.uniform(-math.pi, math.pi)
            goal = _onward(person, heading, self._random.uniform(1.0, _LONGEST_WALK_M))
            if self._grid.clearance_along(person.place, goal) > person.radius:
                person.goal, person.waited_s = goal, 0.0
                return

    def _aside(self, person: _Person, robot: Pose, way: Points) -> tuple[float, float]:
        """Of the places a few steps away, one well off the way, and near."""
        room = min(_PAST_ROBOT_M, robot.distance(*person.place)) - 0.01
        best, best_worth = person.place, -math.inf
        for turn in range(_DIRECTIONS):
            for length in _SIDESTEPS_M:
                goal = _onward(person, math.tau * turn / _DIRECTIONS, length)
                worth = min(_away(way, goal), _ASIDE_M) - 0.1 * length
                if worth > best_worth and _passes(person.place, goal, robot, room):
                    free = self._grid.clearance_along(person.place, goal) > SIDEWAYS_RADIUS_M
                    if free or not length:
                        best, best_worth = goal, worth
        return best

    def _walk(self, person: _Person, dt_s: float, robot: Pose, keep: float) -> None:
        left = math.dist(person.place, person.goal)
        share = person.speed * dt_s / left
        x = person.x + (person.goal[0] - person.x) * share
        y = person.y + (person.goal[1] - person.y) * share
        aside = person.radius == SIDEWAYS_RADIUS_M
        room = _PAST_ROBOT_M if aside else person.radius + keep
        away = robot.distance(x, y)
        if away >= room or away >= robot.distance(person.x, person.y):
            person.x, person.y = x, y
            return
        person.waited_s += dt_s
        if person.waited_s > _PATIENCE_S:
            self._choose_way(person)


def _onward(person: _Person, heading: float, length: float) -> tuple[float, float]:
    return person.x + length * math.cos(heading), person.y + length * math.sin(heading)


def _away(way: Points, place: tuple[float, float]) -> float:
    """Metres from a place to the nearest point of a way."""
    if not len(way):
        return math.inf
    return float(np.hypot(way[:, 0] - place[0], way[:, 1] - place[1]).min())


def _passes(start: tuple[float, float], end: tuple[float, float], robot: Pose, room: float) -> bool:
    """Whether a straight step keeps `room` from the robot's middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = (robot.x - start[0]) * dx + (robot.y - start[1]) * dy
    share = min(max(along / max(dx * dx + dy * dy, 1e-9), 0.0), 1.0)
    return robot.distance(start[0] + share * dx, start[1] + share * dy) >= room
