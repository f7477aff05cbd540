"""`events/down` to the store: each batch in one transaction with its cursor, and then the acknowledgement."""

from typing import Any

from pydantic import ValidationError

from edge import logs
from edge.domain.users import Actor
from edge.services import inbox, outbox, remote
from edge.store.database import Database, Transaction
from sync.link import Link
from sync.link_events import Publication
from sync.wire.envelope import Ack, Batch, Position, Rejected
from sync.wire.topics import Topics

log = logs.get("sync.down")

MAX_TOLD = 100
"""Refusals that each acknowledgement repeats."""
CENTRAL = Actor(id="central", origin="central")


class DownStream:
    def __init__(self, database: Database, link: Link, topics: Topics) -> None:
        self._database = database
        self._link = link
        self._topics = topics

    @property
    def position(self) -> Position | None:
        """How far we have committed what central told; None where it never told anything."""
        stream = self._database.read(remote.down_stream)
        if not stream:
            return None
        through = self._database.read(lambda r: outbox.cursor(r, stream, inbox.DOWN))
        return Position(stream=stream, through=through)

    def on_batch(self, payload: bytes) -> bool:
        """Commit a batch, then say so. True where it brought something new."""
        batch = _parse(payload)
        if batch is None:
            return False
        before = self._database.read(lambda r: outbox.cursor(r, batch.stream, inbox.DOWN))
        through = self._database.write(CENTRAL, lambda tx: _apply(tx, batch))
        self._acknowledge(Position(stream=batch.stream, through=through), news_after=before)
        return through > before

    def confirm(self) -> None:
        """Say again how far we are."""
        if (position := self.position) is not None:
            self._acknowledge(position, news_after=position.through)

    def _acknowledge(self, position: Position, *, news_after: int) -> None:
        """Each time with the last refusals: an acknowledgement may be lost, and central must hear of them once."""
        stream, through = position.stream, position.through
        parked = [
            Rejected(seq=seq, id=str(event.get("id", "")), reason=reason)
            for seq, event, reason in self._database.read(lambda r: inbox.rejected(r, stream))
        ]
        news = [one for one in parked if one.seq > news_after]
        if news:
            log.warning("events parked", count=len(news), first=news[0].reason)
        # All that are news, and as many older ones as a message bears.
        told = parked[-max(len(news), MAX_TOLD) :]
        ack = Ack(stream=stream, through=through, rejected=told)
        self._link.publish(Publication(self._topics.events_down_ack, ack.to_json(), 1, retain=True))


def _parse(payload: bytes) -> Batch | None:
    """None for what cannot be a batch of one stream; central sends it again when we do not confirm it."""
    try:
        batch = Batch.model_validate_json(payload)
    except ValidationError:
        log.warning("malformed batch")
        return None
    usable = all(
        isinstance(event.get("seq"), int) and event.get("stream") == batch.stream
        for event in batch.events
    )
    if not usable or not batch.stream:
        log.warning("a batch without numbers, or of several streams", batch=batch.batch_id)
        return None
    return batch


def _apply(tx: Transaction, batch: Batch) -> int:
    events: list[dict[str, Any]] = batch.events
    remote.set_down_stream(tx, batch.stream)
    return inbox.apply_batch(tx, batch.stream, events)
