"""Who did what."""

from typing import Any

from edge.domain.records import AuditEntry
from edge.store.audit import Audit
from edge.store.database import Reader, Transaction
from edge.store.paging import Page
from edge.store.repository import check_page


def record(tx: Transaction, action: str, entity: str, entity_id: str, **details: Any) -> None:
    """Write down that the actor of `tx` did this. `details` are plain JSON values, never a secret."""
    Audit(tx).add(action, entity, entity_id, details)


def list_entries(
    reader: Reader,
    *,
    actor: str | None = None,
    action: str | None = None,
    entity: str | None = None,
    entity_id: str | None = None,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "desc",
) -> Page[AuditEntry]:
    check_page(page, limit)
    return Audit(reader).page(
        actor=actor,
        action=action,
        entity=entity,
        entity_id=entity_id,
        page=page,
        limit=limit,
        sort=sort,
        order=order,
    )
