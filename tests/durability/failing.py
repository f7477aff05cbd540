"""The story on a disk of which syncs fail. Waits for lines "PATH TRACE FAILING ENDING CHANGES", each done by a child.

Sync number FAILING fails, and so do the two that follow. ENDING: whoever is refused `asks` again until it is done, or
`dies` and comes back. Prints how often it was refused. Given `unsettled` it is the control: nothing is done about it.
"""

import ctypes
import os
import sys
from pathlib import Path

from edge.domain.errors import SetupError, StorageFailedError
from edge.store import opening, writing
from edge.store.database import Database
from tests.durability.story import kept, tell
from tests.support.disk import ACKNOWLEDGED_FD

CHECKPOINT_PAGES = 40
FAILS = 3


def main() -> None:
    opening.CHECKPOINT_PAGES = CHECKPOINT_PAGES
    writing.MEND_EVERY_S = 0.0
    if "unsettled" in sys.argv:
        writing.WritingConnection._settle = lambda self, *, wait_ms: None  # type: ignore[method-assign]
        # It opens and closes the store, and whoever closes last writes the log back too.
        opening.check = opening.secure_log = lambda path: None
    for line in sys.stdin:
        path, trace, failing, ending, changes = line.split()
        refused = _in_child(Path(path), trace, int(failing), ending == "dies", int(changes))
        if refused and ending == "dies":
            refused += _in_child(Path(path), trace, 0, False, int(changes))
        print(refused, flush=True)


def _in_child(path: Path, trace: str, failing: int, dies: bool, changes: int) -> int:
    if (child := os.fork()) == 0:
        disk = ctypes.CDLL(None)
        disk.disk_trace(trace.encode())
        disk.disk_fail_sync(ctypes.c_long(failing), ctypes.c_long(FAILS))
        # Without the writing back at the end, which would mend all.
        os._exit(_tell_all(path, dies, changes))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _tell_all(path: Path, dies: bool, changes: int) -> int:
    refused = 0
    database: Database | None = None
    while database is None:
        try:
            database = Database.open(path)
        except SetupError:
            refused += 1
    number = database.read(kept)
    while number < changes:
        try:
            tell(database, number + 1)
        except StorageFailedError:
            refused += 1
            if dies:
                return refused
            continue
        number += 1
        os.write(ACKNOWLEDGED_FD, str(number).encode())
    return refused


if __name__ == "__main__":
    main()
