"""Secrets that went through the api process are in none of its logs, in none of its answers, and not in the store."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from edge.domain.users import SYSTEM, Role
from edge.services import passwords, users
from edge.store import sqlite
from edge.store.database import Database
from tests.support.api_process import ApiProcess, api_process
from tests.support.served import KEY, PIN, make_data_dir

CANARY = "canary-4f1c"
"""In every secret that is sent; PIN and KEY are looked for as well."""
HAND_OVER = "97531864"


def ask(api: ApiProcess, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The answer's body; its text where it is no JSON."""
    data = (
        None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    )
    request = urllib.request.Request(api.url + path, data, headers, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def go_through_everything(api: ApiProcess) -> list[str]:
    """Send each kind of secret where it belongs and where it does not; the tokens that were made."""
    login = {"email": "ada@example.org", "password": f"{CANARY}-password"}
    session = ask(api, "POST", "/api/v1/auth/login", login)["data"]
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    refused = [
        ask(api, "POST", "/api/v1/auth/login", {**login, "password": f"{CANARY}-wrong"}),
        ask(api, "POST", "/api/v1/auth/login", {"email": f"{CANARY}@x", "password": CANARY}),
        ask(api, "POST", "/api/v1/auth/login", b'{"password": "' + CANARY.encode()),
        ask(api, "POST", "/api/v1/auth/login", {**login, "more": CANARY, "email": 7}),
        ask(api, "POST", "/api/v1/auth/register", {**login, "password": f"{CANARY}"[:7]}),
        ask(api, "POST", "/api/v1/auth/pin-login", {"login": "card-ada", "pin": f"{CANARY}-pin"}),
        ask(api, "POST", "/api/v1/auth/refresh", {"refresh_token": f"{CANARY}-refresh"}),
        ask(
            api,
            "POST",
            "/api/v1/auth/reset-password",
            {"token": f"{CANARY}-reset", "new_password": f"{CANARY}-new"},
        ),
        ask(api, "GET", "/api/v1/auth/me", Authorization=f"Bearer {CANARY}.x.y"),
        ask(api, "GET", "/api/v1/auth/me", Authorization=f"Basic {CANARY}"),
        ask(api, "GET", f"/api/v1/books?token={CANARY}", **{"X-Request-ID": f"{CANARY} {CANARY}"}),
        ask(api, "PUT", "/api/v1/requests/none/complete", {"pin": HAND_OVER}),
    ]
    ask(api, "POST", "/api/v1/auth/pin-login", {"login": "card-ada", "pin": PIN})
    ask(api, "POST", "/api/v1/auth/forgot-password", {"email": "ada@example.org"})
    ask(api, "GET", "/api/v1/auth/me", **bearer)
    with connect(f"ws://127.0.0.1:{api.port}/api/v1/ws") as ws:
        ws.send(json.dumps({"type": "auth", "token": f"{CANARY}-token"}))
        with contextlib.suppress(Exception):
            refused.append(ws.recv(timeout=5))
    assert CANARY not in json.dumps(refused)
    return [session["access_token"], session["refresh_token"]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    settings = make_data_dir(tmp_path)
    with contextlib.closing(Database.open(settings.store_path)) as store:
        store.write(
            SYSTEM,
            lambda tx: users.register(
                tx,
                email="ada@example.org",
                password_hash=passwords.hash_secret(f"{CANARY}-password"),
                first_name="Ada",
                last_name="L",
                role=Role.LIBRARIAN,
                pin_hash=passwords.hash_secret(PIN),
                card_number="card-ada",
            ),
        )
    return tmp_path


def until_it_listens(api: ApiProcess) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            ask(api, "GET", "/health")
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def break_the_store(data_dir: Path) -> None:
    with contextlib.closing(sqlite.connect(str(data_dir / "luna.db"))) as connection:
        connection.execute("DROP TABLE refresh_token")


def test_no_secret_is_written_down(data_dir: Path) -> None:
    with api_process(data_dir) as api:
        api.wait_until_told("WATCHDOG=1")
        until_it_listens(api)
        tokens = go_through_everything(api)
        break_the_store(data_dir)  # so that the same fails, with tracebacks in the log
        login = {"email": "ada@example.org", "password": f"{CANARY}-password"}
        broken = ask(api, "POST", "/api/v1/auth/login", login)
        assert broken["error"]["code"] == "INTERNAL_ERROR"
        headers = {"Authorization": f"Bearer {tokens[0]}"}
        assert ask(api, "GET", "/api/v1/auth/me", **headers)["error"]["code"] == "INTERNAL_ERROR"
        api.end()  # all that it had to write down is written
    logs = "".join(path.read_text() for path in (data_dir / "logs").iterdir())
    assert "a request failed" in logs and "Traceback" in logs
    for secret in (CANARY, HAND_OVER, KEY, *tokens):
        assert secret not in logs
    kept = b"".join(path.read_bytes() for path in data_dir.glob("luna.db*"))
    for secret in (CANARY, HAND_OVER, KEY, *tokens):
        assert secret.encode() not in kept
