"""The demo delivery at speed 1: its time against the length of its path, and no dead seconds."""

import itertools
import math
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import Row
from benchmarks.robot import running
from edge.live import SOCKET_NAME, LiveClient
from edge.settings import load

AIM_FRACTION = 0.8
LIMIT_S = 600.0


@dataclass
class Recorder:
    """What the live socket told: where the robot was, how fast, and whether it was on a drive."""

    poses: list[tuple[float, float, float, float, bool]] = field(default_factory=list)
    """Time in s, x and y in m, speed in m/s, whether it drives."""
    driving: bool = False

    def take(self, client: LiveClient) -> None:
        now = time.monotonic()
        for message in client.receive():
            if message["type"] == "navigation":
                self.driving = message["state"] not in ("IDLE", "ARRIVED")
            elif message["type"] == "pose":
                self.poses.append((now, message["x"], message["y"], message["v"], self.driving))

    def length_m(self) -> float:
        steps = itertools.pairwise(self.poses)
        return sum(math.dist(one[1:3], two[1:3]) for one, two in steps)

    def drive_s(self, faster_than: float = -1.0) -> float:
        """Time on drives, at more than a speed in m/s."""
        return sum(
            two[0] - one[0]
            for one, two in itertools.pairwise(self.poses)
            if one[4] and abs(two[3]) > faster_than
        )


def run(place: Path, *, quick: bool) -> list[Row]:
    with running(place / "data", "--no-central") as robot:
        half_m_s = load(robot.data_dir).robot.max_speed_m_s / 2
        recorder = Recorder()
        began = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "edge.cli",
            "deliver-demo",
            "--data-dir",
            str(robot.data_dir),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as story:
            _record(recorder, robot.data_dir / "run" / SOCKET_NAME, story)
        took = time.monotonic() - began
        if story.returncode != 0:
            raise RuntimeError(f"luna deliver-demo ended with {story.returncode}")
    drive_s = recorder.drive_s()
    return [
        Row("drive", "demo delivery, wall time", took, "s"),
        Row("drive", "length of its path", recorder.length_m(), "m"),
        Row("drive", "time on drives", drive_s, "s"),
        Row("drive", "mean speed on drives", recorder.length_m() / drive_s, "m/s"),
        Row(
            "drive",
            "share of the drives above half of the speed limit",
            recorder.drive_s(half_m_s) / drive_s,
            "",
            AIM_FRACTION,
            at_least=True,
        ),
    ]


def _record(recorder: Recorder, path: Path, story: subprocess.Popen[str]) -> None:
    """Until the story is told. Raises RuntimeError where it takes too long."""
    client = LiveClient(path)
    deadline = time.monotonic() + LIMIT_S
    with selectors.DefaultSelector() as selector:
        if not client.connect():
            raise RuntimeError(f"nobody listens at {path}")
        selector.register(client, selectors.EVENT_READ)
        while story.poll() is None:
            if time.monotonic() > deadline:
                story.kill()
                raise RuntimeError("the delivery takes too long")
            selector.select(0.5)
            recorder.take(client)
    client.close()
