"""Who did what to which record, from where."""

import orjson

from edge.domain.records import AuditEntry
from edge.store.database import Transaction, to_json
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, ordering, page_of
from edge.store.sqlite import Row

SORTS = {"created_at": "at", "at": "at"}


class Audit(Repository[R_co]):
    def page(
        self,
        *,
        actor: str | None,
        action: str | None,
        entity: str | None,
        entity_id: str | None,
        page: int,
        limit: int,
        sort: str,
        order: str,
    ) -> Page[AuditEntry]:
        return page_of(
            self._store,
            "* FROM audit",
            [
                ("actor = ?", actor),
                ("action = ?", action),
                ("entity = ?", entity),
                ("entity_id = ?", entity_id),
            ],
            _entry,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def add(
        self: "Audit[Transaction]",
        action: str,
        entity: str,
        entity_id: str,
        details: dict[str, object],
    ) -> None:
        self._store.insert(
            "audit",
            at=self._store.now,
            actor=self._store.actor.id,
            action=action,
            entity=entity,
            entity_id=entity_id,
            origin=self._store.origin,
            details=to_json(details),
        )


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(**{**dict(row), "details": orjson.loads(row["details"])})
