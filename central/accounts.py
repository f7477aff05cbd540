"""Who may use the central server's API: accounts with argon2id passwords, and access tokens."""

import secrets
import time
from pathlib import Path
from typing import Any

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from central import tables
from central.store import new_id
from edge.domain.errors import UnauthenticatedError
from edge.domain.users import Role

TOKEN_S = 3600
ALGORITHM = "HS256"
KEY_BYTES = 32

# OWASP's argon2id settings: 19 MiB, 2 passes.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobody = _hasher.hash(secrets.token_hex())


def set_admin(tx: Connection, email: str, password: str) -> None:
    """Make the admin, or give the admin this password."""
    row = insert(tables.account).values(
        id=new_id(),
        email=email.casefold(),
        password_hash=_hasher.hash(password),
        role=Role.ADMIN.value,
    )
    changed = {"password_hash": row.excluded.password_hash}
    tx.execute(row.on_conflict_do_update(index_elements=["email"], set_=changed))


def log_in(tx: Connection, email: str, password: str) -> dict[str, Any]:
    """The account. Takes as long for an address that nobody has. Raises UnauthenticatedError."""
    found = tx.execute(
        select(tables.account).where(tables.account.c.email == email.casefold())
    ).one_or_none()
    try:
        _hasher.verify(found.password_hash if found else _nobody, password)
    except VerificationError:
        found = None
    if found is None:
        raise UnauthenticatedError("The address or the password is wrong.")
    return {"id": found.id, "email": found.email, "role": found.role}


class Tokens:
    """Makes and reads access tokens with a key that stays over restarts."""

    def __init__(self, key_file: Path) -> None:
        self._key = own_secret(key_file)

    def make(self, account: dict[str, Any]) -> str:
        now = int(time.time())
        claims = {
            "sub": account["id"],
            "role": account["role"],
            "email": account["email"],
            "iat": now,
        }
        return jwt.encode({**claims, "exp": now + TOKEN_S, "jti": new_id()}, self._key, ALGORITHM)

    def read(self, token: str) -> dict[str, Any]:
        """The claims. Raises UnauthenticatedError."""
        try:
            return jwt.decode(
                token, self._key, [ALGORITHM], options={"require": ["exp", "sub", "role"]}
            )
        except jwt.InvalidTokenError as error:
            raise UnauthenticatedError("Log in again.") from error


def own_secret(path: Path) -> str:
    """The secret in a file that only we may read; made where there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(KEY_BYTES) + "\n")
    return path.read_text().strip()
