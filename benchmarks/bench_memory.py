"""Memory of each process, and the CPU of a robot that stands and waits: what it costs all day."""

import time
from pathlib import Path

from benchmarks.processes import cpu_s, memory
from benchmarks.report import Row
from benchmarks.robot import running

AIM_MIB = 350.0
NOT_OURS = {"broker", "central"}
"""On a real robot they are elsewhere."""
SETTLE_S = 5.0
STANDING_S = 30.0


def run(place: Path, *, quick: bool) -> list[Row]:
    with running(place / "data") as robot:
        time.sleep(SETTLE_S)
        pids = robot.processes()
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        began = time.monotonic()
        time.sleep(SETTLE_S if quick else STANDING_S)
        took = time.monotonic() - began
        percent = {name: 100 * (cpu_s(pid) - before[name]) / took for name, pid in pids.items()}
        sizes = {name: memory(pid) for name, pid in pids.items()}
    ours = [name for name in sorted(sizes) if name not in NOT_OURS]
    rows = [Row("memory", f"{name}, RSS", sizes[name].rss, "MiB") for name in sorted(sizes)]
    rows += [
        Row(
            "memory",
            "all but broker and central, RSS",
            sum(sizes[one].rss for one in ours),
            "MiB",
            AIM_MIB,
        ),
        Row(
            "memory", "all but broker and central, PSS", sum(sizes[one].pss for one in ours), "MiB"
        ),
    ]
    rows += [Row("standing", f"{name}, CPU", percent[name], "%") for name in sorted(percent)]
    rows.append(
        Row("standing", "all but broker and central, CPU", sum(percent[one] for one in ours), "%")
    )
    return rows
