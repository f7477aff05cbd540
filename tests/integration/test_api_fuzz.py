"""The whole OpenAPI document, tried out by schemathesis: no crash, and no answer that the document does not have.

Some 2,000 requests; with LUNA_SOAK=1 far more of them, and in sequences. A 500 is in no document, so it is found as an
answer that is not there; a 503 is documented (there is no gate and no robot here).
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from edge.domain.users import SYSTEM
from edge.store.database import Transaction
from tests.support.served import Served, served

SOAK = os.environ.get("LUNA_SOAK") == "1"
PHASES = ("examples", "coverage", "fuzzing", *(("stateful",) if SOAK else ()))
EXAMPLES = 120 if SOAK else 1
LEAST = 9_000 if SOAK else 1_500
LEFT_OUT = (
    "not_a_server_error",  # a 503 would be one
    "positive_data_acceptance",  # not all that fits the schema is right: a place may be off the map
)

CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "5xx"]
"""
"""A list that is too long may be too long a body first."""


class KeepsItsAdmin:
    """The application, where what was tried out does not take its own rights from who tries."""

    def __init__(self, library: Served) -> None:
        self._library = library
        rows = library.database.read(lambda r: r.rows("SELECT * FROM refresh_token"))
        self._families = [dict(row) for row in rows]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "/users/" in scope["path"] or "/auth/" in scope["path"]:
            self._library.database.write(SYSTEM, self._restore)
        await self._library.app(scope, receive, send)
        if "/users/" in scope["path"] or "/auth/" in scope["path"]:
            self._library.database.write(SYSTEM, self._restore)

    def _restore(self, tx: Transaction) -> None:
        admin = self._library.people["admin"]
        tx.update("user", admin, active=1, role="ADMIN")
        for row in self._families:
            if not tx.value("SELECT 1 FROM refresh_token WHERE family = ?", row["family"]):
                tx.insert("refresh_token", **row)


@contextlib.contextmanager
def listening(library: Served) -> Iterator[str]:
    config = uvicorn.Config(
        KeepsItsAdmin(library), port=0, lifespan="off", log_config=None, ws="none"
    )
    server, listener = uvicorn.Server(config), config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.mark.timeout(7200 if SOAK else 300)
def test_nothing_that_fits_or_does_not_fit_the_document_surprises(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with served(tmp_path) as library:
        token = library.asked_by("admin").headers["Authorization"]
        library.request()
        with listening(library) as url:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "schemathesis.cli",
                    "run",
                    f"{url}/openapi.json",
                    f"--header=Authorization: {token}",
                    f"--phases={','.join(PHASES)}",
                    f"--max-examples={EXAMPLES}",
                    f"--exclude-checks={','.join(LEFT_OUT)}",
                    "--seed=6",
                    "--no-color",
                    "--warnings=off",
                    "--generation-database=none",
                ],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                check=False,
            )
    told = done.stdout[-20_000:] + done.stderr[-2_000:]
    assert done.returncode == 0, told
    (tried,) = re.findall(r"(\d+) generated", done.stdout)
    assert int(tried) >= LEAST, told
