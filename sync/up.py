"""Outbox to `events/up`: sent in order, and done with only when central says that it has committed it."""

import orjson
from pydantic import ValidationError

from edge import logs
from edge.domain.users import Actor
from edge.services import outbox
from edge.store.database import Database, new_id
from sync.link import Link
from sync.link_events import Publication
from sync.wire.envelope import Ack, Position
from sync.wire.stream import Sender
from sync.wire.topics import Topics

log = logs.get("sync.up")

SYNC = Actor(id="sync")


class UpStream:
    def __init__(
        self, database: Database, link: Link, topics: Topics, *, batch_events: int
    ) -> None:
        self._database = database
        self._link = link
        self._topics = topics
        self._batch_events = batch_events
        self._stream = database.read(outbox.stream)
        self._sender = Sender(database.read(lambda r: outbox.cursor(r, self._stream, outbox.UP)))
        self._more = True

    @property
    def position(self) -> Position:
        """How far central has confirmed."""
        return Position(stream=self._stream, through=self._sender.acked)

    def restart(self) -> None:
        """A new connection."""
        self._sender.restart()
        self._more = True

    def changed(self) -> None:
        """There may be new events."""
        self._more = True

    def on_ack(self, payload: bytes, now_s: float, *, live: bool) -> None:
        """Central says how far it is; not `live`: said earlier, and kept by the broker.

        Acknowledgements of other streams are of an earlier life of this robot.
        """
        try:
            ack = Ack.model_validate_json(payload)
        except ValidationError:
            log.warning("malformed acknowledgement")
            return
        if ack.stream != self._stream:
            return
        if ack.through > self._database.read(outbox.newest):
            log.error(
                "central has more of this stream than we: the store is older than what it told"
            )
            return
        for rejected in ack.rejected:
            log.warning("central could not apply an event", seq=rejected.seq, why=rejected.reason)
        if self._sender.confirmed(ack.through, now_s, live=live):
            self._database.write(SYNC, lambda tx: outbox.acknowledge(tx, ack.through))
        self._more = True

    def pump(self, now_s: float) -> None:
        """Send what may be sent."""
        if self._sender.resend_overdue(now_s):
            log.info("central is silent: sending again", after=self._sender.acked)
            self._more = True
        while self._more and self._sender.has_room and self._send_next(now_s):
            pass

    def _send_next(self, now_s: float) -> bool:
        events = self._database.read(
            lambda r: outbox.pending(r, self._sender.sent, self._batch_events)
        )
        if not events:
            self._more = False
            return False
        batch = orjson.dumps({"batch_id": new_id(), "events": events})
        if not self._link.publish(Publication(self._topics.events_up, batch)):
            return False
        self._sender.went(events[-1].seq, now_s)
        return True
