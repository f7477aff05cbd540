"""How `luna deliver-demo` and `luna status` talk."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from api import status_command
from api.client import CallError
from api.deliver_demo import BAR, Screen, accounts, command
from api.story import CENTRAL, Story, StoryError
from edge.domain.errors import SetupError


def test_elsewhere_than_on_a_terminal_each_step_is_a_plain_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(live=False)
    screen.step("One.")
    screen.drive("to the desk", 4.0)
    screen.step("Two.")
    assert capsys.readouterr().out == "One.\nTwo.\n"


def test_on_a_terminal_a_drive_is_a_bar_that_fills(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(live=True)
    for left_m in (4.0, 2.0, 0.0):
        screen.drive("to the desk", left_m)
    bars = capsys.readouterr().out.split("\r\033[K")[1:]
    assert [bar.count("━") for bar in bars] == [0, BAR // 2, BAR]
    assert all(bar.count("━") + bar.count("╌") == BAR for bar in bars)
    screen.step("There.")
    assert capsys.readouterr().out == "\r\033[KThere.\n"


@pytest.mark.parametrize("text", [None, "not json"])
def test_without_a_running_robot_it_says_what_to_do(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "demo-accounts.json").write_text(text)
    with pytest.raises(SetupError, match="luna sim"):
        accounts(tmp_path)
    assert isinstance(
        CliRunner().invoke(command, ["--data-dir", str(tmp_path)]).exception, SetupError
    )


def test_a_robot_that_does_not_answer_ends_the_story() -> None:
    person = {"email": "a@example.org", "password": "b"}
    nobody = {"url": "http://127.0.0.1:1", "librarian": person}
    with pytest.raises(CallError, match="does not answer"):
        Story(nobody, Screen(live=False))


def test_without_a_central_server_nothing_is_begun_there() -> None:
    alone: dict[str, object] = {"url": "http://127.0.0.1:1", "librarian": {}, "central": None}
    with pytest.raises(StoryError, match="no central server"):
        Story(alone, Screen(live=False), start=CENTRAL)


@contextlib.contextmanager
def answering(status: int, body: object) -> Iterator[str]:
    """A server that says the same to everyone; its URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_status_of_a_robot_that_cannot_work_exits_with_1(tmp_path: Path) -> None:
    parts = {"ros": {"status": "down", "reason": "It does not answer."}}
    with answering(503, {"error": {"details": {"parts": parts}}}) as url:
        (tmp_path / "demo-accounts.json").write_text(json.dumps({"url": url}))
        done = CliRunner().invoke(status_command.command, ["--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "ros        down It does not answer." in done.output


def test_status_says_where_nobody_answers(tmp_path: Path) -> None:
    (tmp_path / "demo-accounts.json").write_text('{"url": "http://127.0.0.1:1"}')
    done = CliRunner().invoke(status_command.command, ["--data-dir", str(tmp_path)])
    assert str(done.exception) == (
        "The robot's API at http://127.0.0.1:1 does not answer. "
        "Is luna sim running, or on a robot the service luna-api?"
    )
