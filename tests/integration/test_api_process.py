"""The api process itself: when it is ready, how it ends, what it is made of."""

import contextlib
import json
import math
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from api.__main__ import BEAT_S
from edge.domain.users import SYSTEM
from edge.services import places
from edge.store.database import Database
from tests.support.api_process import ApiProcess, Ros, api_process
from tests.support.board import until
from tests.support.gates import gate
from tests.support.served import LANES, SITE, make_data_dir

HEAVY = (
    "numpy",
    "sqlite_utils",
    "pymarc",
    "cryptography",
    "rclpy",
    "paho",
    "httpx2",
    "joserfc",
    "amqtt",
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    settings = make_data_dir(tmp_path)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
    return tmp_path


@pytest.fixture
def api(data_dir: Path) -> Iterator[ApiProcess]:
    """Ready, with a gate and a live socket."""
    with gate(data_dir), contextlib.closing(Ros(data_dir)), api_process(data_dir) as one:
        one.wait_until_told("READY=1")
        yield one


def get(url: str, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@contextlib.contextmanager
def watching(api: ApiProcess) -> Iterator[Connection]:
    with connect(f"ws://127.0.0.1:{api.port}/api/v1/ws") as socket:
        socket.send('{"type": "auth"}')
        assert json.loads(socket.recv())["type"] == "hello"
        socket.send('{"type": "subscribe", "channels": ["robot", "tasks"]}')
        yield socket


def test_it_is_ready_only_when_the_robot_is(data_dir: Path) -> None:
    with api_process(data_dir) as api:
        api.wait_until_told("WATCHDOG=1")
        until(lambda: any(one.startswith("STATUS=") for one in api.told), "it says what is down")
        assert "READY=1" not in api.told
        assert get(f"{api.url}/health")[0] == 200
        status, body = get(f"{api.url}/ready")
        assert (status, body["error"]["code"]) == (503, "ROBOT_UNAVAILABLE")
        with gate(data_dir), contextlib.closing(Ros(data_dir)):
            api.wait_until_told("READY=1")
            until(lambda: get(f"{api.url}/ready")[0] == 200, "it says so to everybody")


def test_it_ends_by_itself_while_people_watch(api: ApiProcess) -> None:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(watching(api)) for _ in range(20)]
        for socket in sockets:
            socket.recv()
        assert api.end() == 0


def test_it_shows_that_it_lives_and_a_frozen_one_does_not(api: ApiProcess) -> None:
    api.told.clear()
    api.wait_until_told("WATCHDOG=1")
    api.process.send_signal(signal.SIGSTOP)

    def silent() -> bool:
        api.told.clear()
        time.sleep(2 * BEAT_S)
        return not api.told

    until(silent, "it is silent, once what it had sent already has come")
    api.process.send_signal(signal.SIGCONT)
    api.wait_until_told("WATCHDOG=1")


def test_a_forwarded_header_moves_nobody(api: ApiProcess) -> None:
    headers = {
        "X-Forwarded-For": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "1.2.3.4",
    }
    assert get(f"{api.url}/api/v1/books", **headers)[0] == 200


def test_its_numbers_say_how_the_robot_is(api: ApiProcess) -> None:
    before = numbers(api)
    assert (before["luna_stopped"], before["luna_tasks_queued"]) == (0.0, 0.0)
    assert before["luna_disk_free_bytes"] > 0 and before["process_resident_memory_bytes"] > 0
    assert math.isnan(before["luna_certificate_ends_seconds"])
    request = urllib.request.Request(f"{api.url}/api/v1/robot/emergency-stop", method="POST")
    with urllib.request.urlopen(request, timeout=10):
        pass
    until(lambda: numbers(api)["luna_stopped"] == 1.0, "its numbers say that it is stopped")


def numbers(api: ApiProcess) -> dict[str, float]:
    with urllib.request.urlopen(f"{api.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_a_refused_request_is_a_line_of_json_with_its_id_and_why(
    api: ApiProcess, data_dir: Path
) -> None:
    """The line is written once the answer is on its way, so the answer may come first."""
    assert get(f"{api.url}/api/v1/users", **{"X-Request-ID": "trace-9"})[0] == 401
    until(lambda: lines_of("trace-9", data_dir), "the log tells of the request")
    told = lines_of("trace-9", data_dir)
    assert [(line["event"], line["status"], line["reason"]) for line in told] == [
        ("request", 401, "UNAUTHENTICATED")
    ]
    assert told[0]["process"] == "api" and told[0]["time"].endswith("Z")


def lines_of(request_id: str, data_dir: Path) -> list[dict[str, Any]]:
    """What the log says of one request, of whole lines only."""
    text = (data_dir / "logs" / "api.log").read_text()
    lines = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
    return [line for line in lines if line.get("request_id") == request_id]


def test_a_port_in_use_ends_it(api: ApiProcess, data_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api", "--data-dir", str(data_dir)],
        env={"LUNA_API__PORT": str(api.port), "PATH": "/usr/bin"},
        capture_output=True,
        timeout=45,
        check=False,
    )
    assert done.returncode != 0


def test_a_data_directory_without_a_store_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=45,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_loads_nothing_heavy() -> None:
    show = "import api.__main__, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stdout.split())
