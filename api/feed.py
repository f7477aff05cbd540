"""From the store to the live channels: what happened to tasks, and who was told what."""

import asyncio
import contextlib
import time

from api.live import Live
from api.status import Work, robot_record, stop_record, task_record
from edge import logs
from edge.domain.events import Event
from edge.domain.notifications import Channel
from edge.services import arrivals, outbox
from edge.services.notifications import CHANNELS
from edge.settings import Settings
from edge.store.database import Database, Reader

EVERY_S = 0.5
"""The robot's status is shown this often; a page that hears nothing for 1.5 s says that the link is lost."""
REST_S, REST_SHARE = 0.1, 4.0
"""After each look it rests, and for so many times as long as the look took: however much is written, STOP and everybody
else who is served by the same loop come first."""
QUEUE_SHOWN = 50
"""So many tasks of the queue are shown; the status says how many there are."""
BATCH = 500

log = logs.get("api.feed")


class Feed:
    """Shows the robot's status and queue, and passes on what the store's outbox tells."""

    def __init__(self, settings: Settings, database: Database, live: Live) -> None:
        self._settings = settings
        self._database = database
        self._live = live
        self._changed = asyncio.Event()
        self._version = -1
        self._through = database.read(outbox.newest)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._live.on_change = self._changed.set
        self._live.on_gate = self._gate_changed
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            # Not wait_for: that of Python 3.11 can swallow the cancellation that should end this.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
            self._changed.clear()
            began = time.monotonic()
            try:
                self._look()
            except Exception:  # a store in trouble is /ready's to report; the pages still get poses
                log.exception("the store cannot be read")
            await asyncio.sleep(max(REST_S, REST_SHARE * (time.monotonic() - began)))

    def _look(self) -> None:
        hub = self._live.hub
        version = self._database.data_version()
        work = self._database.read(lambda reader: Work.read(reader, self._settings.robot.id))
        hub.shows("robot", "status", robot_record(self._settings, self._live, work))
        if version != self._version:
            self._version = version
            slots = self._settings.robot.tray_slots
            first = work.queue[:QUEUE_SHOWN]
            queue = self._database.read(lambda reader: arrivals.expected(reader, first, slots))
            hub.shows("tasks", "queue", [task_record(one) for one in queue])
            self._database.read(self._tell)

    def _tell(self, reader: Reader) -> None:
        """Pass on the events that are new. What was sent to central and forgotten meanwhile is only said to be so."""
        newest = outbox.newest(reader)
        while self._through < newest:
            events = outbox.pending(reader, self._through, BATCH)
            first = events[0].seq if events else newest + 1
            if first > self._through + 1:
                for channel in ("tasks", "notifications"):
                    self._live.hub.happened(channel, "resync", {})
            for event in events:
                self._pass_on(event)
            self._through = events[-1].seq if events else newest

    def _pass_on(self, event: Event) -> None:
        if event.entity == "task":
            self._live.hub.happened("tasks", event.type, event.data)
        # Events of before there were channels went everywhere.
        elif event.entity == "notification" and Channel.IN_APP in event.data.get(
            CHANNELS, [Channel.IN_APP]
        ):
            user_id = event.data.get("user_id")
            self._live.hub.happened("notifications", event.type, event.data, user_id=user_id)

    def _gate_changed(self) -> None:
        self._live.hub.happened("robot", "emergency_stop", stop_record(self._live.gate))
        self._changed.set()
