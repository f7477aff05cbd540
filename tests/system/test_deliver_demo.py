"""`luna deliver-demo` as a user has it, on a running robot."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.robot import LUNA, Http, Robot, started

pytestmark = pytest.mark.timeout(300)

SPEED = "3"


@pytest.fixture(scope="module")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    with started(tmp_path_factory.mktemp("luna") / "data", "--speed", SPEED) as running:
        running.wait_until_ready()
        yield running


AS_ON_A_TERMINAL = ("env", "--default-signal=INT")
"""What a shell starts in the background ignores Ctrl-C, and so does all that it starts."""


def begin(robot: Robot, command: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*AS_ON_A_TERMINAL, *LUNA, command, "--data-dir", str(robot.data_dir), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(story: subprocess.Popen[str], beginning: str) -> list[str]:
    """The lines up to the first that begins so."""
    assert story.stdout is not None
    lines = []
    for line in story.stdout:
        lines.append(line.rstrip())
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"no line {beginning!r}, but {lines}")


def test_a_book_travels_and_each_step_is_told(robot: Robot) -> None:
    with begin(robot, "deliver-demo", "--from", "central") as story:
        told = read_until(story, "Delivered.")
    assert story.returncode == 0
    assert "The robot drives to the desk." in told
    assert "The central server has the same facts." in told


def test_a_stop_is_told_and_ctrl_c_takes_the_request_back(robot: Robot) -> None:
    with begin(robot, "deliver-demo") as story:
        read_until(story, "The robot drives to the desk.")
        with begin(robot, "stop") as stop:
            assert stop.wait(20) == 0
        read_until(story, "The robot is stopped. luna reset, then luna resume, lets it go on.")
        story.send_signal(signal.SIGINT)
        read_until(story, "Cancelled the request.")
    assert story.returncode == 130
    staff = robot.accounts["librarian"]
    http = Http(robot.accounts["url"], staff["email"], staff["password"])
    assert http.get("/api/v1/robot/tasks") == []
