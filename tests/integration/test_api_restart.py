"""What the api process knows of sessions, keys and wrong guesses when it starts again, after a kill -9 too."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from edge.domain.users import FREE_FAILURES
from edge.store.database import Database
from tests.support.api_process import api_process
from tests.support.served import KEY, PASSWORD, PIN, add_people, make_data_dir

NEW_KEY = "another key of thirty-two bytes or more, for tests"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    settings = make_data_dir(tmp_path)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        add_people(store)
    return tmp_path


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[httpx2.Client]:
    """Until it is killed by -9."""
    with api_process(data_dir) as api:
        api.wait_until_it_listens()
        with httpx2.Client(base_url=f"{api.url}/api/v1/auth", timeout=20) as client:
            yield client


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def login(robot: httpx2.Client, name: str) -> Any:
    body = {"email": f"{name}@example.org", "password": PASSWORD}
    return robot.post("/login", json=body)


def refresh(robot: httpx2.Client, session: Any) -> Any:
    return robot.post("/refresh", json={"refresh_token": session["refresh_token"]})


def me(robot: httpx2.Client, session: Any) -> int:
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    return robot.get("/me", headers=headers).status_code


def test_locks_sessions_and_keys_outlive_kill_9(data_dir: Path) -> None:
    """Three starts in one test: each takes a second or two."""
    key = data_dir / "secrets" / "jwt.key"
    guess = {"login": "other@example.org", "pin": "0000"}
    with running(data_dir) as robot:
        for _ in range(FREE_FAILURES + 1):
            wrong = {"email": "student@example.org", "password": "wrong"}
            assert robot.post("/login", json=wrong).status_code == 401
            assert robot.post("/pin-login", json=guess).status_code == 401
        used = login(robot, "librarian").json()["data"]
        successor = refresh(robot, used).json()["data"]
        by_old_key = login(robot, "admin").json()["data"]

    key.write_text(f"{NEW_KEY}\n{KEY}\n")
    with running(data_dir) as robot:
        assert code(login(robot, "student")) == (429, "ACCOUNT_LOCKED")
        right = {**guess, "pin": PIN}
        assert code(robot.post("/pin-login", json=right)) == (429, "ACCOUNT_LOCKED")
        assert me(robot, successor) == 200, "the session goes on"
        assert code(refresh(robot, used)) == (401, "UNAUTHENTICATED")
        assert me(robot, successor) == 401, "a refresh token that is used twice ends it"
        assert me(robot, by_old_key) == 200, "a new key ends nobody's session"
        by_new_key = refresh(robot, by_old_key).json()["data"]

    key.write_text(f"{NEW_KEY}\n")
    with running(data_dir) as robot:
        assert me(robot, by_new_key) == 200
        assert me(robot, by_old_key) == 401, "the old key is gone"
