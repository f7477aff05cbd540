"""A `luna sim` to measure, on ports and a ROS domain of its own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import with_argument
from tests.support.ports import free_port

NAMES = {
    "edge.supervisor": "supervisor",
    "firmware_bridge.gate": "gate",
    "ros_nodes.simulation": "body",
    "ros_nodes": "ros",
    "api": "api",
    "sync": "sync",
    "central": "central",
}
"""Processes by their module; what is none of them is the broker."""


@dataclass(frozen=True, slots=True)
class Running:
    """A robot that is ready; it took `ready_s` from its command."""

    data_dir: Path
    ready_s: float
    said: list[str]

    def processes(self) -> dict[str, int]:
        """Pids by name."""
        found = {}
        for pid, words in with_argument(str(self.data_dir)).items():
            module = words[words.index("-m") + 1] if "-m" in words else ""
            found[NAMES.get(module, "broker")] = pid
        return found


@contextlib.contextmanager
def running(data_dir: Path, *options: str) -> Iterator[Running]:
    """Start it, wait until it is ready, and end it. Raises RuntimeError where it does not come up."""
    domain = 1 + os.getpid() % 39
    ours = ("--port", free_port(), "--mqtt-port", free_port(), "--domain-id", domain)
    command = [sys.executable, "-m", "edge.cli", "sim", "--data-dir", data_dir, *ours, *options]
    began = time.monotonic()
    with subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said = _until_ready(process)
            yield Running(data_dir, time.monotonic() - began, said)
        finally:
            process.terminate()
            process.wait(15)


def _until_ready(process: subprocess.Popen[str]) -> list[str]:
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.rstrip())
        if line.startswith("ready "):
            return said
    raise RuntimeError("luna sim did not become ready: " + " | ".join(said))
