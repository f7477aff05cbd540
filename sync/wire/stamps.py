"""The clock that stamps events, for whoever writes them."""

from edge.clock import HybridLogicalClock, SystemClock

__all__ = ["HybridLogicalClock", "SystemClock"]
