"""`luna stop`, `luna reset` and `luna resume`, as a person at a shell of the robot uses them."""

import contextlib
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from api.client import CallError
from api.reset_command import reset, resume
from edge.domain.errors import RobotStoppedError
from edge.domain.users import SYSTEM, Role
from edge.services import passwords, places, users
from edge.store.database import Database
from firmware_bridge.stop_command import command as stop
from tests.support.api_process import Ros, api_process
from tests.support.board import PATIENCE_S
from tests.support.gates import gate
from tests.support.served import LANES, PASSWORD, SITE, make_data_dir

LIBRARIAN = {"email": "librarian@example.org", "password": PASSWORD}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a running robot, whose luna sim has written its accounts down."""
    place = tmp_path_factory.mktemp("robot")
    settings = make_data_dir(place)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
        secret = passwords.hash_secret(PASSWORD)
        for name, role in (("librarian", Role.LIBRARIAN), ("student", Role.STUDENT)):
            person = partial(
                users.register,
                email=f"{name}@example.org",
                password_hash=secret,
                first_name=name.title(),
                last_name="Example",
                role=role,
            )
            store.write(SYSTEM, person)
    with gate(place), contextlib.closing(Ros(place)), api_process(place) as api:
        api.wait_until_told("READY=1")
        accounts = {"url": api.url, "librarian": LIBRARIAN}
        (place / "demo-accounts.json").write_text(json.dumps(accounts))
        yield place


def run(command: click.Command, data_dir: Path, *more: str, typed: str = "") -> Result:
    return CliRunner().invoke(command, ["--data-dir", str(data_dir), *more], input=typed)


def reset_soon(data_dir: Path, *more: str, typed: str = "") -> Result:
    """The board confirms a stop within 50 ms; until then a reset is refused."""
    began = time.monotonic()
    while refused(done := run(reset, data_dir, *more, typed=typed)):
        assert time.monotonic() - began < PATIENCE_S, done.exception
    return done


def refused(done: Result) -> bool:
    return isinstance(done.exception, CallError)


def test_stop_then_reset_then_resume(data_dir: Path) -> None:
    stopped = run(stop, data_dir, "--reason", "a child")
    event_id = stopped.output.split()[0]
    assert "luna reset" in stopped.output
    assert isinstance(run(resume, data_dir).exception, RobotStoppedError)
    told = reset_soon(data_dir, typed="y\n")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in (event_id, "a child", "CLI", "luna resume"))
    assert "reset already" in run(reset, data_dir).output
    assert "goes on" in run(resume, data_dir).output
    assert "not stopped" in run(reset, data_dir).output


def test_who_does_not_say_yes_resets_nothing(data_dir: Path) -> None:
    run(stop, data_dir)
    said = run(reset, data_dir, typed="n\n")
    assert said.exit_code == 1
    assert isinstance(run(resume, data_dir).exception, RobotStoppedError)
    assert reset_soon(data_dir, "--yes").exit_code == 0
    assert run(resume, data_dir).exit_code == 0


def test_anybody_but_a_librarian_is_refused(data_dir: Path) -> None:
    run(stop, data_dir)
    as_student = run(
        reset, data_dir, "--yes", "--email", "student@example.org", typed=f"{PASSWORD}\n"
    )
    assert "FORBIDDEN" in str(as_student.exception)
    wrong = run(reset, data_dir, "--email", "librarian2@example.org", typed="guessed\n")
    assert "401" in str(wrong.exception)
    assert reset_soon(data_dir, "--yes").exit_code == 0
    assert run(resume, data_dir).exit_code == 0
