"""Somebody who writes to the store, and has the whole of its log written back, again and again:
`python -m tests.support.checkpoints STORE`.

Says when it is at it. Ends with its parent, or on SIGTERM, when it prints how often, and how long the longest took.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from functools import partial
from itertools import count, islice
from pathlib import Path

from edge.domain.users import SYSTEM, Role
from edge.services import users
from edge.store import sqlite
from edge.store.database import Database

ROWS = 20
"""Written between two checkpoints, each a transaction of its own."""


def register(store: Database, number: int) -> None:
    person = partial(
        users.register,
        email=f"load-{number}@example.org",
        password_hash="none that anybody has the password for",
        first_name="Somebody",
        last_name="Else",
        role=Role.STUDENT,
    )
    store.write(SYSTEM, person)


def run(path: Path, ended: threading.Event) -> dict[str, float]:
    parent, done, longest_s, numbers = os.getppid(), 0, 0.0, count()
    with (
        closing(Database.open(path)) as store,
        closing(sqlite.sqlite3.connect(path, timeout=10.0)) as line,
    ):
        while not ended.is_set() and os.getppid() == parent:
            for number in islice(numbers, ROWS):
                register(store, number)
            began = time.monotonic()
            line.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            longest_s = max(longest_s, time.monotonic() - began)
            done += 1
            if done == 1:
                print("at it", flush=True)
    return {"checkpoints": done, "longest_checkpoint_ms": round(longest_s * 1e3, 1)}


if __name__ == "__main__":
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    print(json.dumps(run(Path(sys.argv[1]), over)))
