"""The small protocols through which the core sees the world."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from. Tests move it by hand."""

    def now(self) -> datetime:
        """Wall time, aware, UTC. For records; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow. For deadlines."""
        ...
