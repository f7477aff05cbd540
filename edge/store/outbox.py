"""What we have to tell the other side, and how far each side has got."""

from typing import Any

import orjson

from edge.domain.events import SCHEMA, Event
from edge.store.database import Transaction, new_id, to_json
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


class Outbox(Repository[R_co]):
    def stream(self) -> str:
        """The robot and the lifetime of its store: a store that is made anew is another writer."""
        meta = {row["key"]: row["value"] for row in self._store.rows("SELECT * FROM meta")}
        return f"{meta['robot_id']}:{meta['birth']}"

    def after(self, seq: int, limit: int) -> list[Event]:
        stream = self.stream()
        rows = self._store.rows(
            "SELECT * FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", seq, limit
        )
        return [_event(row, stream) for row in rows]

    def oldest(self) -> int | None:
        """The first number that is still kept."""
        seq = self._store.value("SELECT min(seq) FROM outbox")
        return None if seq is None else int(seq)

    def newest(self) -> int:
        """The last number given; 0 where none was."""
        return int(self._store.value("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'") or 0)

    def add(
        self: "Outbox[Transaction]", kind: str, entity: str, entity_id: str, data: dict[str, Any]
    ) -> None:
        self._store.insert(
            "outbox",
            id=new_id(),
            type=kind,
            entity=entity,
            entity_id=entity_id,
            hlc=self._store.stamp(),
            origin=self._store.origin,
            actor=self._store.actor.id,
            schema=SCHEMA,
            data=to_json(data),
            at=self._store.now,
        )

    def forget(self: "Outbox[Transaction]", through: int) -> None:
        self._store.execute("DELETE FROM outbox WHERE seq <= ?", through)


class Cursors(Repository[R_co]):
    """`direction` is `up` (what the other side has of ours) or `down` (what we have of theirs)."""

    def through(self, stream: str, direction: str) -> int:
        found = self._store.value(
            "SELECT through FROM sync_cursor WHERE stream = ? AND direction = ?", stream, direction
        )
        return int(found or 0)

    def advance(self: "Cursors[Transaction]", stream: str, direction: str, through: int) -> None:
        """Never back."""
        self._store.execute(
            """INSERT INTO sync_cursor (stream, direction, through, at) VALUES (?, ?, ?, ?)
            ON CONFLICT (stream, direction) DO UPDATE
            SET through = max(through, excluded.through), at = excluded.at""",
            stream,
            direction,
            through,
            self._store.now,
        )


def _event(row: Row, stream: str) -> Event:
    return Event(stream=stream, **{**dict(row), "data": orjson.loads(row["data"])})
