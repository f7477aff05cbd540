"""One-time tokens for a new password, by their hash."""

from edge.store.database import Transaction
from edge.store.repository import R_co, Repository


class PasswordResets(Repository[R_co]):
    def user_of(self, token_hash: str) -> str | None:
        """Whose token this is, while it is good."""
        found = self._store.value(
            "SELECT user_id FROM password_reset WHERE token_hash = ? AND expires_at > ?",
            token_hash,
            self._store.now,
        )
        return None if found is None else str(found)

    def open_of(self, user_id: str) -> int:
        """How many good ones this user has."""
        return int(
            self._store.value(
                "SELECT COUNT(*) FROM password_reset WHERE user_id = ? AND expires_at > ?",
                user_id,
                self._store.now,
            )
        )

    def add(
        self: "PasswordResets[Transaction]", token_hash: str, user_id: str, expires_at: str
    ) -> None:
        self._store.execute("DELETE FROM password_reset WHERE expires_at <= ?", self._store.now)
        self._store.insert(
            "password_reset",
            token_hash=token_hash,
            user_id=user_id,
            created_at=self._store.now,
            expires_at=expires_at,
        )

    def end_all(self: "PasswordResets[Transaction]", user_id: str) -> None:
        self._store.execute("DELETE FROM password_reset WHERE user_id = ?", user_id)
