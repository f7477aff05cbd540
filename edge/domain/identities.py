"""Who somebody else says a person is: the library's single sign-on, Google, GitHub."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from edge.domain.users import Role

_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


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


def address(text: object) -> str:
    """An email address as we keep it; empty for what is none."""
    lower = text.strip().lower() if isinstance(text, str) else ""
    return lower if _ADDRESS.fullmatch(lower) else ""


def may_come(email: str, domains: Collection[str]) -> bool:
    """Whether people of this address may sign in; without `domains` all may."""
    _, at, domain = email.rpartition("@")
    return not domains or (bool(at) and domain.casefold() in {one.casefold() for one in domains})


def role_of(groups: Collection[str], librarians: Collection[str], admins: Collection[str]) -> Role:
    """What somebody of these groups of the provider is here."""
    if not set(groups).isdisjoint(admins):
        return Role.ADMIN
    return Role.STUDENT if set(groups).isdisjoint(librarians) else Role.LIBRARIAN
