"""Staying signed in, and what repeated failures to sign in lead to."""

import hashlib
import secrets

from edge.domain.errors import UnauthenticatedError
from edge.domain.times import seconds_between
from edge.domain.users import User, lock_s
from edge.services import audit
from edge.services.users import get
from edge.store.database import ChangeStandsError, Reader, Transaction, new_id
from edge.store.sessions import RefreshTokens
from edge.store.users import Users


def open_family(tx: Transaction, user_id: str, *, lifetime_s: float) -> str:
    """The first refresh token of a new login."""
    RefreshTokens(tx).sweep(user_id)
    return _issue(tx, new_id(), user_id, lifetime_s)


def family(reader: Reader, token: str) -> str | None:
    """The login that this refresh token came from, the `sid` of its access tokens."""
    found = RefreshTokens(reader).find(_hash(token))
    return None if found is None else found.family


def is_open(reader: Reader, family: str) -> bool:
    """Whether this login still goes on: nobody has signed it out, and no misuse has ended it."""
    return RefreshTokens(reader).has_family(family)


def rotate(tx: Transaction, token: str) -> tuple[User, str]:
    """A new token for an old one, as long-lived. One that was used before ends its whole family: somebody has a copy.

    Raises UnauthenticatedError.
    """
    tokens = RefreshTokens(tx)
    found = tokens.find(_hash(token))
    if found is None or found.expires_at <= tx.now:
        raise UnauthenticatedError("SIGN_IN_AGAIN")
    if found.used:
        tokens.end_family(found.family)
        audit.record(tx, "session.token_reused", "user", found.user_id, family=found.family)
        raise ChangeStandsError(UnauthenticatedError("SIGN_IN_AGAIN"))
    user = get(tx, found.user_id)
    if not user.active:
        raise UnauthenticatedError("SIGN_IN_AGAIN")
    tokens.mark_used(_hash(token))
    lifetime_s = seconds_between(found.created_at, found.expires_at)
    return user, _issue(tx, found.family, user.id, lifetime_s)


def revoke(tx: Transaction, token: str) -> None:
    """Sign out: the token and its family are worth nothing from now on."""
    tokens = RefreshTokens(tx)
    found = tokens.find(_hash(token))
    if found is not None:
        tokens.end_family(found.family)
        audit.record(tx, "session.end", "user", found.user_id)


def login_failed(tx: Transaction, user_id: str) -> None:
    """Count it; after several in a row the account is locked for a while."""
    credentials = Users(tx).credentials(user_id)
    if credentials is None:
        return
    failures = credentials.failed_logins + 1
    seconds = lock_s(failures)
    Users(tx).set_credentials(
        user_id, failed_logins=failures, locked_until=tx.later(seconds) if seconds else None
    )
    audit.record(tx, "session.login_failed", "user", user_id, failures=failures)


def login_succeeded(tx: Transaction, user_id: str) -> None:
    Users(tx).set_credentials(user_id, failed_logins=0, locked_until=None)
    audit.record(tx, "session.login", "user", user_id)


def locked_s(reader: Reader, user_id: str) -> float:
    """How long nobody may try to sign in as this user, s."""
    credentials = Users(reader).credentials(user_id)
    until = None if credentials is None else credentials.locked_until
    return 0.0 if until is None else max(0.0, seconds_between(reader.now, until))


def _issue(tx: Transaction, family: str, user_id: str, lifetime_s: float) -> str:
    token = secrets.token_urlsafe(32)
    RefreshTokens(tx).add(
        _hash(token), family=family, user_id=user_id, expires_at=tx.later(lifetime_s)
    )
    return token


def _hash(token: str) -> str:
    # A plain hash is enough for 256 random bits: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()
