"""People who walk about in the library, stand for a while, and wait for the robot, but not long."""

import math
import random
from dataclasses import dataclass

import numpy as np

from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.world import Circle

PERSON_RADIUS_M = 0.25
_SPEEDS_M_S = (0.5, 1.2)
_STAND_S = (1.0, 15.0)
_LONGEST_WALK_M = 8.0
_KEEP_FROM_ROBOT_M = 0.35
_PATIENCE_S = 3.0
_FIRST_M = 1.5
"""Nobody is nearer to the robot at first."""


@dataclass(slots=True)
class _Person:
    x: float
    y: float
    goal: tuple[float, float]
    speed: float
    stand_s: float
    waited_s: float = 0.0


class Crowd:
    """Walks in straight lines over free space, from a seed."""

    def __init__(
        self, grid: OccupancyGrid, count: int = 0, *, seed: int = 1, robot: Pose | None = None
    ) -> None:
        """`robot`: where it stands; nobody comes into being right beside it."""
        self._grid = grid
        self._random = random.Random(seed)
        self._cells = np.argwhere(grid.passable(PERSON_RADIUS_M))
        if robot is not None:
            x, y = grid.centres(self._cells).T
            self._cells = self._cells[np.hypot(x - robot.x, y - robot.y) > _FIRST_M]
        self._people = [self._arrive() for _ in range(count if len(self._cells) else 0)]

    @property
    def circles(self) -> list[Circle]:
        return [(person.x, person.y, PERSON_RADIUS_M) for person in self._people]

    def step(self, dt_s: float, robot: Pose) -> list[Circle]:
        """Go on by `dt_s` seconds. Nobody walks into the robot; it may well drive into somebody."""
        for person in self._people:
            if person.stand_s > 0:
                person.stand_s -= dt_s
            elif math.dist((person.x, person.y), person.goal) < person.speed * dt_s:
                self._set_out(person)
            else:
                self._walk(person, dt_s, robot)
        return self.circles

    def _arrive(self) -> _Person:
        x, y = self._grid.centre(*self._cells[self._random.randrange(len(self._cells))].tolist())
        return _Person(x, y, (x, y), self._random.uniform(*_SPEEDS_M_S), 0.0)

    def _set_out(self, person: _Person) -> None:
        """Stand for a while, then go to some place in sight."""
        person.stand_s = self._random.uniform(*_STAND_S)
        self._choose_way(person)

    def _choose_way(self, person: _Person) -> None:
        for _ in range(20):
            heading = self._random.uniform(-math.pi, math.pi)
            length = self._random.uniform(1.0, _LONGEST_WALK_M)
            goal = (
                person.x + length * math.cos(heading),
                person.y + length * math.sin(heading),
            )
            if self._grid.clearance_along((person.x, person.y), goal) > PERSON_RADIUS_M:
                person.goal, person.waited_s = goal, 0.0
                return

    def _walk(self, person: _Person, dt_s: float, robot: Pose) -> None:
        left = math.dist((person.x, person.y), person.goal)
        share = person.speed * dt_s / left
        x = person.x + (person.goal[0] - person.x) * share
        y = person.y + (person.goal[1] - person.y) * share
        room = PERSON_RADIUS_M + _KEEP_FROM_ROBOT_M
        nearer = robot.distance(x, y) < robot.distance(person.x, person.y)
        if not (nearer and robot.distance(x, y) < room):
            person.x, person.y = x, y
        else:
            person.waited_s += dt_s
            if person.waited_s > _PATIENCE_S:
                self._choose_way(person)
