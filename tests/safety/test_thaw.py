"""S11, for the nodes between navigator and gate: frozen for a while and thawed, they pass on no velocity from before.

The test plays the navigator: it commands on into the frozen node, so that a velocity waits there, and falls silent
before the thaw. What moves the wheels after that is old.
"""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import numpy as np
import pytest
from geometry_msgs.msg import Twist
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from edge.settings import load
from edge.supervisor.ros_environment import ros_environment
from ros_nodes import convert, qos
from tests.safety.conftest import COUNTS, Counts
from tests.support.board import Bench, bench, until
from tests.support.figures import Figures
from tests.support.ros import ros_context

BEAMS = 180
SCAN_S, COMMAND_S, STEP_S = 0.1, 0.05, 0.002
START_S = 40.0
SHORTEST_S, LONGEST_S = 0.1, 1.0
OLD_S = 0.16
"""A command of this age moves nothing."""
WATCHED_S = 0.4
NODES = ("base", "emergency_stop")

pytestmark = pytest.mark.timeout(3600 if COUNTS.full else 120)


class Chain:
    """The two nodes, each a process, before a real gate and a board that is here. `commands`: velocities come."""

    def __init__(self, made: Bench, stack: ExitStack) -> None:
        self.bench = made
        made.beating = {"supervisor"}
        settings = load(made.data_dir)
        self.processes = {
            node: subprocess.Popen(
                [
                    *(sys.executable, "-m", "ros_nodes", "--data-dir", str(made.data_dir)),
                    *("--node", node),
                ],
                env={**os.environ, **ros_environment(settings), "LUNA_LOG": "file"},
            )
            for node in NODES
        }
        for process in self.processes.values():
            stack.callback(process.wait)
            stack.callback(process.kill)
        self.commands = True
        self._node = Node("navigator_in_the_test")
        stack.callback(self._node.destroy_node)
        self._velocity = self._node.create_publisher(Twist, "cmd_vel_nav", qos.COMMAND)
        self._scan = self._node.create_publisher(LaserScan, "scan", qos.SENSOR)
        self._next_scan = self._next_command = 0.0

    def pump(self) -> bool:
        """Publish what is due; whether the wheels are commanded to turn."""
        now = time.monotonic()
        if now >= self._next_scan:
            self._next_scan = now + SCAN_S
            stamp = self._node.get_clock().now().to_msg()
            free = np.full(BEAMS, 5.0)
            self._scan.publish(convert.scan_message(free, -math.pi, math.tau / BEAMS, stamp))
        if self.commands and now >= self._next_command:
            self._next_command = now + COMMAND_S
            self._velocity.publish(convert.twist(0.3, 0.0))
        time.sleep(STEP_S)
        return not self.bench.commanded_zero()

    def pump_for(self, seconds: float) -> int:
        """How many looks saw the wheels commanded to turn."""
        end = time.monotonic() + seconds
        moving = 0
        while time.monotonic() < end:
            moving += self.pump()
        return moving

    def until_moving(self) -> None:
        self.commands = True
        until(
            lambda: self.pump() and self.bench.board.commanded()[0] > 0.0,
            "the wheels turn",
            within_s=START_S,  # at first the nodes have to start and to find each other
        )


@pytest.fixture
def chain(tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("LUNA_ROS__DOMAIN_ID", str(ros_domain))
    with bench(tmp_path) as made, ros_context(), ExitStack() as stack:
        yield Chain(made, stack)


def test_a_thawed_node_passes_on_no_velocity_from_before(
    chain: Chain, counts: Counts, figures: Figures
) -> None:
    random = Random(11)
    moved, longest = 0, 0.0
    for n in range(counts.thaws):
        chain.until_moving()
        frozen = (*((node,) for node in NODES), NODES)[n % 3]
        for node in frozen:
            chain.processes[node].send_signal(signal.SIGSTOP)
        frozen_s = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** random.random()
        chain.pump_for(frozen_s)
        chain.commands = False
        chain.pump_for(OLD_S)
        until(chain.bench.commanded_zero, "the wheels are commanded zero")
        longest = max(longest, frozen_s + OLD_S)
        for node in frozen:
            chain.processes[node].send_signal(signal.SIGCONT)
        moved += chain.pump_for(WATCHED_S) > 0
    figures.note(
        "S11 nodes frozen and thawed",
        n=counts.thaws,
        longest_s=round(longest, 2),
        moved_without_command=moved,
    )
    assert not moved
