"""What a process costs before it does anything: its imports, and from its start to ready."""

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import cpu_s, memory
from benchmarks.report import Row
from benchmarks.robot import running

MODULES = {
    "gate": "firmware_bridge.gate",
    "ros": "ros_nodes.__main__",
    "body": "ros_nodes.simulation.__main__",
    "api": "api.__main__",
    "sync": "sync.__main__",
    "central": "central.__main__",
}
READY_RATIO = 1.6
MEMORY_RATIO = 1.3
COMMAND_RATIO = 6.0
COMMANDS = (["--help"], ["settings"], ["sim", "--help"])
ROUNDS = 5
_RSS = "import re; print(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])"


def run(place: Path, *, quick: bool) -> list[Row]:
    rounds = 1 if quick else ROUNDS
    bare, _ = _cost(["-c", _RSS], rounds)
    imports = {
        name: _cost(["-P", "-c", f"import {module}; {_RSS}"], rounds)
        for name, module in MODULES.items()
    }
    ready = _at_ready(place / "data")
    rows = [Row("imports", "bare interpreter, CPU", bare * 1e3, "ms")]
    for name, (seconds, size) in imports.items():
        rows += [
            Row("imports", f"{name}, CPU of its imports", seconds * 1e3, "ms"),
            Row("imports", f"{name}, CPU to ready / imports", ready[name][0] / seconds, "x"),
            Row("imports", f"{name}, RSS at ready / imports", ready[name][1] / size, "x"),
        ]
    for at, what, aim in ((0, "CPU to ready", READY_RATIO), (1, "RSS at ready", MEMORY_RATIO)):
        ratio = sum(ready[name][at] for name in imports) / sum(one[at] for one in imports.values())
        rows.append(Row("imports", f"all of them, {what} / imports", ratio, "x", aim))
    for command in COMMANDS:
        seconds, _ = _cost(["-m", "edge.cli", *command], rounds, output=False)
        what = f"luna {' '.join(command)}, CPU / bare interpreter"
        rows.append(Row("imports", what, seconds / bare, "x", COMMAND_RATIO))
    return rows


def _cost(arguments: list[str], rounds: int, *, output: bool = True) -> tuple[float, float]:
    """CPU seconds (median) of an interpreter with `arguments`, and the MiB that it prints in KiB."""
    seconds, sizes = [], []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=True, env=os.environ
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        sizes.append(float(done.stdout.split()[-1]) / 1024 if output else 0.0)
    return statistics.median(seconds), statistics.median(sizes)


def _at_ready(data_dir: Path) -> dict[str, tuple[float, float]]:
    """CPU seconds and MiB of each process at the moment when all are ready, of a second start."""
    with running(data_dir):
        pass
    with running(data_dir) as robot:
        return {name: (cpu_s(pid), memory(pid).rss) for name, pid in robot.processes().items()}
