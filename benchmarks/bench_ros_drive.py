"""The ROS process while it drives: how even its control loop is, its CPU, and how soon a cancelled drive stands."""

import os
import statistics
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.processes import cpu_s
from benchmarks.report import Row
from tests.support.cancelling import STAND_S, Cancelled, Canceller
from tests.support.moving import make_library, moving_robot

CONTROL_S = 0.05
JITTER_MS = 5.0
CPU_PERCENT = 35.0
ZERO_S = 0.1
THERE, BACK = "ROOM-101", "DESK-2"
LONG_WAY = "ROOM-106"


def run(place: Path, *, quick: bool) -> list[Row]:
    data_dir = place / "data"
    make_library(data_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 39))
        patch.setenv("ROS_LOG_DIR", str(data_dir / "logs"))
        with (
            moving_robot(data_dir, TASKS__IDLE_DOCK_S="600") as moving,
            Canceller(data_dir / "run") as canceller,
        ):
            cancels = _cancels(canceller, 1 if quick else 3)
            pid = moving.processes["ros"].pid
            cruise = _cruise(canceller, pid, 2.0 if quick else 20.0)
    return [*cruise, *cancels]


def _cruise(canceller: Canceller, pid: int, seconds: float) -> list[Row]:
    """On a long way, from its full speed on."""
    canceller.drive(LONG_WAY, until="cruising")
    canceller.commanded_at.clear()
    cpu, began = cpu_s(pid), time.monotonic()
    canceller.listen(seconds)
    share = 100 * (cpu_s(pid) - cpu) / (time.monotonic() - began)
    jitter_ms = np.abs(np.diff(canceller.commanded_at) - CONTROL_S) * 1000
    late = float(np.percentile(jitter_ms, 99))
    return [
        Row("ROS drive", "control loop at 20 Hz: jitter, p50", float(np.median(jitter_ms)), "ms"),
        Row("ROS drive", "control loop at 20 Hz: jitter, p99", late, "ms", JITTER_MS),
        Row("ROS drive", "the ros process at cruise, CPU of a core", share, "%", CPU_PERCENT),
    ]


def _cancels(canceller: Canceller, rounds: int) -> list[Row]:
    found: dict[str, list[Cancelled]] = {moment: [] for moment in canceller.moments}
    for _ in range(rounds):
        for moment, each in found.items():  # the robot comes back with the last of them
            each.append(canceller.cancel(moment, BACK if moment == "arriving" else THERE))
    rows = []
    for moment, each in found.items():
        zero = max(one.zero_s for one in each)
        ended = max(one.ended_s for one in each)
        stood = max(one.stood_s for one in each)
        speed = statistics.median(one.speed_m_s for one in each)
        what = f"cancel {moment} ({speed:.2f} m/s)"
        rows += [
            Row("ROS drive", f"{what}: until zero is commanded, worst", zero, "s", ZERO_S),
            Row("ROS drive", f"{what}: until the result, worst", ended, "s", STAND_S),
            Row("ROS drive", f"{what}: until it stands, worst", stood, "s", STAND_S),
        ]
    return rows
