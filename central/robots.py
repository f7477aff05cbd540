"""The link to the robots of one site, in a thread of its own."""

import contextlib
import os
import select as selecting
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import structlog
from pydantic import ValidationError
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError

from central import inbox, outbox, requests, tables
from central.store import Store, new_id
from sync.link import Disconnected, Link, LinkSettings, Publication, Received, Refused
from sync.wire.envelope import Ack, Batch
from sync.wire.stream import Sender
from sync.wire.topics import ANY, Topics, parse

log = structlog.get_logger("central")

BATCH_EVENTS = 100
TICK_S = 1.0
MAX_HELD = 8
"""Messages that wait for a store in trouble; fewer than the broker sends without confirmation."""


class SiteLink:
    """Takes what the robots tell, and tells them what the outbox holds. `wake` after each commit."""

    def __init__(self, store: Store, settings: LinkSettings, site: str) -> None:
        self._store = store
        self._site = site
        every = Topics(site, ANY)
        wanted = (every.connection, every.state, every.events_up, every.events_down_ack)
        # Nothing is lost without a session: robots send again what is not confirmed. With one, the broker would
        # hoard the same batches over and over while this server is away.
        self._link = Link(
            replace(settings, subscriptions=[(topic, 1) for topic in wanted], keep_session=False)
        )
        self._senders: dict[str, Sender] = {}
        self._online: set[str] = set()
        self._held: deque[Received] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="site", daemon=True)
        self._handlers: dict[str, Callable[[str, Received], None]] = {
            "connection": self._on_connection,
            "state": self._on_state,
            "events/up": self._on_events,
            "events/down/ack": self._on_ack,
        }

    def start(self) -> None:
        self._link.start()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.wake()
        self._thread.join(2)
        self._link.stop()

    def wake(self) -> None:
        """There is something new to tell. From any thread."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)

    @property
    def connected(self) -> bool:
        return self._link.connected

    def _run(self) -> None:
        while not self._stopping.is_set():
            selecting.select([self._link.fileno(), self._wake], [], [], TICK_S)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            try:
                self._take_held()
                for event in self._link.receive():
                    self._handle(event)
                self._tell()
            except Exception:
                log.exception("the robots could not be told; tried again later")

    def _handle(self, event: Any) -> None:
        if isinstance(event, Disconnected):
            self._online.clear()
        elif isinstance(event, Refused):
            log.warning("refused by the broker", what=event.what, why=event.reason)
        elif isinstance(event, Received):
            if len(self._held) < MAX_HELD:
                self._held.append(event)
                self._take_held()
            else:
                # Robots send again what is not confirmed by us, and tell their state all the time.
                log.error("a message is let go: the store takes nothing", topic=event.topic)
                event.done()

    def _take_held(self) -> None:
        """Take what came, in order, each confirmed to the broker when it is in the store."""
        while self._held:
            message = self._held[0]
            try:
                self._on_message(message)
            except OperationalError:
                log.exception("a message waits for the store", topic=message.topic)
                return
            except Exception:
                log.exception("a message could not be taken", topic=message.topic)
            self._held.popleft().done()

    def _on_message(self, message: Received) -> None:
        """Raises what the store raises."""
        found = parse(message.topic)
        handler = self._handlers.get(found[1]) if found else None
        if found is None or handler is None:
            return
        try:
            handler(found[0].robot, message)
        except (ValidationError, orjson.JSONDecodeError) as error:
            log.warning("malformed message", topic=message.topic, why=str(error).splitlines()[0])

    def _on_connection(self, robot_id: str, message: Received) -> None:
        connection = _object(message.payload)
        self._remember(robot_id, connection=connection)
        if message.retained:
            self._greet(robot_id, connection)
        if connection.get("state") == "ONLINE":
            # A new start of the robot, or of its connection: what was on its way to it may be lost.
            self._sender(robot_id).restart()
            self._online.add(robot_id)
        else:
            self._online.discard(robot_id)

    def _on_state(self, robot_id: str, message: Received) -> None:
        self._remember(robot_id, state=_object(message.payload))

    def _on_events(self, robot_id: str, message: Received) -> None:
        batch = Batch.model_validate_json(message.payload)
        with self._store.transaction() as tx:
            ack = inbox.apply_batch(tx, robot_id, batch.stream, batch.events)
        if ack.rejected:
            log.warning(
                "events parked",
                robot=robot_id,
                count=len(ack.rejected),
                first=ack.rejected[0].reason,
            )
        self._confirm(robot_id, ack)

    def _on_ack(self, robot_id: str, message: Received) -> None:
        ack = Ack.model_validate_json(message.payload)
        sender = self._sender(robot_id)
        with self._store.transaction() as tx:
            stream, head, _ = outbox.open_stream(tx, robot_id)
            if ack.stream != stream:
                return
            if ack.through > head:
                log.error(
                    "a robot knows more of us than we do",
                    robot=robot_id,
                    through=ack.through,
                    head=head,
                )
            elif sender.confirmed(ack.through, time.monotonic(), live=not message.retained):
                outbox.acknowledge(tx, robot_id, ack.through)
            for refusal in ack.rejected:
                log.warning(
                    "a robot could not apply an event",
                    robot=robot_id,
                    seq=refusal.seq,
                    why=refusal.reason,
                )
                requests.refused_by_robot(tx, robot_id, refusal.seq, refusal.reason)

    def _tell(self) -> None:
        for robot_id in sorted(self._online) if self._link.connected else ():
            sender = self._sender(robot_id)
            sender.resend_overdue(time.monotonic())
            while sender.has_room:
                with self._store.transaction() as tx:
                    events = outbox.pending(tx, robot_id, sender.sent, BATCH_EVENTS)
                if not events or not self._send(robot_id, events):
                    break
                sender.went(int(events[-1]["seq"]), time.monotonic())

    def _send(self, robot_id: str, events: list[dict[str, Any]]) -> bool:
        batch = Batch(batch_id=new_id(), events=events)
        return self._link.publish(
            Publication(Topics(self._site, robot_id).events_down, batch.to_json())
        )

    def _greet(self, robot_id: str, connection: dict[str, Any]) -> None:
        """To a robot that was there before us: say how far we are, so that it goes on at once."""
        up = connection.get("up")
        if isinstance(up, dict) and isinstance(up.get("stream"), str):
            with self._store.transaction() as tx:
                ack = inbox.position(tx, up["stream"])
            self._confirm(robot_id, ack)

    def _confirm(self, robot_id: str, ack: Ack) -> None:
        topic = Topics(self._site, robot_id).events_up_ack
        self._link.publish(Publication(topic, ack.to_json(), 1, retain=True))

    def _sender(self, robot_id: str) -> Sender:
        if robot_id not in self._senders:
            with self._store.transaction() as tx:
                self._senders[robot_id] = Sender(outbox.open_stream(tx, robot_id)[2])
        return self._senders[robot_id]

    def _remember(self, robot_id: str, **columns: dict[str, Any]) -> None:
        row = insert(tables.robot).values(
            {"id": robot_id, "connection": {}, "state": {}, **columns}
        )
        with self._store.transaction() as tx:
            tx.execute(row.on_conflict_do_update(index_elements=["id"], set_=columns))


def _object(payload: bytes) -> dict[str, Any]:
    found = orjson.loads(payload)
    if not isinstance(found, dict):
        raise orjson.JSONDecodeError("no JSON object", "", 0)
    return found
