"""Accounts and sessions."""

from typing import Any

from fastapi import APIRouter, Response

from api import envelope
from api.context import Context
from api.deps import Anyone, Kiosk, Robot, SignedIn
from api.schemas.base import One
from api.schemas.people import (
    Accepted,
    Changed,
    Forgotten,
    Login,
    PasswordChange,
    PasswordReset,
    PinLogin,
    Profile,
    Refresh,
    Registration,
    Session,
    SignedOut,
    User,
)
from api.signing_in import sign_in, token_answer
from api.versions import IfMatch, etag
from edge.domain.errors import UnauthenticatedError
from edge.domain.users import SYSTEM, Role
from edge.services import records, sessions, users
from edge.store.database import Transaction

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])

PIN_SESSION_S = 900
"""A session at the touchscreen is short: somebody else stands there next."""


@router.post("/register", response_model=One[Session], status_code=201, summary="Make an account")
async def register(body: Registration, _: Anyone, robot: Robot) -> Response:
    password_hash = await robot.secrets.hash_new(body.password)

    def work(tx: Transaction) -> tuple[Any, str]:
        user = users.register(
            tx,
            email=body.email,
            password_hash=password_hash,
            first_name=body.first_name,
            last_name=body.last_name,
            phone_number=body.phone_number,
            role=Role.STUDENT,
        )
        return user, sessions.open_family(
            tx, user.id, lifetime_s=robot.settings.api.refresh_token_s
        )

    user, refresh = await robot.write(SYSTEM, work)
    return token_answer(robot, user, refresh, status=201)


@router.post("/login", response_model=One[Session], summary="Sign in with a password")
async def login(body: Login, _: Anyone, robot: Robot) -> Response:
    user, refresh = await sign_in(
        robot, body.email, body.password, life_s=robot.settings.api.refresh_token_s
    )
    return token_answer(robot, user, refresh)


@router.post(
    "/pin-login", response_model=One[Session], summary="Sign in with a PIN at the touchscreen"
)
async def pin_login(body: PinLogin, _: Kiosk, robot: Robot) -> Response:
    user, refresh = await sign_in(robot, body.login, body.pin, life_s=PIN_SESSION_S, by_pin=True)
    return token_answer(robot, user, refresh)


@router.post("/refresh", response_model=One[Session], summary="New tokens for a refresh token")
async def refresh(body: Refresh, _: Anyone, robot: Robot) -> Response:
    user, token = await robot.write(SYSTEM, lambda tx: sessions.rotate(tx, body.refresh_token))
    return token_answer(robot, user, token)


@router.post("/logout", response_model=One[SignedOut], summary="End this session")
async def logout(body: Refresh, who: SignedIn, robot: Robot) -> Response:
    await robot.write(who.actor, lambda tx: sessions.revoke(tx, body.refresh_token))
    return envelope.one({"signed_out": True})


@router.get("/me", response_model=One[User], summary="Who I am")
async def me(who: SignedIn, robot: Robot) -> Response:
    user = robot.read(lambda reader: users.get(reader, who.id))
    return envelope.one(records.record(user), headers=etag(user.version))


@router.put("/me", response_model=One[User], summary="Change my name or phone number")
async def change_me(body: Profile, who: SignedIn, robot: Robot, version: IfMatch) -> Response:
    changes = body.model_dump(exclude_unset=True)
    user = await robot.write(
        who.actor, lambda tx: users.update_profile(tx, who.id, version=version, **changes)
    )
    return envelope.one(records.record(user), headers=etag(user.version))


@router.put("/change-password", response_model=One[Changed], summary="Change my password")
async def change_password(body: PasswordChange, who: SignedIn, robot: Robot) -> Response:
    await _check_password(robot, who.id, body.current_password)
    password_hash = await robot.secrets.hash_new(body.new_password, field="new_password")
    await robot.write(who.actor, lambda tx: users.set_password(tx, who.id, password_hash))
    return envelope.one({"changed": True})


@router.post("/forgot-password", response_model=One[Accepted], summary="Have a reset token mailed")
async def forgot_password(body: Forgotten, _: Anyone, robot: Robot) -> Response:
    """Central mails it, good once and for 30 min. The answer is the same for an address that nobody has."""
    await robot.write(SYSTEM, lambda tx: users.ask_reset(tx, body.email))
    return envelope.one({"accepted": True})


@router.post("/reset-password", response_model=One[Changed], summary="Set a new password by token")
async def reset_password(body: PasswordReset, _: Anyone, robot: Robot) -> Response:
    robot.read(lambda reader: users.check_reset(reader, body.token))  # before the costly hash
    password_hash = await robot.secrets.hash_new(body.new_password, field="new_password")
    await robot.write(SYSTEM, lambda tx: users.reset_password(tx, body.token, password_hash))
    return envelope.one({"changed": True})


async def _check_password(robot: Context, user_id: str, password: str) -> None:
    user = robot.read(lambda reader: users.get(reader, user_id))
    known = robot.read(lambda reader: users.by_login(reader, user.email))
    if not await robot.secrets.verify(known[1] if known else None, password):
        raise UnauthenticatedError("WRONG_PASSWORD")
