"""Answers that were given, by the key that the asker gave."""

from dataclasses import dataclass
from typing import Any

import orjson

from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository


@dataclass(frozen=True, slots=True)
class Answer:
    fingerprint: str
    status: int
    body: Any


class Answers(Repository[R_co]):
    def find(self, user_id: str, key: str) -> Answer | None:
        row = self._store.row(
            "SELECT * FROM idempotency WHERE user_id = ? AND key = ?", user_id, key
        )
        if row is None:
            return None
        return Answer(row["fingerprint"], row["status"], orjson.loads(row["body"]))

    def add(self: "Answers[Transaction]", user_id: str, key: str, answer: Answer) -> None:
        self._store.insert(
            "idempotency",
            user_id=user_id,
            key=key,
            fingerprint=answer.fingerprint,
            status=answer.status,
            body=to_json(answer.body),
            created_at=self._store.now,
        )
