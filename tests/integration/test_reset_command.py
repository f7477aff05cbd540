"""`luna stop`, `luna reset` and `luna resume`, as a person at a shell of the robot uses them."""

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from api.client import CallError
from api.reset_command import reset, resume, signed_in, stop_of
from edge.domain.errors import RobotStoppedError, UnavailableError
from edge.domain.users import SYSTEM, Role
from edge.services import passwords, places, users
from edge.store.database import Database
from firmware_bridge.stop_command import command as stop
from tests.support.api_process import Ros, api_process
from tests.support.board import until
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


def until_it_says(data_dir: Path, *states: str) -> None:
    """The gate acts and tells of it afterwards; what the commands see of it is what the api has heard."""
    robot = signed_in(data_dir, "")

    def said() -> bool:
        with contextlib.suppress(UnavailableError):
            return stop_of(robot)["state"] in states
        return False

    until(said, f"the robot says {' or '.join(states)}")


def stopped(data_dir: Path, *more: str) -> str:
    while (done := run(stop, data_dir, *more)).exit_code:
        assert "not confirmed" in done.output  # in time, by a busy machine: then one presses again
    until_it_says(data_dir, "LATCHED")
    return done.output


def reset_soon(data_dir: Path, *more: str, typed: str = "") -> Result:
    """The board confirms a stop within 50 ms; until then a reset is refused."""
    results: list[Result] = []

    def answered() -> bool:
        results.append(run(reset, data_dir, *more, typed=typed))
        return not isinstance(results[-1].exception, CallError)

    until(answered, "the reset is taken")
    until_it_says(data_dir, "RESET")
    return results[-1]


def resumed(data_dir: Path) -> Result:
    done = run(resume, data_dir)
    until_it_says(data_dir, "HOLD", "RUNNING")
    return done


def test_stop_then_reset_then_resume(data_dir: Path) -> None:
    said = stopped(data_dir, "--reason", "a child")
    event_id = said.split()[0]
    assert "luna reset" in said
    assert isinstance(run(resume, data_dir).exception, RobotStoppedError)
    told = reset_soon(data_dir, typed="y\n")
    assert told.exit_code == 0, told.output
    assert all(word in told.output for word in (event_id, "a child", "CLI", "luna resume"))
    assert "reset already" in run(reset, data_dir).output
    assert "goes on" in resumed(data_dir).output
    assert "not stopped" in run(reset, data_dir).output


def test_who_does_not_say_yes_resets_nothing(data_dir: Path) -> None:
    stopped(data_dir)
    said = run(reset, data_dir, typed="n\n")
    assert said.exit_code == 1
    assert isinstance(run(resume, data_dir).exception, RobotStoppedError)
    assert reset_soon(data_dir, "--yes").exit_code == 0
    assert resumed(data_dir).exit_code == 0


def test_anybody_but_a_librarian_is_refused(data_dir: Path) -> None:
    stopped(data_dir)
    as_student = run(
        reset, data_dir, "--yes", "--email", "student@example.org", typed=f"{PASSWORD}\n"
    )
    assert "FORBIDDEN" in str(as_student.exception)
    wrong = run(reset, data_dir, "--email", "librarian2@example.org", typed="guessed\n")
    assert "UNAUTHENTICATED" in str(wrong.exception)
    assert reset_soon(data_dir, "--yes").exit_code == 0
    assert resumed(data_dir).exit_code == 0
