"""Does a robot that drives 10,000 missions grow? One that never rests, in simulated time, on short drives."""

import math
import os
from pathlib import Path

import numpy as np

from benchmarks.processes import memory
from benchmarks.report import Row
from edge.domain.waypoints import Waypoint
from ros_nodes.driving import Site
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import FREE, OCCUPIED, OccupancyGrid
from ros_nodes.navigation.site_file import link
from ros_nodes.simulation.rehearsal import Rehearsal
from ros_nodes.simulation.scan import Laser

MISSIONS, FIRST = 10_000, 1_000
QUICK_SHARE = 0.01
NICE = 10
STOPS = 16
MOST_GROWTH_MIB = 2.0


def run(place: Path, *, quick: bool) -> list[Row]:
    del place
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    share = QUICK_SHARE if quick else 1.0
    missions, first = round(MISSIONS * share), round(FIRST * share)
    site = _round()
    here = site.waypoints[0]
    robot = Rehearsal(site, Pose(here.x, here.y, here.theta), laser=Laser(beams=36))
    sizes, arrived = {}, 0
    for number in range(1, missions + 1):
        arrived += robot.run(site.waypoints[number % len(site.waypoints)].id).arrived
        if number % first == 0:
            sizes[number] = memory(os.getpid()).rss
            print(
                f"  {number} missions: {sizes[number]:.1f} MiB, {robot.now / 3600:.1f} h",
                flush=True,
            )
    growth = sizes[missions] - sizes[first]
    return [
        Row("memory of missions", f"RSS after {first} missions", sizes[first], "MiB"),
        Row("memory of missions", f"RSS after {missions} missions", sizes[missions], "MiB"),
        Row("memory of missions", "growth between", growth, "MiB", MOST_GROWTH_MIB),
        Row("memory of missions", "of them done", 100 * arrived / missions, "%"),
    ]


def _round() -> Site:
    """A room with a round of short lanes."""
    cells = np.full((80, 110), OCCUPIED, np.int8)
    cells[2:-2, 2:-2] = FREE
    grid = OccupancyGrid(cells, 0.05, Pose(0.0, 0.0))
    turns = [math.tau * number / STOPS for number in range(STOPS)]
    places = [
        Waypoint(
            f"stop-{number}",
            "",
            "",
            2.7 + math.cos(turn),
            2.0 + math.sin(turn),
            theta=turn + math.pi / 2,
        )
        for number, turn in enumerate(turns)
    ]
    lanes = [
        link(a, b, width_m=1.0, speed_limit_m_s=0.5)
        for a, b in zip(places, [*places[1:], places[0]], strict=True)
    ]
    return Site(grid, places, lanes)
