"""Signing in: the same answer and the same time for an unknown name and for a wrong password."""

from typing import Any

from fastapi import Response

from api import envelope
from api.context import Context
from api.errors import AccountLockedError
from edge.domain.errors import UnauthenticatedError
from edge.domain.times import seconds_between
from edge.domain.users import SYSTEM, Actor, User
from edge.services import records, sessions, users
from edge.store.database import Transaction

REFUSED = "The name or the password is not right."


async def sign_in(
    robot: Context, name: str, secret: str, *, life_s: int, by_pin: bool = False
) -> tuple[User, str]:
    """The user and a new refresh token. Raises UnauthenticatedError, AccountLockedError."""
    known = robot.read(lambda reader: users.by_login(reader, name))
    if known is not None:
        _refuse_while_locked(robot, known[0].id)
    user, password_hash, pin_hash = known or (None, None, None)
    right = await robot.secrets.verify(pin_hash if by_pin else password_hash, secret)
    if user is None:
        raise UnauthenticatedError(REFUSED)
    if not right or not user.active:
        await robot.write(SYSTEM, lambda tx: sessions.login_failed(tx, user.id))
        raise UnauthenticatedError(REFUSED)

    def work(tx: Transaction) -> str:
        sessions.login_succeeded(tx, user.id)
        return sessions.open_family(tx, user.id, lifetime_s=life_s)

    return user, await robot.write(Actor(user.id, user.role, robot.settings.robot.id), work)


def token_answer(robot: Context, user: User, refresh: str, *, status: int = 200) -> Response:
    family = robot.read(lambda reader: sessions.family(reader, refresh)) or ""
    data: dict[str, Any] = {
        "user": records.record(user),
        "access_token": robot.tokens.issue(user.id, user.role, family),
        "refresh_token": refresh,
        "expires_in": robot.tokens.life_s,
        "token_type": "Bearer",
    }
    return envelope.one(data, status=status)


def _refuse_while_locked(robot: Context, user_id: str) -> None:
    until = robot.read(lambda reader: sessions.locked_until(reader, user_id))
    left_s = 0.0 if until is None else seconds_between(envelope.now(), until)
    if left_s > 0:
        raise AccountLockedError("Too many tries. Wait a little.", retry_after_s=int(left_s) + 1)
