"""The sender's half of a stream: what may be in flight, and when it is sent again. No clock, no socket.

A batch counts as delivered only when the other side says that it has committed it, never on PUBACK: that only says
that the broker has it. On any doubt the sender goes back to what is confirmed; the receiver ignores what it has.
"""

from collections import deque

WINDOW_BATCHES = 4
RESEND_AFTER_S = 5.0
RESEND_AT_MOST_S = 30.0


class Sender:
    """`acked`: all up to here is committed over there. `sent`: all up to here is on its way. Times are monotonic."""

    def __init__(self, acked: int) -> None:
        self.acked = acked
        self.sent = acked
        self._in_flight: deque[int] = deque()
        self._waiting_since = 0.0
        self._patience_s = RESEND_AFTER_S
        self._rewound = False

    @property
    def has_room(self) -> bool:
        """Whether one more batch may be sent. Just one at a time while nobody answers."""
        unanswered = self._patience_s > RESEND_AFTER_S
        return len(self._in_flight) < (1 if unanswered else WINDOW_BATCHES)

    def restart(self) -> None:
        """A new connection: what was in flight may be lost."""
        self.sent = self.acked
        self._in_flight.clear()
        self._patience_s = RESEND_AFTER_S
        self._rewound = False

    def went(self, last_seq: int, now_s: float) -> None:
        """A batch that ends with `last_seq` is handed to the broker's link."""
        if not self._in_flight:
            self._waiting_since = now_s
        self._in_flight.append(last_seq)
        self.sent = last_seq

    def confirmed(self, through: int, now_s: float, *, live: bool = True) -> bool:
        """The other side has committed all up to `through`. True where that is news.

        Not `live`: it is what the broker kept of an earlier time.
        """
        if through < self.acked:
            return self._confirmed_less(through)
        if through == self.acked:
            # Said again while more is under way: it misses something. Believed once until there is progress, or
            # answers to duplicates would breed duplicates.
            if live and self._in_flight and not self._rewound:
                self._rewind()
            return False
        self.acked = through
        self.sent = max(self.sent, through)
        while self._in_flight and self._in_flight[0] <= through:
            self._in_flight.popleft()
        self._waiting_since, self._patience_s, self._rewound = now_s, RESEND_AFTER_S, False
        return True

    def resend_in_s(self, now_s: float) -> float | None:
        """Seconds until `resend_overdue` would act; None where nothing is in flight."""
        return max(0.0, self._waiting_since + self._patience_s - now_s) if self._in_flight else None

    def resend_overdue(self, now_s: float) -> bool:
        """Go back where the other side has been silent for too long. True where it did."""
        if self.resend_in_s(now_s) != 0.0:
            return False
        self._rewind()
        self._patience_s = min(2 * self._patience_s, RESEND_AT_MOST_S)
        return True

    def _confirmed_less(self, through: int) -> bool:
        """It had more before: restored from a backup. What is still kept is sent again."""
        self.acked = through
        self._rewind()
        return False

    def _rewind(self) -> None:
        self.sent = self.acked
        self._in_flight.clear()
        self._rewound = True
