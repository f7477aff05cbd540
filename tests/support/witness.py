"""What the board was commanded, and when: written by the process that holds the board, read by a test in another one.

Both go by CLOCK_MONOTONIC, which all processes of a machine share.
"""

import os
import struct
import time
from collections import deque
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.support.board import PATIENCE_S, until

_RECORD = struct.Struct("=4d")
FILE = "witness"
"""In the data directory."""
KEPT = 5_000
"""Records that a reader keeps: over ten seconds."""


class Seen(NamedTuple):
    """One look at the board. `v`, `w`: what its motors ramp to; `speed`: how far they are. m/s, rad/s."""

    at: float
    v: float
    w: float
    speed: float

    @property
    def commanded(self) -> bool:
        return bool(self.v or self.w)


def write(fd: int, seen: Seen) -> None:
    os.write(fd, _RECORD.pack(*seen))


class Witness:
    """The reader. `look` before anything else: the answers are about what it has read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self.seen: deque[Seen] = deque(maxlen=KEPT)

    def look(self) -> None:
        """Take in what was written since."""
        with self._path.open("rb") as file:
            file.seek(self._place)
            data = file.read()
        whole = len(data) - len(data) % _RECORD.size
        self._place += whole
        self.seen.extend(Seen(*fields) for fields in _RECORD.iter_unpack(data[:whole]))

    def newest(self) -> Seen:
        self.look()
        return self.seen[-1]

    def between(self, start: float, end: float) -> list[Seen]:
        self.look()
        return [one for one in self.seen if start <= one.at <= end]

    def zero_after(self, moment: float) -> float:
        """When the first command of zero behind `moment` was seen. Fails where there is none."""
        found: list[float] = []

        def stands() -> bool:
            zeros = (one.at for one in self.between(moment, time.monotonic()) if not one.commanded)
            found.extend(zeros)
            return bool(found)

        until(stands, "zero is commanded", within_s=PATIENCE_S)
        return found[0]

    def standing_since(self, moment: float) -> float | None:
        """When the first command of zero behind `moment` was seen that holds until now; None where there is none."""
        since = None
        for one in self.between(moment, time.monotonic()):
            if one.commanded:
                since = None
            elif since is None:
                since = one.at
        return since

    def longest_pause(self, start: float, end: float) -> float:
        """Longest time without a look, s: what the machine itself adds to a figure."""
        times = [start, *(one.at for one in self.between(start, end)), end]
        return max(after - before for before, after in pairwise(times))
