"""A robot that drives, each of its processes one that a test may kill or freeze, with a witness on its board.

The supervisor is the real loop with its heart, but without children: they are the test's, which starts them again at
once. There is no broker, so sync and central try to connect all the time.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.domain.robots import CommandType
from edge.settings import Settings, load
from edge.supervisor.roster import API, CENTRAL, SYNC
from edge.supervisor.sim import facts_of_run
from tests.support.moving import START_S, MovingRobot, make_library
from tests.support.ports import free_port
from tests.support.witness import FILE, Witness

SUPERVISOR = """
import os, pathlib, sys
from edge.supervisor.loop import Supervisor
Supervisor([], facts={}, environment=os.environ, data_dir=pathlib.Path(sys.argv[1]),
           on_ready=lambda: None, tell=print).run()
"""
PROCESSES = ("gate", "ros", "supervisor", "api", "sync", "central")
PROGRAMS = {one.name: one for one in (API, SYNC, CENTRAL)}
SECRETS = ("jwt.key", "mqtt-robot", "mqtt-central", "mqtt-integrator", "central-admin")
FAR = ("DESK-1", "DOCK-1")
"""Half a minute of driving lies between them."""
ORDER_S = 10.0
"""A drive that has not begun by then is ordered anew."""
MOVING_M_S = 0.1
LEFT_M = 1.0
"""A drive with less to go may end by itself."""


class WholeRobot(MovingRobot):
    """Made by `whole_robot`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.witness = Witness(settings.data_dir / FILE)
        self._facts = facts_of_run(settings, central_port=free_port())
        self._order = ""
        self._ordered_at = 0.0
        self._drives = 0

    def start(self, name: str) -> None:
        if (command := self._command(name)) is None:
            super().start(name)
            return
        with (self.settings.data_dir / "logs" / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def send(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def hit(self, name: str, number: signal.Signals) -> subprocess.Popen[bytes]:
        """Signal a process that is to end by that; it is missed no more."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process

    def revive(self, name: str) -> None:
        """Start a process again, whatever is left of it."""
        if name in self.processes:
            self.kill(name)
        if name == "ros":
            self.live.clear()
        self.start(name)

    def until_time(self, moment: float) -> None:
        """Watch until then, on the monotonic clock."""
        self.until(lambda: time.monotonic() >= moment, "time to pass")

    def until_driving(self) -> None:
        """Wait until the robot is well on its way, somewhere."""
        self.until(self._is_driving, "the robot to drive")

    @property
    def moves(self) -> bool:
        return self.witness.newest().v > MOVING_M_S

    def _is_driving(self) -> bool:
        left_m = self.live.get("navigation", {}).get("distance_left_m") or 0.0
        if self.moves and left_m > LEFT_M:
            return True
        free = self.gate is not None and self.gate.state == "RUNNING" and "robot" in self.live
        over = not self._order or self.is_over(self._order)
        if free and (over or time.monotonic() - self._ordered_at > ORDER_S):
            self._drives += 1
            self._ordered_at = time.monotonic()
            place = FAR[self._drives % len(FAR)]
            self._order = self.order(CommandType.GO_TO, location=place)
        return False

    def _command(self, name: str) -> list[str] | None:
        data_dir = str(self.settings.data_dir)
        if name == "body":
            return ["-m", "tests.support.watched_body", "--data-dir", data_dir]
        if name == "supervisor":
            return ["-c", SUPERVISOR, data_dir]
        if name in PROGRAMS:
            return PROGRAMS[name].command(self._facts)
        return None


@contextlib.contextmanager
def whole_robot(data_dir: Path, processes: Sequence[str] = PROCESSES) -> Iterator[WholeRobot]:
    """Body and `processes` up, and the robot free to drive."""
    make_library(data_dir)
    (data_dir / "logs").mkdir()
    (data_dir / "secrets").mkdir()
    for name in SECRETS:
        (data_dir / "secrets" / name).write_text(f"{name} of a robot that only tests know")
    given = {
        "API__PORT": str(free_port()),
        "MQTT__PORT": str(free_port()),  # no broker is there
        "ROS__DOMAIN_ID": os.environ["ROS_DOMAIN_ID"],
        "TASKS__IDLE_DOCK_S": "600",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(f"LUNA_{name}", value)
        patch.setenv("LUNA_LOG", "file")
        robot = WholeRobot(load(data_dir))
        try:
            for name in ("body", *processes):
                robot.start(name)
            robot.until(lambda: _is_free(robot), "the robot to be free to drive", START_S)
            yield robot
        finally:
            robot.close()


def _is_free(robot: WholeRobot) -> bool:
    free = robot.gate is not None and robot.gate.state == "RUNNING"
    return free and bool(robot.live.get("robot", {}).get("localised"))
