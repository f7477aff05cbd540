"""Missions: drives from place to place on a map, each all that its seed says: start, goal, drift, slip, noise
of the sensors, and people who walk about.

What a mission is measured against comes from the lanes alone and not from the planner: the shortest way
over them, and the least time that their speed limits and the robot's acceleration allow.
"""

import heapq
import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge.domain.errors import SetupError
from edge.domain.waypoints import Lane, Waypoint
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.propose import propose
from ros_nodes.simulation.demo_library import demo_site, draw_library
from ros_nodes.simulation.maze import make_maze
from ros_nodes.simulation.rehearsal import Outcome, Rehearsal
from ros_nodes.simulation.scan import Laser
from ros_nodes.simulation.world import Body

DEMO, LIBRARY, MAZE = "demo", "library", "maze"
COURSES = (DEMO, LIBRARY, MAZE)
MAZE_SEED = 1
PEOPLE = {DEMO: 5, LIBRARY: 4, MAZE: 3}
PEOPLE_ELSEWHERE = 4
SHORTEST_M = 4.0
"""A mission is no shorter than this, by its straight line."""
_PUT_M, _PUT_RAD = 0.05, math.radians(5)
"""How far the robot stands from where it believes to stand at first."""
R = TypeVar("R", bound=Rehearsal)


@dataclass(frozen=True, eq=False)
class Course:
    """A map with its places and lanes, and how many people walk about there."""

    name: str
    site: Site
    people: int

    @property
    def stations(self) -> list[Waypoint]:
        """Places with a sign."""
        return [place for place in self.site.waypoints if place.location_code]


@dataclass(frozen=True, slots=True)
class Mission:
    """`start` is where the robot truly stands; it believes to be at the waypoint `origin`."""

    seed: int
    origin: Waypoint
    goal: Waypoint
    start: Pose
    body: Body
    laser: Laser


@dataclass(frozen=True, slots=True)
class Measure:
    """The shortest way over the lanes in m, and the least time that their limits allow in s."""

    length_m: float
    time_s: float


def real_map() -> Path:
    """The map of a real library, which is not in the repository: in $LUNA_SHARED, else beside the clone."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("LUNA_SHARED", beside)) / "library_map.yaml"


def find_course(name: str) -> Course:
    """By name, or by the path of a map, whose places are proposed. Raises SetupError."""
    people = PEOPLE.get(name, PEOPLE_ELSEWHERE)
    if name == DEMO:
        drawn = demo_site()
        return Course(name, Site(draw_library(), drawn.waypoints, drawn.lanes), people)
    if name == MAZE:
        maze = make_maze(MAZE_SEED)
        return Course(name, Site(maze.grid, maze.site.waypoints, maze.site.lanes), people)
    path = real_map() if name == LIBRARY else Path(name)
    if not path.is_file():
        said = f"There is no map {path}."
        raise SetupError(said, hint=f"Give one of {', '.join(COURSES)}, or the YAML file of a map.")
    grid = load_map(path)
    proposed = propose(grid, Limits().radius_m)
    return Course(name, Site(grid, proposed.waypoints, proposed.lanes), people)


def choose_mission(course: Course, seed: int) -> Mission:
    """The mission of a seed."""
    chance = random.Random(f"mission {seed}")
    while True:
        origin, goal = chance.sample(course.stations, 2)
        if math.dist((origin.x, origin.y), (goal.x, goal.y)) >= SHORTEST_M:
            break
    start = Pose(
        origin.x + chance.uniform(-_PUT_M, _PUT_M),
        origin.y + chance.uniform(-_PUT_M, _PUT_M),
        origin.theta + chance.uniform(-_PUT_RAD, _PUT_RAD),
    )
    body = Body(
        slip=chance.uniform(0.0, 0.03),
        wheel_drift=chance.uniform(0.0, 0.03),
        heading_drift=chance.uniform(0.0, 0.02),
    )
    return Mission(seed, origin, goal, start, body, Laser(noise_m=chance.uniform(0.005, 0.02)))


def rehearse(course: Course, mission: Mission, kind: type[R]) -> R:
    """The robot of a mission, ready to go; `kind` is Rehearsal, or one that also looks at something."""
    return kind(
        course.site,
        mission.start,
        seed=mission.seed,
        told=Pose(mission.origin.x, mission.origin.y, mission.origin.theta),
        people=course.people,
        body=mission.body,
        laser=mission.laser,
    )


def run_mission(course: Course, seed: int) -> Outcome:
    mission = choose_mission(course, seed)
    return rehearse(course, mission, Rehearsal).run(mission.goal.location_code)


def measure(course: Course, mission: Mission, limits: Limits | None = None) -> Measure:
    """What the mission would take at best."""
    limits = limits or Limits()
    length, _ = _least(course.site, mission, lambda lane: lane.length_m)
    time_s, last = _least(
        course.site,
        mission,
        lambda lane: lane.length_m / min(lane.speed_limit_m_s, limits.max_speed_m_s),
    )
    top = min(last.speed_limit_m_s, limits.max_speed_m_s)
    return Measure(length, time_s + top / limits.max_acceleration_m_s2)


def _least(site: Site, mission: Mission, cost: Callable[[Lane], float]) -> tuple[float, Lane]:
    """The least sum of costs from origin to goal, and the last lane (Dijkstra)."""
    onward: dict[str, list[tuple[str, Lane]]] = {place.id: [] for place in site.waypoints}
    for lane in site.lanes:
        if not lane.closed:
            onward[lane.start].append((lane.end, lane))
            if not lane.one_way:
                onward[lane.end].append((lane.start, lane))
    number = 0
    heap: list[tuple[float, int, str, Lane | None]] = [(0.0, number, mission.origin.id, None)]
    done = set()
    while heap:
        sum_, _, place, last = heapq.heappop(heap)
        if place == mission.goal.id and last is not None:
            return sum_, last
        if place in done:
            continue
        done.add(place)
        for near, lane in onward[place]:
            number += 1
            heapq.heappush(heap, (sum_ + cost(lane), number, near, lane))
    raise ValueError(f"no way from {mission.origin.id} to {mission.goal.id}")
