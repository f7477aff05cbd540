"""Records that both sides may edit: field by field the newest change wins, ties by the origin's name."""

from collections.abc import Collection, Mapping
from typing import Any

from edge.domain.errors import ConflictError
from edge.store.database import Transaction
from edge.store.inbox import FieldClocks


def check_version(found: int, expected: int | None) -> None:
    """Raises ConflictError where somebody else has changed the record since."""
    if expected is not None and found != expected:
        raise ConflictError("CHANGED_MEANWHILE", version=found, expected=expected)


def stamp_fields(tx: Transaction, entity: str, entity_id: str, fields: Collection[str]) -> None:
    """Remember that these fields are changed here and now."""
    FieldClocks(tx).set(entity, entity_id, list(fields), tx.stamp(), tx.origin)


def accept_fields(
    tx: Transaction,
    entity: str,
    entity_id: str,
    fields: Mapping[str, Any],
    *,
    hlc: str,
    origin: str,
) -> dict[str, Any]:
    """The fields of another's change that are newer than what we have; from now on they are theirs."""
    clocks = FieldClocks(tx).of(entity, entity_id)
    newer = {
        name: value for name, value in fields.items() if (hlc, origin) > clocks.get(name, ("", ""))
    }
    FieldClocks(tx).set(entity, entity_id, list(newer), hlc, origin)
    return newer
