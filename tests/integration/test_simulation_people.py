"""People in the world of the simulated robot, as its body runs it: before a real board's pty, with rclpy."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from edge.settings import load
from ros_nodes import qos
from ros_nodes.navigation.geometry import Pose
from ros_nodes.simulation.__main__ import make_board, make_crowd, make_world
from ros_nodes.simulation.body import BodyNode
from ros_nodes.simulation.scan import Laser, Scanner
from ros_nodes.simulation.world import World
from tests.support.moving import make_library
from tests.support.ros import ros_context

PEOPLE = 4


class Body:
    """The body of a data directory, and what its scanner says."""

    def __init__(self, data_dir: Path) -> None:
        settings = load(data_dir)
        self.world, scanner = make_world(settings, None)
        self._board = make_board(settings)
        crowd = make_crowd(settings, self.world)
        node = BodyNode(self._board, self.world, scanner, crowd, speed=1.0, start_s=time.time())
        peer = Node("peer")
        self.scans: list[LaserScan] = []
        peer.create_subscription(LaserScan, "scan", self.scans.append, qos.SENSOR)
        self._nodes = (node, peer)
        self._executor = SingleThreadedExecutor()
        for one in self._nodes:
            self._executor.add_node(one)

    def until(self, condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        for one in self._nodes:
            self._executor.remove_node(one)
            one.destroy_node()
        self._executor.shutdown()
        self._board.close()


@pytest.fixture
def people() -> int:
    return PEOPLE


@pytest.fixture
def body(
    tmp_path: Path, ros_domain: int, people: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Body]:
    make_library(tmp_path / "data")
    monkeypatch.setenv("LUNA_SIM__PEOPLE", str(people))
    with contextlib.ExitStack() as stack:
        stack.enter_context(ros_context())
        body = Body(tmp_path / "data")
        stack.callback(body.close)
        yield body


def beside_a_person(world: World) -> Pose:
    """A place for the robot from which nothing hides one of the people."""
    for x, y, _ in world.people:
        for turn in range(8):
            at = x + math.cos(turn * math.pi / 4), y + math.sin(turn * math.pi / 4)
            if world.grid.clearance_along(at, (x, y)) > 0.2:
                return Pose(*at)
    raise AssertionError("nobody stands free")


def test_people_walk_and_the_scanner_sees_them(body: Body) -> None:
    body.until(lambda: body.world.people)
    first = list(body.world.people)
    assert len(first) == PEOPLE
    body.until(lambda: any(a != b for a, b in zip(first, body.world.people, strict=True)))

    here = beside_a_person(body.world)
    body.world.place(here)
    walls = Scanner(body.world.grid, Laser(noise_m=0.0)).scan(here)
    body.scans.clear()
    body.until(lambda: any(np.any(np.array(scan.ranges) < walls - 0.2) for scan in body.scans))


@pytest.mark.parametrize("people", [0])
def test_the_library_is_empty_unless_people_are_asked_for(body: Body) -> None:
    body.until(lambda: body.scans)
    assert body.world.people == []
