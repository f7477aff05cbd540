"""People who use the robot."""

import hashlib
import secrets
from dataclasses import replace
from typing import Any

from edge.domain.errors import ConflictError, NotFoundError, ValidationError
from edge.domain.messages import Message
from edge.domain.users import Role, User
from edge.services import audit, outbox
from edge.services.merging import accept_fields, check_version, stamp_fields
from edge.services.notifications import send_on
from edge.services.records import record
from edge.store.database import Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.resets import PasswordResets
from edge.store.sessions import RefreshTokens
from edge.store.users import Users

RESET_S = 1800.0
MAX_RESETS = 3
"""Good tokens of one user at a time: nobody fills another's mailbox."""
EDITABLE = frozenset({"email", "first_name", "last_name", "phone_number", "role", "active"})


def register(
    tx: Transaction,
    *,
    email: str,
    password_hash: str,
    first_name: str,
    last_name: str,
    phone_number: str | None = None,
    role: Role = Role.STUDENT,
    pin_hash: str | None = None,
    card_number: str | None = None,
    user_id: str | None = None,
) -> User:
    """Raises ConflictError where the address or the card belongs to somebody already."""
    tx.need_room()
    if Users(tx).is_taken(email, card_number):
        raise ConflictError("ACCOUNT_THERE")
    user = User(
        id=user_id or new_id(),
        email=email,
        first_name=first_name,
        last_name=last_name,
        phone_number=phone_number,
        role=role,
        active=True,
        version=1,
        created_at=tx.now,
        updated_at=tx.now,
    )
    Users(tx).add(user, password_hash=password_hash, pin_hash=pin_hash, card_number=card_number)
    audit.record(tx, "user.register", "user", user.id, role=role)
    outbox.emit(tx, "user.changed", "user", user.id, record(user))
    return user


def get(reader: Reader, user_id: str) -> User:
    """Raises NotFoundError."""
    user = Users(reader).get(user_id)
    if user is None:
        raise NotFoundError("NO_SUCH_USER")
    return user


def by_login(reader: Reader, email_or_card: str) -> tuple[User, str, str | None] | None:
    """The user with this address or library card, with the hashes of password and PIN."""
    found = Users(reader).by_login(email_or_card)
    if found is None:
        return None
    user, credentials = found
    return user, credentials.password_hash, credentials.pin_hash


def list_users(
    reader: Reader,
    *,
    role: Role | None = None,
    active: bool | None = None,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "asc",
) -> Page[User]:
    check_page(page, limit)
    return Users(reader).page(role, active, page=page, limit=limit, sort=sort, order=order)


def update_profile(
    tx: Transaction, user_id: str, *, version: int | None = None, **fields: Any
) -> User:
    """Change some of EDITABLE. With `version`, only if nobody else has changed the user since."""
    _refuse_unknown(fields)
    user = get(tx, user_id)
    check_version(user.version, version)
    _keep_an_admin(tx, user, fields)
    changed = {name: value for name, value in fields.items() if getattr(user, name) != value}
    if not changed:
        return user
    stamp_fields(tx, "user", user_id, changed)
    saved = _save(tx, user, changed)
    outbox.emit(tx, "user.changed", "user", user_id, record(saved))
    return saved


def set_password(tx: Transaction, user_id: str, password_hash: str) -> None:
    """All who are signed in as this user have to sign in again."""
    user = get(tx, user_id)
    Users(tx).set_credentials(
        user.id, password_hash=password_hash, failed_logins=0, locked_until=None
    )
    RefreshTokens(tx).end_all(user.id)
    PasswordResets(tx).end_all(user.id)
    audit.record(tx, "user.set_password", "user", user.id)


def ask_reset(tx: Transaction, email: str) -> None:
    """Have a one-time token mailed to this address where it belongs to somebody; who asked is told nothing."""
    found = Users(tx).by_login(email)
    if found is None or found[0].email.casefold() != email.casefold() or not found[0].active:
        return
    user = found[0]
    audit.record(tx, "user.forgot_password", "user", user.id)
    if PasswordResets(tx).open_of(user.id) >= MAX_RESETS:
        return
    token = secrets.token_urlsafe(32)
    expires_at = tx.later(RESET_S)
    PasswordResets(tx).add(_hash(token), user.id, expires_at)
    data = {"email": user.email, "reset_token": token, "expires_at": expires_at}
    send_on(tx, user.id, Message.NEW_PASSWORD, data)


def check_reset(reader: Reader, token: str) -> str:
    """Whose password this token may set. Raises ValidationError."""
    user_id = PasswordResets(reader).user_of(_hash(token))
    if user_id is None:
        raise ValidationError("RESET_TOKEN_BAD", field="token")
    return user_id


def reset_password(tx: Transaction, token: str, password_hash: str) -> None:
    """Raises ValidationError. The token, and all others of this user, are worth nothing afterwards."""
    set_password(tx, check_reset(tx, token), password_hash)


def set_pin(tx: Transaction, user_id: str, pin_hash: str | None) -> None:
    """The PIN for signing in at the touchscreen."""
    Users(tx).set_credentials(
        get(tx, user_id).id, pin_hash=pin_hash, failed_logins=0, locked_until=None
    )
    audit.record(tx, "user.set_pin", "user", user_id)


def merge(tx: Transaction, user_id: str, fields: dict[str, Any], *, hlc: str, origin: str) -> User:
    """Take over another side's change of a user that we have; it is not told back. Raises NotFoundError."""
    user = get(tx, user_id)
    known = {name: value for name, value in fields.items() if name in EDITABLE}
    if "role" in known:
        known["role"] = Role(known["role"])
    newer = accept_fields(tx, "user", user_id, known, hlc=hlc, origin=origin)
    return _save(tx, user, newer) if newer else user


def _keep_an_admin(tx: Transaction, user: User, fields: dict[str, Any]) -> None:
    """Raises ConflictError where nobody would be left who may manage users."""
    stays = fields.get("active", user.active) and fields.get("role", user.role) is Role.ADMIN
    is_one = user.active and user.role is Role.ADMIN
    if is_one and not stays and Users(tx).active_admins() == 1:
        raise ConflictError("LAST_ADMIN")


def _save(tx: Transaction, user: User, changed: dict[str, Any]) -> User:
    email = changed.get("email", user.email)
    if email.casefold() != user.email.casefold() and Users(tx).is_taken(email, None):
        raise ConflictError("ADDRESS_TAKEN")
    saved = replace(user, **changed, version=user.version + 1, updated_at=tx.now)
    Users(tx).save(saved)
    if not saved.active or saved.role is not user.role:
        RefreshTokens(tx).end_all(user.id)  # a token names the role that its user had
    audit.record(tx, "user.update", "user", user.id, fields=sorted(changed))
    return saved


def set_card(tx: Transaction, user_id: str, card_number: str | None) -> None:
    """Raises ConflictError where the card is another's."""
    user = get(tx, user_id)
    found = Users(tx).by_login(card_number) if card_number else None
    if found is not None and found[0].id != user.id:
        raise ConflictError("CARD_TAKEN")
    Users(tx).set_credentials(user.id, card_number=card_number)
    audit.record(tx, "user.set_card", "user", user.id)


def _hash(token: str) -> str:
    # A plain hash is enough for 256 random bits: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def _refuse_unknown(fields: dict[str, Any]) -> None:
    unknown = {name: ["NOT_TO_CHANGE"] for name in fields if name not in EDITABLE}
    if unknown:
        raise ValidationError("NOT_TO_CHANGE", fields=unknown)
