"""STOP on its way from HTTP to the gate: no database, no broker, no ROS, and no queue behind other work."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from api.metrics import Metrics
from edge import logs
from edge.domain.errors import RobotStoppedError, UnavailableError
from edge.domain.stops import StopSource
from edge.domain.users import Role
from firmware_bridge.sockets import (
    GateUnavailableError,
    ResetRefusedError,
    StopReceipt,
    request_reset,
    request_resume,
    request_stop,
)

T = TypeVar("T")

log = logs.get("api.stop")

DEADLINE_S = 0.5
"""A person who pressed STOP knows within this whether it worked, or to use the red button."""
THREADS = 2
"""So that one stop that waits for a frozen gate never holds up the next."""


class Stopper:
    def __init__(self, run_dir: Path, metrics: Metrics) -> None:
        self._run_dir = run_dir
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, "stop")

    async def stop(self, who: str, role: Role, reason: str = "STOP was pressed.") -> StopReceipt:
        """Returns once the gate has confirmed that the robot stands. Raises UnavailableError."""
        source = StopSource.TOUCHSCREEN if role is Role.KIOSK else StopSource.API
        ask = partial(
            request_stop, self._run_dir, source=source, who=who, reason=reason, timeout_s=DEADLINE_S
        )
        try:
            receipt = await self._ask(ask, also_late=True)
        except UnavailableError as error:
            self._metrics.stops.labels("unconfirmed").inc()
            log.error("a stop is not confirmed", who=who, error=str(error.__cause__ or error))
            raise UnavailableError("STOP_NOT_CONFIRMED") from error
        self._metrics.stops.labels("joined" if receipt.joined else "stopped").inc()
        log.warning("stopped", who=who, source=source, event_id=receipt.event_id)
        return receipt

    async def reset(self, event_id: str, who: str) -> None:
        """Raises ResetRefusedError, UnavailableError."""
        ask = partial(
            request_reset, self._run_dir, event_id=event_id, who=who, timeout_s=DEADLINE_S
        )
        await self._ask(ask)
        log.warning("reset", who=who, event_id=event_id)

    async def resume(self, who: str) -> None:
        """Raises RobotStoppedError, UnavailableError."""
        try:
            await self._ask(partial(request_resume, self._run_dir, who=who, timeout_s=DEADLINE_S))
        except ResetRefusedError as error:
            raise RobotStoppedError(error.sentence, reason=error.sentence) from error

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, work: Callable[[], T], *, also_late: bool = False) -> T:
        """`also_late`: what has not had its turn by the deadline is done all the same."""
        job = self._threads.submit(work)
        asked = asyncio.wrap_future(job)
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await asyncio.shield(asked)
        except TimeoutError as error:
            if not also_late:
                job.cancel()  # the caller is told that it failed; where it runs already, the gate judges its age
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise UnavailableError("GATE_SILENT") from error
        except GateUnavailableError as error:
            raise UnavailableError("GATE_SILENT") from error
