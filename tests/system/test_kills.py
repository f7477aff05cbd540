"""Whatever process dies at whatever step of a delivery: each delivery ends right, without a person's help."""

import contextlib
import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from api.client import CallError, Server
from tests.support.robot import Robot, started

pytestmark = pytest.mark.timeout(3600 if os.environ.get("LUNA_SOAK") == "1" else 600)

T = TypeVar("T")

KILLS = 200 if os.environ.get("LUNA_SOAK") == "1" else 20
SPEED = "4"
DELIVERY_S = 180.0
SYNC_S = 60.0
PAUSE_S = (1.0, 6.0)
"""Between two kills: from while it still gets up to when it drives again."""
SOON_S = (0.0, 1.0)
"""From the beginning of a step to its first kill."""
PEOPLE_S = (0.5, 2.0)
"""They take so long to do their part."""
STEPS = {"TO_SOURCE", "WAITING_FOR_LOAD", "TO_DESTINATION", "WAITING_FOR_HANDOVER"}
LOOK_S = 0.1
VICTIMS = ("firmware_bridge.gate", "ros_nodes.simulation", "ros_nodes", "api", "sync", "central")
BROKER = "mosquitto"


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[Robot]:
    with started(tmp_path / "data", "--speed", SPEED) as running:
        running.wait_until_ready()
        yield running


def test_every_delivery_ends_right_whatever_dies(robot: Robot) -> None:
    library, reaper = Library(robot), Reaper(robot, seed=1)
    done = []
    while not reaper.is_done:
        request = library.ask()
        library.deliver(request, reaper.strike)
        done.append(request)

    library.settle(done)
    assert library.patient(lambda: library.staff.get("/api/v1/robot/tasks")) == []
    status = library.patient(lambda: library.staff.get("/api/v1/robot/status"))
    assert status["emergency_stop"]["event_id"] is None
    print(f"{len(done)} deliveries, {reaper.kills.total()} kills: {dict(reaper.kills)}")


class Reaper:
    """Kills one process after the other, at moments that follow from a seed. `kills`: how often, by step and name."""

    def __init__(self, robot: Robot, seed: int) -> None:
        self._robot = robot
        self._random = random.Random(seed)
        self._step, self._next = "", 0.0
        self.kills: Counter[tuple[str, str]] = Counter()

    @property
    def struck(self) -> set[str]:
        return {step for step, _ in self.kills}

    @property
    def is_done(self) -> bool:
        return self.kills.total() >= KILLS and self.struck >= STEPS

    def strike(self, step: str) -> None:
        if step != self._step:
            self._step, self._next = step, time.monotonic() + self._random.uniform(*SOON_S)
        enough = self.kills.total() >= KILLS and step in self.struck
        if time.monotonic() < self._next or enough:
            return
        self._next = time.monotonic() + self._random.uniform(*PAUSE_S)
        victim = self._random.choice([*VICTIMS, BROKER])
        for pid, words in self._robot.children().items():
            if victim in words or words[0].endswith(victim):
                with contextlib.suppress(ProcessLookupError):  # it has just died by itself
                    os.kill(pid, signal.SIGKILL)
                    self.kills[step, victim] += 1


class Library:
    """A student who asks for books, and the people who do their part. All ask again where nobody answers."""

    def __init__(self, robot: Robot) -> None:
        self._accounts = robot.accounts
        self.staff = self._signed_in("librarian")
        self._student = self._signed_in("student")
        self._kiosk = Server(self._accounts["url"])
        self._random = random.Random(2)
        self._step, self._acts_at = "", 0.0

    def _signed_in(self, name: str) -> Server:
        person = self._accounts[name]
        server = Server(person.get("url", self._accounts["url"]))
        return self.patient(lambda: server.signed_in(person["email"], person["password"]))

    def patient(self, ask: Callable[[], T], timeout_s: float = SYNC_S) -> T:
        """The first answer that is one."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return ask()
            except CallError:
                assert time.monotonic() < deadline
                time.sleep(LOOK_S)

    def ask(self) -> dict[str, Any]:
        """A free book to any room; said again under the same key it is the same request."""
        rooms = self.patient(lambda: self._student.get("/api/v1/robot/waypoints", kind="room"))
        books = self.patient(lambda: self._student.get("/api/v1/books", status="AVAILABLE"))
        wanted = {
            "book_id": self._random.choice(books)["id"],
            "request_location": self._random.choice(rooms)["location_code"],
        }
        key = str(uuid.uuid4())
        made = self.patient(lambda: self._student.post("/api/v1/requests", wanted, key=key))
        return dict(made)

    def deliver(self, request: dict[str, Any], each_look: Callable[[str], None]) -> None:
        """Do what the robot waits for, until it is done."""
        deadline = time.monotonic() + DELIVERY_S
        task: dict[str, Any] = {"status": "QUEUED", "step": None}
        while task["status"] != "COMPLETED":
            assert time.monotonic() < deadline, task
            try:
                task = self.staff.get(f"/api/v1/deliveries/{request['task_id']}")
                self._help(task, request)
            except CallError:
                pass  # it is down, or was a moment too late: look again
            assert task["status"] not in ("FAILED", "CANCELLED"), task
            each_look(task["step"] or task["status"])
            time.sleep(LOOK_S)

    def _help(self, task: dict[str, Any], request: dict[str, Any]) -> None:
        if task["step"] != self._step:
            self._step = task["step"]
            self._acts_at = time.monotonic() + self._random.uniform(*PEOPLE_S)
        if time.monotonic() < self._acts_at:
            return
        if task["step"] == "WAITING_FOR_LOAD":
            self.staff.put(f"/api/v1/deliveries/{task['id']}/book-placed")
        elif task["step"] == "WAITING_FOR_HANDOVER":
            self._kiosk.put(f"/api/v1/requests/{request['id']}/complete", {"pin": request["pin"]})

    def settle(self, requests: list[dict[str, Any]]) -> None:
        """Robot and central come to say the same of each: it is with the student."""
        central = self._signed_in("central")
        for request in requests:
            for server in (self._student, central):
                self._until(partial(self._is_done, server, request))
            self._until(partial(self._is_lent, central, request))

    @staticmethod
    def _is_done(server: Server, request: dict[str, Any]) -> bool:
        return bool(server.get(f"/api/v1/requests/{request['id']}")["status"] == "COMPLETED")

    @staticmethod
    def _is_lent(central: Server, request: dict[str, Any]) -> bool:
        copies = central.get(f"/api/v1/books/{request['book_id']}/copies")
        return "CHECKED_OUT" in [one["status"] for one in copies if one["id"] == request["copy_id"]]

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SYNC_S
        while not self.patient(holds):
            assert time.monotonic() < deadline, "robot and central do not agree"
            time.sleep(LOOK_S)
