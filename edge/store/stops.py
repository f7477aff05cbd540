"""The gate's journal, as far as it has been imported."""

import orjson

from edge.domain.records import StopEvent
from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


class Stops(Repository[R_co]):
    def has(self, event_id: str) -> bool:
        return bool(
            self._store.value("SELECT EXISTS (SELECT 1 FROM stop_event WHERE id = ?)", event_id)
        )

    def newest(self, limit: int) -> list[StopEvent]:
        rows = self._store.rows("SELECT * FROM stop_event ORDER BY at DESC, id DESC LIMIT ?", limit)
        return [_event(row) for row in rows]

    def add(self: "Stops[Transaction]", event: StopEvent) -> None:
        self._store.insert(
            "stop_event",
            id=event.id,
            event_id=event.event_id,
            kind=event.kind,
            at=event.at,
            who=event.who,
            data=to_json(event.data),
        )


def _event(row: Row) -> StopEvent:
    return StopEvent(**{**dict(row), "data": orjson.loads(row["data"])})
