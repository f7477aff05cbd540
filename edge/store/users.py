"""People, and what they say to be let in."""

from dataclasses import dataclass
from typing import Any

from edge.domain.users import STAFF, Role, User
from edge.store.database import Transaction
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, ordering, page_of
from edge.store.sqlite import Row

SORTS = {name: name for name in ("created_at", "email", "last_name", "role")}


@dataclass(frozen=True, slots=True)
class Credentials:
    """`locked_until`: RFC 3339; no login before then."""

    password_hash: str
    pin_hash: str | None
    failed_logins: int
    locked_until: str | None


class Users(Repository[R_co]):
    def get(self, user_id: str) -> User | None:
        row = self._store.row("SELECT * FROM user WHERE id = ?", user_id)
        return None if row is None else _user(row)

    def by_login(self, email_or_card: str) -> tuple[User, Credentials] | None:
        row = self._store.row(
            "SELECT * FROM user WHERE email = ? OR card_number = ?", email_or_card, email_or_card
        )
        return None if row is None else (_user(row), _credentials(row))

    def by_email(self, email: str) -> User | None:
        row = self._store.row("SELECT * FROM user WHERE email = ?", email)
        return None if row is None else _user(row)

    def credentials(self, user_id: str) -> Credentials | None:
        row = self._store.row("SELECT * FROM user WHERE id = ?", user_id)
        return None if row is None else _credentials(row)

    def is_taken(self, email: str, card_number: str | None) -> bool:
        return bool(
            self._store.value(
                "SELECT EXISTS (SELECT 1 FROM user WHERE email = ? OR card_number = ?)",
                email,
                card_number,
            )
        )

    def active_admins(self) -> int:
        return int(
            self._store.value("SELECT COUNT(*) FROM user WHERE active AND role = ?", Role.ADMIN)
        )

    def staff(self) -> list[str]:
        """The ids of all who work here."""
        rows = self._store.rows(
            f"SELECT id FROM user WHERE role IN ({', '.join('?' * len(STAFF))}) AND active ORDER BY id",
            *STAFF,
        )
        return [row["id"] for row in rows]

    def page(
        self,
        role: Role | None,
        active: bool | None,
        *,
        page: int,
        limit: int,
        sort: str,
        order: str,
    ) -> Page[User]:
        return page_of(
            self._store,
            "* FROM user",
            [("role = ?", role), ("active = ?", active)],
            _user,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def add(self: "Users[Transaction]", user: User, **secrets: str | None) -> None:
        """`secrets`: password_hash, pin_hash, card_number."""
        self._store.insert("user", **_columns(user), **secrets)

    def save(self: "Users[Transaction]", user: User) -> None:
        self._store.update("user", user.id, **_columns(user))

    def set_credentials(self: "Users[Transaction]", user_id: str, **columns: Any) -> None:
        """Some of password_hash, pin_hash, card_number, failed_logins, locked_until."""
        self._store.update("user", user_id, **columns)


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        phone_number=row["phone_number"],
        role=Role(row["role"]),
        active=bool(row["active"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _credentials(row: Row) -> Credentials:
    return Credentials(
        row["password_hash"], row["pin_hash"], row["failed_logins"], row["locked_until"]
    )


def _columns(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone_number": user.phone_number,
        "role": user.role,
        "active": user.active,
        "version": user.version,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
