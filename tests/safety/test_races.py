"""S9: a stop that races with goals, cancels, resumes and resets wins: whatever is under way, in the end it is stopped.

Threads play people and programs at the API and at the gate's own sockets, each with one thing after the other in
random order, of a whole robot that drives. At a moment that nobody knows comes the last stop. Goals, pauses and resumes
race on with it and after it. Of resets only those that were answered before: one that comes later is an act of its own.
"""

import contextlib
import http.client
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from edge.domain.errors import LunaError
from edge.domain.users import Role
from edge.services import passwords, users
from firmware_bridge.sockets import request_reset, request_resume, request_stop
from tests.safety.conftest import COUNTS, Counts
from tests.support import gates
from tests.support.board import until
from tests.support.figures import Figures
from tests.support.gates import reset
from tests.support.moving import PERSON
from tests.support.whole_robot import FAR, WholeRobot, whole_robot
from tests.support.wired_gate import wired_gate

THREADS = 4
ORDERS_A_ROUND = 40
MOST_ROUNDS = 5
"""Of those that are wanted."""
LONGEST_GAP_S = 0.12
"""Between two orders of a thread. A stop can be reset only once the wheels stand, so a race has to last for a while."""
LAST_S = 0.8
"""The last stop comes within this, when most of the race is over or none of it."""
SETTLE_S = 0.3
"""After the last stop was confirmed, and what raced with it was answered: longer than any deadline of motion."""
WATCHED_S = 1.0
PASSWORD = "a long enough secret"
LIBRARIAN = "librarian@example.org"

pytestmark = pytest.mark.timeout(600 if COUNTS.full else 300)


@pytest.fixture
def robot(tmp_path: Path, ros_domain: int) -> Iterator[WholeRobot]:
    with whole_robot(tmp_path / "data", ("gate", "ros", "supervisor", "api")) as one:
        person = partial(
            users.register,
            email=LIBRARIAN,
            password_hash=passwords.hash_secret(PASSWORD),
            first_name="Somebody",
            last_name="Example",
            role=Role.LIBRARIAN,
        )
        one.store.write(PERSON, person)
        yield one


class Race:
    """One round. `done` counts what was taken, by its name."""

    def __init__(self, robot: WholeRobot, token: str) -> None:
        self.done: Counter[str] = Counter()
        self._run_dir = robot.settings.run_dir
        self._port = robot.settings.api.port
        self._token = token
        self._events: list[str] = ["never-was"]
        self._resets = threading.Lock()
        self._closed = threading.Event()
        self._orders: tuple[Callable[[Random], bool], ...] = (
            *(self.go, self.pause, self.resume_by_api, self.stop_by_api, self.reset_by_api),
            *(self.resume, self.stop, self.reset, self.reset),
        )

    def run(self, random: Random, orders: int) -> None:
        """A thread of it."""
        for _ in range(orders):
            time.sleep(random.uniform(0.0, LONGEST_GAP_S))  # people and programs come at any time
            order = random.choice(self._orders)
            with contextlib.suppress(LunaError):
                if order(random):
                    self.done[order.__name__] += 1

    def last_stop(self, by_api: bool) -> str:
        """When no reset is under way; gives its event."""
        with self._resets:
            self._closed.set()
        if not by_api:
            return gates.stop(self._run_dir, source="CLI", who="test").event_id
        # On a busy machine it may not be confirmed in time; then whoever pressed it presses again.
        until(lambda: self.stop_by_api(Random()), "the last stop is confirmed")
        return self._events[-1]

    def go(self, random: Random) -> bool:
        return bool(self.post("robot/go-to", location=random.choice(FAR)))

    def pause(self, _: Random) -> bool:
        return bool(self.post("robot/pause"))

    def resume_by_api(self, _: Random) -> bool:
        return bool(self.post("robot/resume"))

    def stop_by_api(self, _: Random) -> bool:
        return self._note(self.post("robot/emergency-stop").get("event_id"))

    def stop(self, _: Random) -> bool:
        stopped = request_stop(self._run_dir, source="CLI", who="test", reason="one of many")
        return self._note(stopped.event_id)

    def resume(self, _: Random) -> bool:
        request_resume(self._run_dir, who="test")
        return True

    def reset(self, random: Random) -> bool:
        with self._resets:
            if self._closed.is_set():
                return False
            request_reset(self._run_dir, event_id=self._event(random), who="test")
        return True

    def reset_by_api(self, random: Random) -> bool:
        with self._resets:
            if self._closed.is_set():
                return False
            return bool(self.post("robot/emergency-stop/reset", event_id=self._event(random)))

    def post(self, path: str, **body: str) -> dict[str, Any]:
        """What was answered; nothing where it was refused."""
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        with contextlib.closing(client):
            client.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
            answer = client.getresponse()
            text = answer.read()
        assert answer.status < 500 or answer.status == 503, text
        found: dict[str, Any] = json.loads(text)["data"] if answer.status < 300 else {}
        return found

    def _note(self, event_id: str | None) -> bool:
        if event_id is not None:
            self._events.append(event_id)
        return event_id is not None

    def _event(self, random: Random) -> str:
        """Mostly the newest that is known."""
        return self._events[-1] if random.random() < 0.7 else random.choice(self._events)


def test_the_last_stop_wins_against_everything_that_races_with_it(
    robot: WholeRobot, counts: Counts, figures: Figures
) -> None:
    done: Counter[str] = Counter()
    token = str(
        Race(robot, "").post("auth/login", email=LIBRARIAN, password=PASSWORD)["access_token"]
    )
    not_stopped = moved = rounds = 0
    wanted = counts.race_orders // ORDERS_A_ROUND
    # Which of them are taken is a matter of luck: a go and a reset have to be among them.
    while rounds < wanted or not (done["go"] and done["reset"] + done["reset_by_api"]):
        assert rounds < MOST_ROUNDS * wanted, done
        robot.until_driving()
        race, confirmed, event_id = run_a_race(robot, token, Random(rounds))
        rounds += 1
        done += race.done
        robot.until(partial(is_stopped, robot, event_id), "the gate to tell of the last stop")
        robot.until_time(time.monotonic() + SETTLE_S)
        not_stopped += not is_stopped(robot, event_id)
        after = robot.witness.between(confirmed + SETTLE_S, time.monotonic())
        moved += any(seen.commanded for seen in after)
        reset(robot.settings.run_dir, event_id)
        race.post("robot/resume")
    figures.note("S9 stop raced", rounds=rounds, not_stopped=not_stopped, moved=moved, **done)
    assert not (not_stopped or moved)


def is_stopped(robot: WholeRobot, event_id: str) -> bool:
    gate = robot.gate
    return gate is not None and (gate.state, gate.event_id) == ("LATCHED", event_id)


def run_a_race(robot: WholeRobot, token: str, random: Random) -> tuple[Race, float, str]:
    """The race, when its last stop was confirmed, and the event of that."""
    race = Race(robot, token)
    each = ORDERS_A_ROUND // THREADS
    threads = [
        threading.Thread(target=race.run, args=(Random(random.random()), each))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    robot.until_time(time.monotonic() + random.uniform(0.0, LAST_S))
    event_id = race.last_stop(by_api=random.random() < 0.5)
    confirmed = time.monotonic()
    for thread in threads:
        thread.join()
    return race, confirmed, event_id


def test_a_drive_ends_by_a_stop_that_came_and_went_while_ros_was_frozen(robot: WholeRobot) -> None:
    """S4: after a reset and a resume the robot stands until a new go, also where the navigator saw nothing of it."""
    robot.until_driving()
    run_dir = robot.settings.run_dir
    robot.send("ros", signal.SIGSTOP)
    reset(run_dir, gates.stop(run_dir).event_id)
    gates.resume(run_dir)
    thawed = time.monotonic()
    robot.send("ros", signal.SIGCONT)
    robot.until_time(thawed + WATCHED_S)
    assert not any(seen.commanded for seen in robot.witness.between(thawed, time.monotonic()))


def test_a_reset_from_before_the_newest_stop_does_not_end_it(tmp_path: Path) -> None:
    """It was on its way when somebody else pressed STOP again, and was told that the robot stays stopped."""
    with wired_gate(tmp_path) as gate:
        gate.drive()
        event_id = gate.stop()
        gate.until(lambda: gate.firmware.velocity == (0.0, 0.0), "the wheels stand")
        gate.pump_for(SETTLE_S)  # and the gate was told so
        before = time.monotonic()
        assert gate.stop() == event_id
        late = {"type": "reset", "event_id": event_id, "who": "test", "sent": before}
        assert "refused" in gate.ask("reset", late)
