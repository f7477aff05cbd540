"""What the other side told us: what could not be applied, who changed a field last, and remote commands."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository


class Rejected(Repository[R_co]):
    def all(self, stream: str) -> list[tuple[int, dict[str, Any], str]]:
        """Number, event and reason of each that was parked."""
        rows = self._store.rows(
            "SELECT * FROM inbox_rejected WHERE stream = ? ORDER BY seq", stream
        )
        return [(row["seq"], json.loads(row["event"]), row["reason"]) for row in rows]

    def add(
        self: "Rejected[Transaction]", stream: str, seq: int, event: Mapping[str, Any], reason: str
    ) -> None:
        self._store.insert(
            "inbox_rejected",
            stream=stream,
            seq=seq,
            event=json.dumps(dict(event)),  # orjson has no integers beyond 64 bits
            reason=reason,
            at=self._store.now,
        )


class FieldClocks(Repository[R_co]):
    """When each field of a record was changed last, and by whom; nothing for one that nobody changed."""

    def of(self, entity: str, entity_id: str) -> dict[str, tuple[str, str]]:
        """Stamp and origin of each field."""
        rows = self._store.rows(
            "SELECT field, hlc, origin FROM field_clock WHERE entity = ? AND entity_id = ?",
            entity,
            entity_id,
        )
        return {row["field"]: (row["hlc"], row["origin"]) for row in rows}

    def set(
        self: "FieldClocks[Transaction]",
        entity: str,
        entity_id: str,
        fields: list[str],
        hlc: str,
        origin: str,
    ) -> None:
        for field in fields:
            self._store.execute(
                "INSERT OR REPLACE INTO field_clock (entity, entity_id, field, hlc, origin)"
                " VALUES (?, ?, ?, ?, ?)",
                entity,
                entity_id,
                field,
                hlc,
                origin,
            )


class RemoteCommands(Repository[R_co]):
    def answer(self, command_id: str) -> dict[str, Any] | None:
        """The first answer; None for a command that never came before."""
        row = self._store.row("SELECT answer FROM remote_command WHERE command_id = ?", command_id)
        return None if row is None else orjson.loads(row["answer"])

    def add(
        self: "RemoteCommands[Transaction]", command: Mapping[str, Any], answer: dict[str, Any]
    ) -> None:
        self._store.insert(
            "remote_command",
            command_id=command["command_id"],
            type=str(command.get("type", "")),
            issuer=str(command.get("issuer", "")),
            received_at=self._store.now,
            body=to_json(dict(command)),
            answer=to_json(answer),
        )

    def set_answer(
        self: "RemoteCommands[Transaction]", command_id: str, answer: dict[str, Any]
    ) -> None:
        self._store.execute(
            "UPDATE remote_command SET answer = ? WHERE command_id = ?", to_json(answer), command_id
        )
