"""What this process hears from the others: pose, plan and scan from ros, the state of the gate, changes of the store.

All of it only wakes and shows; facts are read from the store.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from api.hub import Hub
from edge import logs
from edge.live import SOCKET_NAME, LiveClient
from edge.settings import Settings
from firmware_bridge.sockets import GateState, StateWatcher

RETRY_S = 0.25
GATE_FRESH_S = 1.0
"""The gate tells its state ten times a second; silent for this long, it is away or frozen."""
ROS_FRESH_S = 3.0
"""ros tells something at least once a second."""
POLL_S = 1.0
"""A change whose hint was lost is seen by asking the store this often."""

SHOWN_EVERY_S = {"pose": 0.1, "scan": 0.2, "plan": 0.0, "navigation": 0.2}
"""What ros tells and the `robot` channel shows, no more often than this."""

log = logs.get("api.live")


class LocalSocket(Protocol):
    def connect(self) -> bool: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class Live:
    """Runs on the event loop between `start` and `close`; `committed` may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.hub = Hub()
        self.on_change: Callable[[], None] = lambda: None
        """Called on the loop when the store may have changed."""
        self.on_gate: Callable[[], None] = lambda: None
        """Called on the loop when the gate's stop changed."""
        self._ros = LiveClient(settings.run_dir / SOCKET_NAME)
        self._gate = StateWatcher(settings.run_dir)
        self._gate_state: GateState | None = None
        self._gate_at = self._ros_at = float("-inf")
        self._latest: dict[str, dict[str, Any]] = {}
        self._shown_at: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def gate(self) -> GateState | None:
        """The gate's state; None where it is away or frozen."""
        return self._gate_state if time.monotonic() - self._gate_at < GATE_FRESH_S else None

    @property
    def ros_is_fresh(self) -> bool:
        return time.monotonic() - self._ros_at < ROS_FRESH_S

    @property
    def ros_age_s(self) -> float:
        """Since ros told anything; infinite where it never did."""
        return time.monotonic() - self._ros_at

    def latest(self, kind: str) -> dict[str, Any]:
        """The newest message of this kind from ros, however old; empty where there was none."""
        return self._latest.get(kind, {})

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [
            asyncio.create_task(_follow(self._ros, self._hear_ros)),
            asyncio.create_task(_follow(self._gate, self._hear_gate)),
        ]

    async def close(self) -> None:
        self._loop = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ros.close()
        self._gate.close()

    def committed(self) -> None:
        """This process has changed the store: tell its own clients, and by a hint the other processes."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._committed)

    def _committed(self) -> None:
        if _is_open(self._ros):
            self._ros.hint("store")
        self.on_change()

    def _hear_ros(self) -> None:
        for message in self._ros.receive():
            self._ros_at = time.monotonic()
            kind = message.pop("type", None)
            if kind == "hint":
                self.on_change()
            elif isinstance(kind, str):
                self._latest[kind] = message
                self._show(kind, message)

    def _show(self, kind: str, data: dict[str, Any]) -> None:
        every_s = SHOWN_EVERY_S.get(kind)
        if (
            every_s is None
            or self._ros_at - self._shown_at.get(kind, float("-inf")) < every_s * 0.9
        ):
            return
        self._shown_at[kind] = self._ros_at
        self.hub.shows("robot", kind, data)

    def _hear_gate(self) -> None:
        try:
            state = self._gate.receive()
        except (KeyError, ValueError, TypeError) as error:
            log.error("the gate tells something else than its state", error=repr(error))
            return
        if state is None:
            return
        before, self._gate_state, self._gate_at = self._gate_state, state, time.monotonic()
        if before is None or (before.state, before.event_id) != (state.state, state.event_id):
            self.on_gate()


async def _follow(local: LocalSocket, hear: Callable[[], None]) -> None:
    """Call `hear` whenever `local` has something, connecting again whenever it is gone."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    while True:
        # In a thread: a frozen listener with a full queue makes connect() wait.
        if not await asyncio.to_thread(local.connect):
            await asyncio.sleep(RETRY_S)
            continue
        descriptor = local.fileno()
        loop.add_reader(descriptor, readable.set)
        try:
            while _is_open(local):
                await readable.wait()
                readable.clear()
                hear()
        finally:
            loop.remove_reader(descriptor)


def _is_open(local: LocalSocket) -> bool:
    try:
        return local.fileno() >= 0
    except OSError:
        return False
