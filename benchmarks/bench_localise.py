"""Where the robot believes to be: how far off, what it costs, and how soon a carried robot notices.

The robot drives in simulated time among people; the real library's map is left out where it is not there.
"""

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.report import Row
from edge.domain.errors import SetupError
from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.missions import DEMO, LIBRARY, Course, find_course
from ros_nodes.simulation.rehearsal import Rehearsal
from ros_nodes.simulation.scan import Laser, Scanner, to_points
from tests.support.carried import Carried

PEOPLE = 6
DRIVEN_S = 1200.0
LEG_S = 120.0
"""After so long another goal is taken, whatever is in the way."""
WITHIN_MM = 50.0
NOTICED_S = 2.0
CARRIED = {"0.3 m": (0.3, 0.0), "1 m": (1.0, 0.0), "5 m": (5.0, 0.0), "90 degrees": (0.0, 90.0)}
BEAMS = (180, 720)
STANDS = Pose(0.0, 0.0)


def run(place: Path, *, quick: bool) -> list[Row]:
    rows = []
    for name in (DEMO, LIBRARY):
        try:
            course = find_course(name)
        except SetupError:
            continue
        rows += _driven(course, 60.0 if quick else DRIVEN_S)
        rows += _carried(course, 5 if quick else 100)
    for beams in BEAMS:
        rows += _cost(find_course(DEMO).site.grid, beams, 20 if quick else 300)
    return [*rows, _odometry(200 if quick else 5_000)]


# How far off


def _driven(course: Course, seconds: float) -> list[Row]:
    """Errors at each tick of control, and how often a place that was known is doubted."""
    off: list[float] = []
    turned: list[float] = []
    known: list[bool] = []

    def look(rehearsal: Rehearsal) -> None:
        where, truth = rehearsal.whereabouts, rehearsal.world.pose
        known.append(where.known)
        if where.known:
            off.append(1e3 * truth.distance(where.pose.x, where.pose.y))
            turned.append(math.degrees(abs(wrap_angle(truth.theta - where.pose.theta))))

    chance = random.Random(1)
    first = course.stations[0]
    start = Pose(first.x, first.y, first.theta)
    rehearsal = Rehearsal(course.site, start, people=PEOPLE)
    while rehearsal.now < seconds:
        goal = chance.choice(course.stations).location_code
        rehearsal.run(goal, limit_s=LEG_S, each_tick=look, stop_at_bump=False)
    doubts = sum(before and not after for before, after in pairwise(known))
    named = f"{course.name}, {seconds / 60:.0f} min:"
    p95_mm, p95_turned = (float(np.percentile(each, 95)) for each in (off, turned))
    return [
        Row("localise", f"{named} error, median", statistics.median(off), "mm"),
        Row("localise", f"{named} error, p95", p95_mm, "mm", WITHIN_MM),
        Row("localise", f"{named} error, most", max(off), "mm"),
        Row("localise", f"{named} heading, median", statistics.median(turned), "degrees"),
        Row("localise", f"{named} heading, p95", p95_turned, "degrees"),
        Row("localise", f"{named} heading, most", max(turned), "degrees"),
        Row("localise", f"{named} false alarms", doubts, "", 0),
    ]


# Carried


def _carried(course: Course, count: int) -> list[Row]:
    """Of robots that stand and are carried: how long a wrong place is believed."""
    rows = []
    for said, (metres, degrees) in CARRIED.items():
        took = [
            _noticed(course.site.grid, pose, to, seed)
            for seed, pose, to in _places(course.site.grid, count, metres, math.radians(degrees))
        ]
        noticed = [seconds for seconds in took if math.isfinite(seconds)]
        named = f"{course.name}, carried {said}:"
        rows += [
            Row("localise", f"{named} noticed after, p50", statistics.median(noticed), "s"),
            Row("localise", f"{named} noticed after, most", max(noticed), "s", NOTICED_S),
            Row("localise", f"{named} not within 4 s", len(took) - len(noticed), f"of {len(took)}"),
        ]
    return rows


def _places(
    grid: OccupancyGrid, count: int, metres: float, turn: float
) -> Iterator[tuple[int, Pose, Pose]]:
    """Seeds, free places, and free places at that distance from them."""
    chance = random.Random(2)
    cells = np.argwhere(grid.passable(0.25))
    while count:
        x, y = grid.centre(*cells[chance.randrange(len(cells))].tolist())
        way, theta = chance.uniform(-math.pi, math.pi), chance.uniform(-math.pi, math.pi)
        to = Pose(x + metres * math.cos(way), y + metres * math.sin(way), theta + turn)
        if grid.clearance_at(to.x, to.y) > 0.22:
            count -= 1
            yield count, Pose(x, y, theta), to


def _noticed(grid: OccupancyGrid, pose: Pose, to: Pose, seed: int) -> float:
    robot = Carried(grid, pose, people=PEOPLE, seed=seed)
    robot.go(2.0 + 0.1 * (seed % 10))
    robot.world.place(to)
    return robot.seconds_until_noticed()


# What it costs


def _cost(grid: OccupancyGrid, beams: int, rounds: int) -> list[Row]:
    laser = Laser(beams=beams)
    scanner, localiser = Scanner(grid, laser), Localiser(grid)
    chance = random.Random(3)
    cells = np.argwhere(grid.passable(0.4))
    correct, search, anyhow = [], [], []
    for _ in range(rounds):
        x, y = grid.centre(*cells[chance.randrange(len(cells))].tolist())
        pose = Pose(x, y, chance.uniform(-3.0, 3.0))
        points = to_points(scanner.scan(pose), laser.angles)
        localiser.start(pose, STANDS)
        search.append(_ms(partial(localiser.correct, points, STANDS)))
        correct.append(_ms(partial(localiser.correct, points, STANDS)))
        far = pose.compose(Pose(0.9, 0.7, 2.0))
        anyhow.append(_ms(partial(localiser.find, points, (far,), STANDS)))
    named = f"{beams} beams, CPU:"
    return [
        Row("localise", f"{named} a scan", statistics.median(correct), "ms"),
        Row("localise", f"{named} a scan, searched nearby", statistics.median(search), "ms"),
        Row("localise", f"{named} a start, searched anyhow", statistics.median(anyhow), "ms"),
    ]


def _odometry(count: int) -> Row:
    robot = Carried(find_course(DEMO).site.grid, Pose(12.0, 10.5, 1.57))
    robot.go(1.0)
    took = []
    for _ in range(count):
        robot.world.step(0.02, 0.0, 0.0)
        reading = robot.reading()
        took.append(_ms(partial(robot.where.on_odometry, reading)) * 1e3)
    return Row("localise", "a reading of odometry, CPU", statistics.median(took), "us")


def _ms(work: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began) / 1e6
