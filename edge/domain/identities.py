"""Who somebody else says a person is: the library's single sign-on, Google, GitHub."""

from collections.abc import Collection
from dataclasses import dataclass

from edge.domain.users import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """`issuer` and `subject` together name one person for good; an address may change hands.

    `email_verified`: the provider says that the address is this person's. `role`: what the provider's own groups make
    of them here; None where it has no say in that.
    """

    issuer: str
    subject: str
    email: str
    email_verified: bool
    first_name: str
    last_name: str
    role: Role | None = None


def may_come(email: str, domains: Collection[str]) -> bool:
    """Whether people of this address may sign in; without `domains` all may."""
    return not domains or email.rpartition("@")[2].casefold() in {one.casefold() for one in domains}


def role_of(groups: Collection[str], librarians: Collection[str], admins: Collection[str]) -> Role:
    """What somebody of these groups of the provider is here."""
    if not set(groups).isdisjoint(admins):
        return Role.ADMIN
    return Role.STUDENT if set(groups).isdisjoint(librarians) else Role.LIBRARIAN
