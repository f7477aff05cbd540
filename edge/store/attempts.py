"""How often somebody guessed wrong, by what was guessed at; it outlives a restart."""

from dataclasses import dataclass

from edge.store.database import Transaction
from edge.store.repository import R_co, Repository


@dataclass(frozen=True, slots=True)
class Attempts:
    """`since`: the first of these failures; `locked_until`: RFC 3339, no guess before then."""

    failures: int
    since: str
    locked_until: str | None


class AttemptLog(Repository[R_co]):
    def get(self, key: str) -> Attempts | None:
        row = self._store.row("SELECT * FROM attempt WHERE key = ?", key)
        return None if row is None else Attempts(row["failures"], row["since"], row["locked_until"])

    def set(self: "AttemptLog[Transaction]", key: str, attempts: Attempts) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?)",
            key,
            attempts.failures,
            attempts.since,
            attempts.locked_until,
        )

    def clear(self: "AttemptLog[Transaction]", key: str) -> None:
        self._store.execute("DELETE FROM attempt WHERE key = ?", key)

    def sweep(self: "AttemptLog[Transaction]", before: str) -> None:
        """Forget what began before that time and locks nothing any more."""
        self._store.execute(
            "DELETE FROM attempt WHERE since < ? AND ifnull(locked_until, '') < ?",
            before,
            self._store.now,
        )
