"""Signing in by somebody else's word: which account a provider's person gets. The rules, in the order they are asked:

1. Who is linked signs in to the account that they are linked to, whatever their address is by now.
2. Nobody else comes in by an address that the provider has not verified.
3. An account that has this address is linked, if it is a student's; staff link theirs while signed in. Where no
   provider has verified that address before, its password, its sessions and its other links go first: nobody ever
   checked whether who registered it owned the address.
4. Else an account is made, where the provider may make some: a student's, unless the provider's groups say more.
"""

import contextlib

from edge.domain.errors import (
    ConflictError,
    EmailNotVerifiedError,
    ForbiddenError,
    LinkNeededError,
    NotFoundError,
    UnauthenticatedError,
)
from edge.domain.identities import Identity
from edge.domain.messages import Message
from edge.domain.notifications import NotificationType
from edge.domain.users import STAFF, Role, User
from edge.services import audit, notifications, users
from edge.store.database import Reader, Transaction
from edge.store.identities import Identities, Link
from edge.store.users import Users


def sign_in(
    tx: Transaction, who: Identity, *, password_hash: str, makes_accounts: bool = True
) -> User:
    """The account of this person. `password_hash`: of something nobody knows, for who is not known yet.

    Raises EmailNotVerifiedError, LinkNeededError, ForbiddenError, UnauthenticatedError.
    """
    link = Identities(tx).find(who.issuer, who.subject)
    if link is None:
        return _first_time(tx, who, password_hash, makes_accounts)
    user = users.get(tx, link.user_id)
    if not user.active:
        raise UnauthenticatedError("ACCOUNT_CLOSED")
    if link.made_account and who.role not in (None, user.role):
        with contextlib.suppress(ConflictError):  # the last admin stays one
            return users.update_profile(tx, user.id, role=who.role)
    return user


def is_known(reader: Reader, who: Identity) -> bool:
    """Whether this person has an account that they sign in to."""
    return Identities(reader).find(who.issuer, who.subject) is not None


def link(tx: Transaction, user_id: str, who: Identity) -> User:
    """Let this person sign in as the user, who is signed in and asks for it. Raises ConflictError."""
    known = Identities(tx).find(who.issuer, who.subject)
    if known is not None and known.user_id != user_id:
        raise ConflictError("LINKED_ELSEWHERE")
    user = users.get(tx, user_id)
    if known is None:
        _add(tx, user, who)
    return user


def unlink(tx: Transaction, user_id: str, issuer: str) -> None:
    """Raises NotFoundError where there is no such link."""
    if not any(link.issuer == issuer for link in Identities(tx).of(user_id)):
        raise NotFoundError("NOT_LINKED")
    Identities(tx).remove(user_id, issuer)
    audit.record(tx, "identity.unlink", "user", user_id, issuer=issuer)


def of(reader: Reader, user_id: str) -> list[Link]:
    return Identities(reader).of(user_id)


def _first_time(tx: Transaction, who: Identity, password_hash: str, makes_accounts: bool) -> User:
    if not who.email or not who.email_verified:
        raise EmailNotVerifiedError()
    found = Users(tx).by_email(who.email)
    if found is not None:
        return _adopt(tx, found, who, password_hash)
    if not makes_accounts:
        raise ForbiddenError("NO_ACCOUNT_YET")
    made = users.register(
        tx,
        email=who.email,
        password_hash=password_hash,
        first_name=who.first_name,
        last_name=who.last_name,
        role=who.role or Role.STUDENT,
    )
    _add(tx, made, who, made_account=True)
    return made


def _adopt(tx: Transaction, user: User, who: Identity, password_hash: str) -> User:
    if not user.active:
        raise UnauthenticatedError("ACCOUNT_CLOSED")
    links = Identities(tx).of(user.id)
    proven = [one for one in links if one.email.casefold() == user.email.casefold()]
    if user.role in STAFF or any(one.issuer == who.issuer for one in proven):
        raise LinkNeededError()
    if not proven:
        for one in links:
            Identities(tx).remove(user.id, one.issuer)
        users.set_password(tx, user.id, password_hash)
    _add(tx, user, who)
    return user


def _add(tx: Transaction, user: User, who: Identity, *, made_account: bool = False) -> None:
    email = who.email if who.email_verified else ""
    Identities(tx).add(Link(who.issuer, who.subject, user.id, email, made_account, tx.now))
    audit.record(tx, "identity.link", "user", user.id, issuer=who.issuer)
    if not made_account:
        notifications.notify(
            tx,
            user.id,
            NotificationType.ACCOUNT,
            Message.LINKED,
            {"provider": who.issuer},
        )
