"""A robot that drives, for tests: gate, body and ROS process on the demo library, without api, broker and central."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.domain.robots import CommandStatus, CommandType, RobotCommand
from edge.domain.users import Actor
from edge.live import LiveClient
from edge.services import places, robot
from edge.settings import Settings, load
from edge.store import database
from edge.store.database import Database
from edge.supervisor.heart import PERIOD_S, Heart
from edge.supervisor.ros_environment import ros_environment
from firmware_bridge.sockets import GateState, StateWatcher
from ros_nodes.simulation.demo_library import demo_site, write_demo_library

START_S = 60.0
STEP_S = 0.05
NODES = ("base", "emergency_stop", "navigator", "task_runner")
PERSON = Actor("librarian-1", origin="luna-01")


def make_library(data_dir: Path) -> None:
    """A data directory with the demo library in it."""
    (data_dir / "run").mkdir(parents=True)
    write_demo_library(data_dir / "map")
    database.create(data_dir / "luna.db", robot_id="luna-01")
    store = Database.open(data_dir / "luna.db")
    site = demo_site()
    store.write(PERSON, lambda tx: places.load_site(tx, site.waypoints, site.lanes))
    store.close()


class MovingRobot:
    """Made by `moving_robot`. `live` holds the newest message of each type from the live socket, `goals` where the
    drives went that it told of."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.live: dict[str, dict[str, Any]] = {}
        self.goals: list[str] = []
        self.store = Database.open(settings.store_path)
        self._client = LiveClient(settings.run_dir / "live.sock")
        self._watcher = StateWatcher(settings.run_dir)
        self._gate: GateState | None = None

    def start(self, name: str) -> None:
        settings, robot = self.settings, self.settings.robot
        faster = max(1.0, settings.sim.speed)
        data = ("--data-dir", str(settings.data_dir))
        commands = {
            "body": ("ros_nodes.simulation", *data),
            "ros": ("ros_nodes", *data),
            **{node: ("ros_nodes", *data, "--node", node) for node in NODES},
            "gate": (
                *("firmware_bridge.gate", *data, "--port", str(settings.run_dir / "board")),
                *("--holds-to-latch", "0"),  # a busy machine is no trouble that wants a person
                *("--max-speed", str(robot.max_speed_m_s), "--max-turn", str(robot.max_turn_rad_s)),
                *("--max-acceleration", str(robot.max_acceleration_m_s2 * faster)),
                *("--max-turn-acceleration", str(robot.max_turn_acceleration_rad_s2 * faster)),
            ),
        }
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", *commands[name]],
            env={**os.environ, **ros_environment(settings)},
            stdin=subprocess.DEVNULL,
        )

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def look(self) -> None:
        """Take in what has come."""
        if self._client.connect():
            for message in self._client.receive():
                self.live[str(message["type"])] = message
                if message["type"] == "navigation" and message["waypoint"] not in self.goals[-1:]:
                    self.goals.append(message["waypoint"])
        with contextlib.suppress(ConnectionError):
            self._watcher.fileno()
            self._gate = self._watcher.receive() or self._gate
            return
        self._watcher.connect()

    @property
    def gate(self) -> GateState | None:
        return self._gate

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
        """Wait for a condition; fails, telling `what`, after a deadline."""
        deadline = time.monotonic() + timeout_s
        while True:
            self.look()
            if condition():
                return
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended with {process.returncode}"
            if time.monotonic() > deadline:
                pytest.fail(f"waited {timeout_s:g} s for {what}; live: {self.live}; {self._gate}")
            time.sleep(STEP_S)

    def until_shown(self, **wanted: object) -> None:
        """Wait until the robot shows these: it does so beside what it writes, sooner or later."""
        self.until(
            lambda: wanted.items() <= self.live.get("robot", {}).items(),
            f"the robot to show {wanted}",
        )

    @property
    def place(self) -> str | None:
        """The code of the waypoint where the robot says it is."""
        return self.live.get("robot", {}).get("current_location")

    @property
    def speed(self) -> float:
        """m/s, by the wheels."""
        odometry = None if self._gate is None else self._gate.odometry
        return 0.0 if odometry is None else abs(odometry.v)

    def order(self, type: CommandType, **params: object) -> str:
        command = self.store.write(PERSON, lambda tx: robot.order(tx, type, dict(params)))
        self._client.hint("commands")
        return command.id

    def command(self, command_id: str) -> RobotCommand:
        return self.store.read(lambda reader: robot.get_command(reader, command_id))

    def is_over(self, command_id: str) -> bool:
        done = (CommandStatus.PENDING, CommandStatus.RUNNING)
        return self.command(command_id).status not in done

    def close(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._client.close()
        self._watcher.close()
        self.store.close()


@contextlib.contextmanager
def moving_robot(
    data_dir: Path, *, speed: float = 1.0, nodes: Sequence[str] = ("ros",), **settings: str
) -> Iterator[MovingRobot]:
    """All processes up, the robot on its dock and free to drive.

    `nodes`: the ROS processes, one for all or one for each. `settings`: TASKS__IDLE_DOCK_S="600" and such.
    """
    with pytest.MonkeyPatch.context() as patch:
        given = {
            "SIM__SPEED": str(speed),
            "ROS__DOMAIN_ID": os.environ["ROS_DOMAIN_ID"],
            **settings,
        }
        for name, value in given.items():
            patch.setenv(f"LUNA_{name}", value)
        moving = MovingRobot(load(data_dir))
        ended = threading.Event()
        beating = threading.Thread(target=_beat, args=(data_dir / "run", ended))
        beating.start()
        try:
            for name in ("body", "gate", *nodes):
                moving.start(name)
            moving.until(lambda: _is_free(moving), "the robot to be free to drive", START_S)
            yield moving
        finally:
            moving.close()
            ended.set()
            beating.join()


def _is_free(moving: MovingRobot) -> bool:
    localised = moving.live.get("robot", {}).get("localised")
    knows = bool(localised) and moving.place is not None
    return knows and moving.gate is not None and moving.gate.state == "RUNNING"


def _beat(run_dir: Path, ended: threading.Event) -> None:
    """What the supervisor does."""
    heart = Heart(run_dir)
    while not ended.wait(PERIOD_S):
        heart.beat()
    heart.close()
