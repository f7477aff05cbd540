"""S1 by HTTP: from before a client connects until the zero behind the STOP is read on the line, of a robot that moves.

The api and the gate are the real processes; the line, the board and the watched processes are the test's. Once with
nothing else to do, and once while 50 logins a second are offered, each of which wants 30 ms of a core and 19 MiB, 200
clients dawdle over the heads of their requests, somebody writes to the store and has its log written back all the time,
and sync tries to reach a broker that takes its connection and never says a word.

What is asserted of time: as in test_stop_latency.py.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NoReturn

import pytest

from edge.domain.users import SYSTEM, Role
from edge.services import passwords, users
from edge.settings import load
from edge.store.database import Database
from tests.safety.conftest import COUNTS, Counts
from tests.safety.test_stop_latency import SETTLE_S, moves, until_zero
from tests.support.api_process import ApiProcess, Ros, api_process
from tests.support.busy import Echo
from tests.support.figures import Figures, Value, percentile
from tests.support.logins import WHO
from tests.support.served import PASSWORD, SCREEN, make_data_dir, served
from tests.support.wired_gate import WiredGate, wired_gate

PROMISED_P99_S = {"idle": 0.060, "loaded": 0.150}
LOGINS_A_S = 50.0
SLOW_HEADS = 200
MOST_UNCONFIRMED = 0.01
"""Whose answer came too late: the robot stands, but whoever pressed STOP is told to use the red button."""
WARM_S = 1.0
"""Of load, before the first stop."""

pytestmark = pytest.mark.timeout(900 if COUNTS.full else 120)


@pytest.mark.parametrize("how", ["idle", "loaded"])
def test_a_stop_by_http_is_on_the_wire_in_time(
    how: str, tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    make_library(tmp_path)
    tries, bare, random = [], [], Random(5)
    with (
        wired_gate(tmp_path) as gate,
        closing(Ros(tmp_path)),
        api_process(tmp_path) as api,
        closing(Echo()) as echo,
    ):
        gate.command = (0.3, 0.1)
        gate.until(lambda: "READY=1" in api.told, "the api is ready", within_s=30.0)
        with loaded(tmp_path, api, gate) if how == "loaded" else nothing() as answers:
            for _ in range(counts.http_stops):
                bare.append(echo.round_trip())
                tries.append(time_a_stop(gate, api, random))
    took = [seconds for seconds, _ in tries]
    unconfirmed = sum(not confirmed for _, confirmed in tries)
    figures.note_times(f"S1 stop by HTTP to zero, {how}", took)
    figures.note_times(f"S1 bare process beside HTTP, {how}", bare)
    figures.note(f"S1 stop by HTTP to zero, {how}", unconfirmed=unconfirmed, **answers)
    assert not gate.trace.breaches
    if counts.full:
        assert percentile(took, 99) <= PROMISED_P99_S[how]
        assert unconfirmed <= MOST_UNCONFIRMED * counts.http_stops
    else:
        assert percentile(took, 50) <= PROMISED_P99_S[how] + percentile(bare, 50)


def test_the_first_stop_waits_for_no_route_to_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a route is made while somebody waits")

    with served(tmp_path) as robot:
        monkeypatch.setattr("fastapi.routing.get_dependant", made)
        answer = robot.asked_by(at=SCREEN).post("/api/v1/robot/emergency-stop")
        assert answer.json()["error"]["code"] == "ROBOT_UNAVAILABLE"  # it asked for a gate


def time_a_stop(gate: WiredGate, api: ApiProcess, random: Random) -> tuple[float, bool]:
    """One stop, and its end; gives s, and whether it was confirmed."""
    gate.frames.clear()
    gate.until(lambda: moves(gate), "the robot moves")
    gate.pump_for(random.uniform(0.0, SETTLE_S))
    gate.frames.clear()
    began = time.monotonic()
    client = socket.create_connection(("127.0.0.1", api.port))
    client.sendall(
        f"POST /api/v1/robot/emergency-stop HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n"
        "Connection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    read = until_zero(gate)
    status, body = answer(gate, client)
    confirmed = status == 200
    if confirmed:
        event_id = body["data"]["event_id"]
    else:
        assert (status, body["error"]["code"]) == (503, "ROBOT_UNAVAILABLE"), body
        event_id = gate.until_state("LATCHED").event_id
    gate.trace.stop(event_id, time.monotonic())
    gate.end_stop(event_id)
    return read - began, confirmed


def answer(gate: WiredGate, client: socket.socket) -> tuple[int, Any]:
    """Status and body of the answer; the robot lives on meanwhile."""
    text = bytearray()
    client.setblocking(False)

    def came() -> bool:
        try:
            data = client.recv(1 << 16)
        except BlockingIOError:
            return False
        text.extend(data)
        return not data

    with client:
        gate.until(came, "the answer")
    head, _, body = bytes(text).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@contextmanager
def nothing() -> Iterator[dict[str, Value]]:
    yield {}


@contextmanager
def loaded(data_dir: Path, api: ApiProcess, gate: WiredGate) -> Iterator[dict[str, Value]]:
    """All that T10 wants at once. Gives, at the end, what came of it."""
    told: dict[str, Value] = {}
    with ExitStack() as stack:
        hole = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        broken = {"LUNA_MQTT__PORT": str(hole.getsockname()[1]), "LUNA_LOG": "file"}
        sync = beside(stack, "sync", "--data-dir", data_dir, **broken)
        logins = beside(stack, "tests.support.logins", api.port, LOGINS_A_S)
        heads = beside(stack, "tests.support.slow_heads", api.port, SLOW_HEADS)
        store = beside(stack, "tests.support.checkpoints", load(data_dir).store_path)
        for process in (logins, heads, store):
            gate.until(partial(says, process), "the load is there", within_s=30.0)
        gate.pump_for(WARM_S)
        yield told
        assert sync.poll() is None
        for status, count in report(logins).items():
            told[f"logins_{status}"] = count
        told |= {**report(store), "slow_heads": report(heads)["most_inside"]}


def beside(stack: ExitStack, module: str, *given: object, **settings: str) -> subprocess.Popen[str]:
    """A process of its own session, gone with `stack`."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, given)],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


def says(process: subprocess.Popen[str]) -> bool:
    """Whether it has printed something."""
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0.0)[0])


def report(process: subprocess.Popen[str]) -> dict[str, Value]:
    """What it prints at its end, which is now."""
    process.terminate()
    told, _ = process.communicate(timeout=30)
    found: dict[str, Value] = json.loads(told.splitlines()[-1])
    return found


def make_library(data_dir: Path) -> None:
    """One in which two people may sign in."""
    settings = make_data_dir(data_dir)
    (data_dir / "secrets" / "mqtt-robot").write_text("a secret that no broker asks for")
    secret = passwords.hash_secret(PASSWORD)
    with closing(Database.open(settings.store_path)) as store:
        for email in WHO[:2]:
            person = partial(
                users.register,
                email=email,
                password_hash=secret,
                first_name="Somebody",
                last_name="Example",
                role=Role.STUDENT,
            )
            store.write(SYSTEM, person)
