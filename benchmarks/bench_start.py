"""From `luna sim` to `ready`: what everybody waits for who tries, tests or changes the robot."""

import statistics
from pathlib import Path

from benchmarks.report import Row
from benchmarks.robot import running

AIM_S = 6.0
STARTS = 5


def run(place: Path, *, quick: bool) -> list[Row]:
    """The first start makes the library; the later ones only start."""
    with running(place / "data") as robot:
        first_s = robot.ready_s
    later = []
    for _ in range(1 if quick else STARTS):
        with running(place / "data") as robot:
            later.append(robot.ready_s)
    return [
        Row("start", "first start to ready", first_s, "s"),
        Row("start", "second start to ready, median", statistics.median(later), "s", AIM_S),
        Row("start", "second start to ready, worst", max(later), "s"),
    ]
