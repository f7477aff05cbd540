"""Tokens and secrets: JWT access tokens, and argon2 kept away from the event loop."""

import asyncio
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from api.errors import TokenExpiredError, TooManyError
from edge.domain.errors import SetupError, UnauthenticatedError
from edge.domain.users import Role
from edge.hidden import hidden
from edge.services import passwords
from edge.store.database import new_id

with hidden("cryptography"):  # for kinds of signatures that access tokens never have: 10 MB
    import jwt

T = TypeVar("T")

ALGORITHM = "HS256"
"""Named here and nowhere else: what a token's own header says is never believed."""
CLAIMS = ["sub", "role", "iat", "exp", "jti", "sid"]
KNOWN_TOKENS = 1024
"""So many are not verified again while they are good."""

HASHERS = 2
"""Passwords looked at at once: each takes 19 MiB and 30 ms of a core here, 10 times that on a small board."""
WAITING_HASHES = 32
"""Logins that wait for their turn; beyond it, come back later."""
HASHER_NICENESS = 10


@dataclass(frozen=True, slots=True)
class Claims:
    """`since`, `until`: when the token was made and when it is over, in s since 1970."""

    user_id: str
    role: Role
    session: str
    since: float
    until: float


class Tokens:
    """Makes and reads access tokens. `life_s`: how long a token is good.

    `keys`: the robot's secrets, one a line. The first makes tokens; those of the others, which were first before, are
    still read: so that a new key ends nobody's session. Take an old one out once its tokens are over.
    """

    def __init__(self, keys: str, life_s: int) -> None:
        lines = [line.strip() for line in keys.splitlines() if line.strip()]
        if not lines:
            raise SetupError("There is no key for tokens in secrets/jwt.key.")
        self._keys = {_key_id(line): line for line in lines}
        self._newest = next(iter(self._keys))
        self.life_s = life_s
        self._known: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, user_id: str, role: Role, session: str, *, life_s: int | None = None) -> str:
        now = datetime.now(UTC)
        ends = now + timedelta(seconds=life_s or self.life_s)
        claims = {
            "sub": user_id,
            "role": role,
            "sid": session,
            "iat": now,
            "exp": ends,
            "jti": new_id(),
        }
        return jwt.encode(claims, self._keys[self._newest], ALGORITHM, {"kid": self._newest})

    def read(self, token: str) -> Claims:
        """Raises TokenExpiredError, UnauthenticatedError."""
        claims = self._known.get(token)
        if claims is None:  # its signature costs a quarter of a millisecond, and never changes
            claims = self._known[token] = self._verified(token)
            if len(self._known) > KNOWN_TOKENS:
                self._known.popitem(last=False)
        now = time.time()
        if now >= claims.until:
            raise TokenExpiredError("TOKEN_OVER")
        if now < claims.since:  # the clock was set back, and shall revive nothing
            raise UnauthenticatedError("TOKEN_FOREIGN")
        return claims

    def _verified(self, token: str) -> Claims:
        try:
            key = self._keys.get(_said_key(token) or self._newest)
            if key is None:
                raise UnauthenticatedError("TOKEN_KEY_GONE")
            claims = jwt.decode(token, key, [ALGORITHM], options={"require": CLAIMS})
            since, until = float(claims["iat"]), float(claims["exp"])
            return Claims(claims["sub"], Role(claims["role"]), str(claims["sid"]), since, until)
        except jwt.ExpiredSignatureError as error:
            raise TokenExpiredError("TOKEN_OVER") from error
        except (jwt.InvalidTokenError, ValueError) as error:
            raise UnauthenticatedError("TOKEN_FOREIGN") from error


def _key_id(key: str) -> str:
    """A name for the key that tells nothing of it."""
    return hashlib.sha256(f"luna token key {key}".encode()).hexdigest()[:8]


def _said_key(token: str) -> str | None:
    """Which key the token says it was made with. Raises jwt.InvalidTokenError."""
    said = jwt.get_unverified_header(token).get("kid")
    return said if isinstance(said, str) else None


class Secrets:
    """Hashes and checks passwords and PINs, a few at once, in threads that yield to everything else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHERS, "hash", initializer=_be_nice)
        self._waiting = 0

    async def hash_new(self, text: str, *, field: str = "password") -> str:
        """Raises ValidationError, naming `field`, for a password that anybody would guess."""
        passwords.check_new_password(text, field=field)
        return await self._run(lambda: passwords.hash_secret(text))

    async def hash_pin(self, text: str) -> str:
        return await self._run(lambda: passwords.hash_secret(text))

    async def verify(self, known: str | None, text: str) -> bool:
        """Whether `text` is what was hashed. Takes as long where nothing was (`known` None), and says no."""
        if known is None:
            await self._run(passwords.spend_time)
            return False
        return await self._run(lambda: passwords.verify_secret(known, text))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_HASHES:
            raise TooManyError("TOO_MANY_SIGN_INS", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _be_nice() -> None:
    """Linux gives each thread a priority of its own; STOP must not wait behind fifty logins."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASHER_NICENESS)
