"""All ROS nodes in one process against one node in a process of its own (each brings its own DDS)."""

import os
import statistics
import time
from pathlib import Path

from benchmarks.processes import memory
from benchmarks.report import Row
from benchmarks.robot import running
from edge.settings import load
from edge.supervisor.process import Child
from edge.supervisor.ros_environment import ros_environment
from edge.supervisor.roster import ROS

NODES = ("base", "emergency_stop", "navigator", "task_runner")
NODE_MIB = 1.5
"""What a further node may cost."""
AIM_RATIO = 1.15
SETTLE_S = 3.0


def run(place: Path, *, quick: bool) -> list[Row]:
    data_dir = place / "data"
    with running(data_dir):
        pass  # only so that there is a library
    rounds = 1 if quick else 3
    alone = {name: statistics.median(_rss(data_dir, name) for _ in range(rounds)) for name in NODES}
    together = statistics.median(_rss(data_dir, *NODES) for _ in range(rounds))
    heaviest = max(alone.values())
    floor = heaviest + NODE_MIB * (len(NODES) - 1)
    return [
        *(Row("ROS memory", f"{name} alone, RSS", size, "MiB") for name, size in alone.items()),
        Row("ROS memory", "four processes of one node, RSS", sum(alone.values()), "MiB"),
        Row("ROS memory", "all nodes in one process, RSS", together, "MiB"),
        Row(
            "ROS memory",
            "all in one / (heaviest one + 1.5 MiB each)",
            together / floor,
            "",
            AIM_RATIO,
        ),
    ]


def _rss(data_dir: Path, *nodes: str) -> float:
    """MiB of a ROS process with these nodes, some seconds after it is up."""
    settings = load(data_dir)
    environment = {**os.environ, **ros_environment(settings), "MALLOC_ARENA_MAX": "2"}
    child = Child(ROS, {"data_dir": str(data_dir)}, environment, data_dir / "logs")
    child.arguments += [word for name in nodes for word in ("--node", name)]
    child.start(time.monotonic())
    try:
        time.sleep(SETTLE_S)
        child.listen(time.monotonic())
        if not child.ready or child.pid is None:
            raise RuntimeError(f"the ROS process did not come up: {child.log}")
        return memory(child.pid).rss
    finally:
        child.close()
