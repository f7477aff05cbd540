"""Missions from seeds on three maps, among people: done or not, touched or not, how far, how long, how exactly.

What fails is named with its seed: `luna replay SEED --map NAME --out FILE.png` shows it again.
"""

import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Row
from ros_nodes.navigation.errors import Reason
from ros_nodes.simulation.missions import (
    COURSES,
    LIBRARY,
    Course,
    choose_mission,
    find_course,
    measure,
    real_map,
    rehearse,
)
from ros_nodes.simulation.rehearsal import Outcome, Rehearsal

MISSIONS, QUICK_MISSIONS = 100, 5
NICE = 10
GOAL_M, GOAL_DEG = 0.10, 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """One mission. `length` and `time` are ratios to the best."""

    seed: int
    outcome: Outcome
    length: float
    time: float
    tick_s: tuple[float, ...]


class Timed(Rehearsal):
    """Notes the CPU time of each look of the control."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.ticks: list[float] = []

    def _control(self, goal: str) -> None:
        began = time.thread_time()
        super()._control(goal)
        self.ticks.append(time.thread_time() - began)


def run(place: Path, *, quick: bool) -> list[Row]:
    del place
    count = QUICK_MISSIONS if quick else MISSIONS
    names = [name for name in COURSES if name != LIBRARY or real_map().is_file()]
    if len(names) < len(COURSES):
        print(f"  without the real library: {real_map()} is missing (set LUNA_SHARED)")
    rows: list[Row] = []
    ticks: list[float] = []
    with multiprocessing.get_context("spawn").Pool(
        os.cpu_count(), os.setpriority, (os.PRIO_PROCESS, 0, NICE)
    ) as pool:
        for name in names:
            done = pool.starmap(_mission, [(name, seed) for seed in range(1, count + 1)], 1)
            rows += _rows(name, done)
            ticks += [tick for one in done for tick in one.tick_s]
            _name_failures(name, done)
            print(f"  {name}: {count} missions", flush=True)
    rows.append(Row("control", "CPU of a look, median", 1e6 * float(np.median(ticks)), "us"))
    rows.append(Row("control", "CPU of a look, p99", 1e6 * float(np.quantile(ticks, 0.99)), "us"))
    return rows


@cache
def _course(name: str) -> Course:
    return find_course(name)


def _mission(name: str, seed: int) -> Done:
    course = _course(name)
    mission = choose_mission(course, seed)
    robot = rehearse(course, mission, Timed)
    outcome = robot.run(mission.goal.location_code)
    best = measure(course, mission)
    length = best.length_m
    if outcome.route is not None:  # where corners can be cut, the plan is shorter than the lanes
        length = min(length, outcome.route.length_m)
    slim = replace(outcome, route=None)
    return Done(
        seed, slim, outcome.driven_m / length, outcome.seconds / best.time_s, tuple(robot.ticks)
    )


def _rows(name: str, done: Sequence[Done]) -> list[Row]:
    arrived = [one for one in done if one.outcome.arrived]
    group = f"missions, {name}"
    rows = [
        Row(group, "missions", len(done), ""),
        Row(group, "done without help", 100 * len(arrived) / len(done), "%", 99.0, at_least=True),
        Row(group, "collisions", sum(one.outcome.collisions for one in done), "", 0.0),
        Row(
            group, "people walked into the robot", sum(one.outcome.walked_into for one in done), ""
        ),
        Row(group, "least gap", min(one.outcome.least_gap_m for one in done), "m"),
        Row(group, "people asked to step aside", sum(one.outcome.asked for one in done), ""),
    ]
    if not arrived:
        return rows
    off_m = [one.outcome.goal_error_m for one in arrived]
    off_deg = [math.degrees(one.outcome.goal_error_rad) for one in arrived]
    return [
        *rows,
        Row(
            group,
            "length against the best, median",
            _share([one.length for one in arrived], 0.5),
            "",
            1.10,
        ),
        Row(
            group, "length against the best, p95", _share([one.length for one in arrived], 0.95), ""
        ),
        Row(
            group,
            "time against the best, median",
            _share([one.time for one in arrived], 0.5),
            "",
            1.25,
        ),
        Row(group, "time against the best, p95", _share([one.time for one in arrived], 0.95), ""),
        Row(group, "goal error, p95", _share(off_m, 0.95), "m", GOAL_M),
        Row(group, "goal error, worst", max(off_m), "m"),
        Row(group, "heading error, p95", _share(off_deg, 0.95), "deg", GOAL_DEG),
        Row(group, "heading error, worst", max(off_deg), "deg"),
    ]


def _share(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share))


def _name_failures(name: str, done: Sequence[Done]) -> None:
    for one in done:
        outcome = one.outcome
        if not outcome.arrived or outcome.collisions or outcome.walked_into:
            reason = (outcome.reason or Reason.NONE).name
            print(
                f"  {name} seed {one.seed}: {reason} after {outcome.seconds:.0f} s, "
                f"{outcome.collisions} collisions, {outcome.walked_into} walked into it ({outcome.message})",
                flush=True,
            )
