"""Who holds a data directory: one robot at a time, until its last process is gone."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from edge.domain.errors import SetupError

ANOTHER = "choose another one with --data-dir."


def take(path: Path) -> int:
    """Lock the directory for as long as the descriptor that this gives is open. Raises SetupError, OSError.

    The lock is on the directory itself: the kernel frees it with the descriptor, and no file is left.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SetupError(
            f"A robot is running on the data in {path}.", hint=f"Stop it, or {ANOTHER}"
        ) from error
    return descriptor


@contextlib.contextmanager
def released(path: Path, lock: int) -> Iterator[None]:
    """Release the directory at the end, without the sockets of processes that are gone."""
    try:
        yield
    finally:
        clear(path / "run")
        os.close(lock)


def clear(run: Path) -> None:
    """Remove the sockets of processes that are gone."""
    with contextlib.suppress(OSError):
        for entry in run.iterdir():
            entry.unlink(missing_ok=True)
