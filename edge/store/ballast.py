"""A file that is given up when the disk is full, so that what has begun can still be written to its end.

Where SQLite has not one free byte, nothing helps: deleting rows and writing the log back fail too. So room is kept:
real blocks, in a file beside the store. Once it is given up (empty), nothing new is begun; when there is room again
it is filled again, and all is as before.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

BALLAST_BYTES = 32 << 20
FREE_TIMES = 2
"""It is filled only where so many times its size is free: a small disk keeps what it has."""


@dataclass(frozen=True, slots=True)
class Ballast:
    path: Path

    @classmethod
    def beside(cls, store: Path) -> "Ballast":
        return cls(store.with_name(f"{store.stem}.ballast"))

    @property
    def spent(self) -> bool:
        """It was given up, and is not back."""
        try:
            return self.path.stat().st_size == 0
        except OSError:
            return False  # there never was one

    def load(self) -> bool:
        """Have it, where there is room for it; whether it is there."""
        with contextlib.suppress(OSError):
            if self._size() == BALLAST_BYTES:
                return True
            if shutil.disk_usage(self.path.parent).free < FREE_TIMES * BALLAST_BYTES:
                return False
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # Blocks first, then the size: a fill that fails half way leaves it spent.
                os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
                return True
            except OSError:
                os.ftruncate(descriptor, 0)
            finally:
                os.close(descriptor)
        return False

    def give_up(self) -> bool:
        """Whether that made room; not where it was given up before, or never there."""
        try:
            if not self._size():
                return False
            os.truncate(self.path, 0)
        except OSError:
            return False
        return True

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0
