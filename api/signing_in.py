"""Signing in: the same answer and the same time for an unknown name and for a wrong password."""

from typing import Any

from fastapi import Response

from api import envelope
from api.context import Context
from edge.domain.errors import LockedError, UnauthenticatedError
from edge.domain.users import SYSTEM, Actor, User
from edge.services import attempts, records, sessions, users
from edge.store.database import Transaction


async def sign_in(
    robot: Context, name: str, secret: str, *, life_s: int, by_pin: bool = False
) -> tuple[User, str]:
    """The user and a new refresh token. Raises UnauthenticatedError, LockedError."""
    known = robot.read(lambda reader: users.by_login(reader, name))
    if by_pin:
        _refuse_while_locked(
            robot, robot.read(lambda reader: attempts.left_s(reader, attempts.KIOSK))
        )
    if known is not None:
        user_id = known[0].id
        _refuse_while_locked(robot, robot.read(lambda r: sessions.locked_s(r, user_id)))
    user, password_hash, pin_hash = known or (None, None, None)
    right = await robot.secrets.verify(pin_hash if by_pin else password_hash, secret)
    if user is None or not right or not user.active:

        def count(tx: Transaction) -> None:
            if by_pin:
                attempts.failed(tx, attempts.KIOSK)
            if user is not None:
                sessions.login_failed(tx, user.id)

        robot.metrics.sign_ins.labels("refused").inc()
        await robot.write(SYSTEM, count)  # for an unknown name too: it takes as long
        raise UnauthenticatedError("WRONG_LOGIN")

    def work(tx: Transaction) -> str:
        # Guesses that came side by side are judged one after the other here.
        _refuse_while_locked(robot, sessions.locked_s(tx, user.id))
        sessions.login_succeeded(tx, user.id)
        return sessions.open_family(tx, user.id, lifetime_s=life_s)

    refresh = await robot.write(Actor(user.id, user.role, robot.settings.robot.id), work)
    robot.metrics.sign_ins.labels("signed in").inc()
    return user, refresh


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


def _refuse_while_locked(robot: Context, left_s: float) -> None:
    if left_s > 0:
        robot.metrics.sign_ins.labels("locked").inc()
        raise LockedError("TOO_MANY_TRIES", left_s=left_s)
