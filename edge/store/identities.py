"""Which account a provider's person signs in to."""

from dataclasses import dataclass

from edge.store.database import Transaction
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


@dataclass(frozen=True, slots=True)
class Link:
    """`email`: the address that the provider had verified when it was linked, else empty; `made_account`: the account
    was made by this provider's first word of the person."""

    issuer: str
    subject: str
    user_id: str
    email: str
    made_account: bool
    created_at: str


class Identities(Repository[R_co]):
    def find(self, issuer: str, subject: str) -> Link | None:
        row = self._store.row(
            "SELECT * FROM identity WHERE issuer = ? AND subject = ?", issuer, subject
        )
        return None if row is None else _link(row)

    def of(self, user_id: str) -> list[Link]:
        rows = self._store.rows("SELECT * FROM identity WHERE user_id = ? ORDER BY issuer", user_id)
        return [_link(row) for row in rows]

    def add(self: "Identities[Transaction]", link: Link) -> None:
        self._store.insert(
            "identity",
            issuer=link.issuer,
            subject=link.subject,
            user_id=link.user_id,
            email=link.email,
            made_account=int(link.made_account),
            created_at=link.created_at,
        )

    def remove(self: "Identities[Transaction]", user_id: str, issuer: str) -> None:
        self._store.execute(
            "DELETE FROM identity WHERE user_id = ? AND issuer = ?", user_id, issuer
        )


def _link(row: Row) -> Link:
    return Link(
        row["issuer"],
        row["subject"],
        row["user_id"],
        row["email"],
        bool(row["made_account"]),
        row["created_at"],
    )
