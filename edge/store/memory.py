"""What a process has to know again after its restart, as one JSON object under a name."""

from typing import Any

import orjson

from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository


class Memory(Repository[R_co]):
    def get(self, name: str) -> dict[str, Any]:
        """Empty where nothing was put."""
        text = self._store.value("SELECT value FROM state WHERE key = ?", name)
        return {} if text is None else dict(orjson.loads(text))

    def put(self: "Memory[Transaction]", name: str, value: dict[str, Any]) -> None:
        self._store.execute(
            "INSERT INTO state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            name,
            to_json(value),
        )
