"""Does a robot that drives 10,000 missions grow? One that never rests, in simulated time, on short drives."""

import os
import random
from pathlib import Path

from benchmarks.processes import memory
from benchmarks.report import Row
from ros_nodes.navigation.geometry import Pose
from ros_nodes.simulation.missions import MAZE, find_course
from ros_nodes.simulation.rehearsal import Rehearsal
from ros_nodes.simulation.scan import Laser

MISSIONS, FIRST = 10_000, 1_000
QUICK_SHARE = 0.01
NICE = 10
MOST_GROWTH_MIB = 2.0


def run(place: Path, *, quick: bool) -> list[Row]:
    del place
    os.nice(NICE)
    share = QUICK_SHARE if quick else 1.0
    missions, first = round(MISSIONS * share), round(FIRST * share)
    site = find_course(MAZE).site
    near: dict[str, list[str]] = {waypoint.id: [] for waypoint in site.waypoints}
    for lane in site.lanes:
        near[lane.start].append(lane.end)
        near[lane.end].append(lane.start)
    chance = random.Random(1)
    here = site.waypoints[0]
    robot = Rehearsal(site, Pose(here.x, here.y, here.theta), laser=Laser(beams=60))
    at, sizes, arrived = here.id, {}, 0
    for number in range(1, missions + 1):
        at = chance.choice(near[at])
        arrived += robot.run(at).arrived
        if number in (first, missions):
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
