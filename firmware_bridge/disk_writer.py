"""The gate's writing, on a thread of its own: a disk that hangs for seconds must not keep the gate
from its deadlines.

A thread is enough: what takes long is fsync, and the interpreter does not wait for that.
"""

import logging
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from firmware_bridge.latch import Latch, LatchStore

PATIENCE_S = 0.3
"""How long a client may wait for the disk: less than it waits for the gate."""
RETRY_S = 1.0
"""Time between two attempts on a disk that refuses."""
LEAVE_S = 2.0
"""How long the end waits for what is not written yet."""
MOST_RECORDS = 256
"""Records kept in memory while the disk hangs or refuses."""
log = logging.getLogger("gate")


class DiskWriter:
    """Saves the newest latch, then appends the records, oldest first. All of it is for the gate's
    loop; only `has_saved` and `has_recorded` wait.

    `wanted`: the latch that was given last. `refusals`: how often the disk refused. `lost`: records
    that were too many. `why`: what keeps the disk.
    """

    def __init__(self, store: LatchStore, saved: Latch) -> None:
        """`saved`: what is on the disk now."""
        self.wanted = saved
        self.refusals = self.lost = 0
        self.why = ""
        self._store = store
        self._saved: Latch | None = saved
        self._records: deque[dict[str, object]] = deque()
        self._began: float | None = None
        self._refusing = self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
        self._thread.start()

    def save(self, latch: Latch) -> None:
        """Have `latch` on the disk as soon as can be. Raises RuntimeError where nobody writes."""
        with self._changed:
            self.wanted = latch
            self._wake()

    def record(self, records: Iterable[dict[str, object]]) -> None:
        """Have `records` in the journal as soon as can be. Raises RuntimeError where nobody writes."""
        with self._changed:
            self._records.extend(records)
            while len(self._records) > MOST_RECORDS:
                del self._records[1]  # the first may be half written
                self.lost += 1
            self._wake()

    def has_saved(self, by: float = math.inf) -> bool:
        """Whether the newest latch is on the disk; waits for that a little, if the disk does not
        refuse, and no longer than till `by`, monotonic s."""
        return self._wait(lambda: self._saved is self.wanted, by)

    def has_recorded(self, by: float = math.inf) -> bool:
        """Whether all records are on the disk; waits for that like `has_saved`."""
        return self._wait(lambda: not self._records, by)

    def close(self) -> None:
        """Write what is left, if the disk lets us within `LEAVE_S`."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(LEAVE_S)

    def _wake(self) -> None:
        if not self._thread.is_alive():
            raise RuntimeError("the thread that writes to the disk has ended")
        self._changed.notify_all()

    def _wait(self, done: Callable[[], bool], by: float) -> bool:
        with self._changed:
            # Counted from when the disk began: whoever comes next does not wait for as long again.
            now = time.monotonic()
            left_s = min((now if self._began is None else self._began) + PATIENCE_S, by) - now
            self._changed.wait_for(lambda: done() or self._refusing, max(0.0, left_s))
            if not (done() or self._refusing):
                self.why = "the disk does not answer"
            return done()

    # The thread

    def _work(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are the loop's
        while (work := self._next_work()) is not None:
            try:
                self._write(work)
            except OSError as error:
                self._rest(error)

    def _next_work(self) -> Latch | dict[str, object] | None:
        """Waits for the latch or record that is to be written next; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._has_work())
            if not self._has_work() or (self._ended and self._refusing):
                return None
            self._began = time.monotonic()
            if self._saved is self.wanted:
                return self._records[0]
            self._saved = None  # half a save leaves the old one or the new one
            return self.wanted

    def _has_work(self) -> bool:
        return self._saved is not self.wanted or bool(self._records)

    def _write(self, work: Latch | dict[str, object]) -> None:
        if isinstance(work, Latch):
            self._store.save(work)
        else:
            self._store.record(work)
        with self._changed:
            if isinstance(work, Latch):
                self._saved = work
            else:
                self._records.popleft()
            self._began, self._refusing = None, False
            self._changed.notify_all()

    def _rest(self, error: OSError) -> None:
        log.error("the latch or journal cannot be written: %s", error)
        with self._changed:
            self.refusals += 1
            self.why = str(error)
            self._refusing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended, RETRY_S)
