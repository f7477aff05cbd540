"""People who use the robot."""

from dataclasses import replace
from typing import Any

from edge.domain.errors import ConflictError, NotFoundError, ValidationError
from edge.domain.users import Role, User
from edge.services import audit, outbox
from edge.services.merging import accept_fields, check_version, stamp_fields
from edge.services.records import record
from edge.store.database import Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.sessions import RefreshTokens
from edge.store.users import Users

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
    if Users(tx).is_taken(email, card_number):
        raise ConflictError("There is an account with this address or card already.")
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
        raise NotFoundError("There is no such user.")
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
    audit.record(tx, "user.set_password", "user", user.id)


def set_pin(tx: Transaction, user_id: str, pin_hash: str | None) -> None:
    """The PIN for signing in at the touchscreen."""
    Users(tx).set_credentials(get(tx, user_id).id, pin_hash=pin_hash)
    audit.record(tx, "user.set_pin", "user", user_id)


def merge(tx: Transaction, user_id: str, fields: dict[str, Any], *, hlc: str, origin: str) -> User:
    """Take over another side's change of a user that we have; it is not told back. Raises NotFoundError."""
    user = get(tx, user_id)
    known = {name: value for name, value in fields.items() if name in EDITABLE}
    if "role" in known:
        known["role"] = Role(known["role"])
    newer = accept_fields(tx, "user", user_id, known, hlc=hlc, origin=origin)
    return _save(tx, user, newer) if newer else user


def _save(tx: Transaction, user: User, changed: dict[str, Any]) -> User:
    email = changed.get("email", user.email)
    if email.casefold() != user.email.casefold() and Users(tx).is_taken(email, None):
        raise ConflictError("There is an account with this address already.")
    saved = replace(user, **changed, version=user.version + 1, updated_at=tx.now)
    Users(tx).save(saved)
    if not saved.active or saved.role is not user.role:
        RefreshTokens(tx).end_all(user.id)  # a token names the role that its user had
    audit.record(tx, "user.update", "user", user.id, fields=sorted(changed))
    return saved


def _refuse_unknown(fields: dict[str, Any]) -> None:
    unknown = {name: ["This cannot be changed."] for name in fields if name not in EDITABLE}
    if unknown:
        raise ValidationError("Some of this cannot be changed.", fields=unknown)
