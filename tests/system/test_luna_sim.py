"""`luna sim` as a user has it: up, down, side by side, and what it says to bad input."""

import contextlib
import json
import os
import select
import signal
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.robot import END_S, LUNA, READY_S, Http, Robot, refused, started

pytestmark = pytest.mark.timeout(400)

PROCESSES = {
    "firmware_bridge.gate",
    "ros_nodes.simulation",
    "ros_nodes",
    "api",
    "sync",
    "central",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that has been through its first start."""
    place = tmp_path_factory.mktemp("luna") / "data"
    with started(place) as robot:
        robot.wait_until_ready()
    return place


@pytest.fixture
def robot(made: Path) -> Iterator[Robot]:
    with started(made) as running:
        running.wait_until_ready()
        yield running


def _wait(condition: object, timeout_s: float = READY_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)


def _state(robot: Robot) -> str:
    status = Http(robot.accounts["url"], *_login(robot)).get("/api/v1/robot/status")
    return str(status["status"])


def _login(robot: Robot) -> tuple[str, str]:
    librarian = robot.accounts["librarian"]
    return librarian["email"], librarian["password"]


def _modules(robot: Robot) -> set[str]:
    return {words[words.index("-m") + 1] for words in robot.children().values() if "-m" in words}


def test_ready_means_that_it_serves_and_that_all_processes_run(robot: Robot) -> None:
    url = robot.accounts["url"]
    with urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:
        assert answer.status == 200
    assert _modules(robot) >= PROCESSES
    assert len(robot.children()) == len(PROCESSES) + 1  # and the broker


def test_the_accounts_are_private_and_let_each_person_in(robot: Robot) -> None:
    file = robot.data_dir / "demo-accounts.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(robot.data_dir.stat().st_mode) == 0o700
    for role in ("student", "librarian", "admin"):
        person = robot.accounts[role]
        assert set(person) == {"email", "password", "pin"}
        me = Http(robot.accounts["url"], person["email"], person["password"])
        assert me.get("/api/v1/auth/me")["role"] == role.upper()
        assert person["password"] in robot.wait_for_line(f"  {role}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it_in_time_and_leaves_nothing(
    robot: Robot, number: signal.Signals
) -> None:
    assert robot.stop(number) < END_S
    assert robot.process.returncode == 0
    assert robot.children() == {}
    assert list((robot.data_dir / "run").iterdir()) == []
    assert not any("died" in line for line in robot.lines)


def test_after_kill_9_of_luna_sim_nothing_is_left_and_it_starts_again(made: Path) -> None:
    with started(made) as robot:
        robot.wait_until_ready()
        robot.kill()
        _wait(lambda: robot.children() == {})
    with started(made) as again:
        again.wait_until_ready()


def test_the_accounts_stay_and_the_ports_follow_a_restart(made: Path) -> None:
    with started(made) as robot:
        robot.wait_until_ready()
        first = robot.accounts
    with started(made) as robot:
        url = robot.wait_until_ready()
        second = robot.accounts
    assert second["url"] == url != first["url"]
    assert second["mqtt"]["port"] != first["mqtt"]["port"]
    assert second["student"] == first["student"]


@pytest.mark.parametrize("module", sorted(PROCESSES))
def test_any_process_may_be_killed_and_comes_back(robot: Robot, module: str) -> None:
    pid = robot.pid_of(module)
    os.kill(pid, signal.SIGKILL)
    robot.wait_for_line("luna: ")
    _wait(lambda: any("is back after" in line for line in _news(robot)))
    assert robot.pid_of(module) != pid


def _news(robot: Robot) -> list[str]:
    with contextlib.suppress(AssertionError):
        robot.wait_for_line("never printed", 0.05)
    return robot.lines


def test_two_robots_side_by_side_do_not_disturb_each_other(robot: Robot, tmp_path: Path) -> None:
    with started(tmp_path / "other") as other:
        other.wait_until_ready()
        url = other.accounts["url"]
        urllib.request.urlopen(
            urllib.request.Request(f"{url}/api/v1/robot/emergency-stop", method="POST"), timeout=5
        ).close()
        _wait(lambda: _state(other) == "STOPPED")
        assert _state(robot) != "STOPPED"


def test_without_central_it_runs_without_it(made: Path) -> None:
    with started(made, "--no-central") as robot:
        robot.wait_until_ready()
        assert _modules(robot) == PROCESSES - {"central"}
        assert robot.accounts["central"] is None


def test_it_runs_on_the_embedded_broker_too(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUNA_BROKER", "embedded")
    with started(made) as robot:
        robot.wait_until_ready()
        assert "sync.broker" in _modules(robot)
        _wait(lambda: _parts(robot)["mqtt"]["status"] == "ok")


def _parts(robot: Robot) -> dict[str, dict[str, str]]:
    """What /ready says of each part, also where one is down."""
    try:
        with urllib.request.urlopen(f"{robot.accounts['url']}/ready", timeout=10) as answer:
            parts: dict[str, dict[str, str]] = json.load(answer)["data"]["parts"]
    except urllib.error.HTTPError as error:
        with error:
            parts = json.load(error)["error"]["details"]["parts"]
    return parts


def test_faster_than_time_it_says_how_fast(made: Path) -> None:
    with started(made, "--speed", "3") as robot:
        robot.wait_until_ready()
        assert "times as fast as time" in robot.wait_for_line("luna: body: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_makes_a_library_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path / "data") as robot:
        robot.wait_for_line("luna: making a library")
        assert robot.stop(number) < END_S
        assert robot.process.returncode != 0
        assert list(tmp_path.iterdir()) == []


def test_a_second_one_on_the_same_data_is_refused_and_harms_nothing(robot: Robot) -> None:
    before = robot.children()
    assert "A robot is running" in refused(robot.data_dir)
    assert robot.children() == before
    assert _state(robot) != "STOPPED"


def test_a_port_in_use_is_named_with_its_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for option in ("--port", "--mqtt-port"):
            said = refused(tmp_path / "data", option, port)
            assert f"Port {port} is in use" in said and option in said
    assert list(tmp_path.iterdir()) == []


def test_a_ros_domain_in_use_is_named_with_its_option(robot: Robot, tmp_path: Path) -> None:
    domain = robot.options[robot.options.index("--domain-id") + 1]
    said = refused(tmp_path / "data", "--domain-id", domain)
    assert "belongs to another robot" in said and "--domain-id" in said
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "format.json").write_text(json.dumps({"format": 99}))
    said = refused(tmp_path / "data")
    assert "format 99" in said and "--data-dir" in said


def _not_yaml(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")


def _not_a_map(path: Path) -> None:
    path.write_text("title: a book\n")


def _no_image(path: Path) -> None:
    path.write_text("image: none.pgm\nresolution: 0.05\norigin: [0, 0, 0]\n")


def _no_free_space(path: Path) -> None:
    path.with_suffix(".pgm").write_bytes(b"P5\n50 50\n255\n" + bytes(2500))
    path.write_text(f"image: {path.stem}.pgm\nresolution: 0.05\norigin: [0, 0, 0]\n")


@pytest.mark.parametrize("spoil", [None, _not_yaml, _not_a_map, _no_image, _no_free_space])
def test_a_map_that_is_none_is_one_clear_line_and_nothing_is_left(
    tmp_path: Path, spoil: object
) -> None:
    given = tmp_path / "given.yaml"
    if spoil is not None:
        spoil(given)  # type: ignore[operator]
    before = sorted(tmp_path.iterdir())
    said = refused(tmp_path / "data", "--map", str(given))
    assert "map" in said.lower()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", [None, b"", b"\0" * 100, b"just some words\n"])
def test_a_catalogue_that_is_none_is_one_clear_line_and_nothing_is_left(
    tmp_path: Path, content: bytes | None
) -> None:
    given = tmp_path / "given.mrc"
    if content is not None:
        given.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    said = refused(tmp_path / "data", "--catalogue", str(given))
    assert "given.mrc" in said
    assert sorted(tmp_path.iterdir()) == before


def test_another_map_on_the_same_data_is_refused(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("image: other.pgm\nresolution: 0.05\norigin: [0, 0, 0]\n")
    said = refused(made, "--map", str(other))
    assert "another map" in said and "--data-dir" in said


def test_a_fault_on_request_is_named_where_people_look_and_ends(robot: Robot) -> None:
    _cause(robot, "unplug", "on")
    status = Http(robot.accounts["url"])

    def faults() -> set[str]:
        return {one["code"] for one in status.get("/api/v1/robot/status")["faults"]}

    _wait(lambda: "serial port is not there" in _parts(robot)["firmware"]["reason"])
    _wait(lambda: "LINK_LOST" in faults())
    _cause(robot, "unplug", "on", "--for", "1")
    _wait(lambda: not faults())
    _wait(lambda: _parts(robot)["firmware"]["status"] == "ok")


def _cause(robot: Robot, *fault: str) -> None:
    subprocess.run([*LUNA, "fault", *fault, "--data-dir", str(robot.data_dir)], check=True)
