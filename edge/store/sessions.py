"""Refresh tokens, by their hash. All that came from one login are a family."""

from dataclasses import dataclass

from edge.store.database import Transaction
from edge.store.repository import R_co, Repository


@dataclass(frozen=True, slots=True)
class RefreshToken:
    family: str
    user_id: str
    created_at: str
    expires_at: str
    used: bool


class RefreshTokens(Repository[R_co]):
    def find(self, token_hash: str) -> RefreshToken | None:
        row = self._store.row("SELECT * FROM refresh_token WHERE token_hash = ?", token_hash)
        if row is None:
            return None
        return RefreshToken(
            row["family"],
            row["user_id"],
            row["created_at"],
            row["expires_at"],
            row["used_at"] is not None,
        )

    def has_family(self, family: str) -> bool:
        return bool(
            self._store.value(
                "SELECT EXISTS (SELECT 1 FROM refresh_token WHERE family = ?)", family
            )
        )

    def add(
        self: "RefreshTokens[Transaction]",
        token_hash: str,
        *,
        family: str,
        user_id: str,
        expires_at: str,
    ) -> None:
        self._store.insert(
            "refresh_token",
            token_hash=token_hash,
            family=family,
            user_id=user_id,
            created_at=self._store.now,
            expires_at=expires_at,
        )

    def mark_used(self: "RefreshTokens[Transaction]", token_hash: str) -> None:
        self._store.execute(
            "UPDATE refresh_token SET used_at = ? WHERE token_hash = ?", self._store.now, token_hash
        )

    def end_family(self: "RefreshTokens[Transaction]", family: str) -> None:
        self._store.execute("DELETE FROM refresh_token WHERE family = ?", family)

    def end_all(self: "RefreshTokens[Transaction]", user_id: str) -> None:
        self._store.execute("DELETE FROM refresh_token WHERE user_id = ?", user_id)

    def sweep(self: "RefreshTokens[Transaction]", user_id: str) -> None:
        """Forget what has expired."""
        self._store.execute(
            "DELETE FROM refresh_token WHERE user_id = ? AND expires_at < ?",
            user_id,
            self._store.now,
        )
