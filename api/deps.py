"""Who asks, and what of this robot they may use. Every route declares one policy by one of the names below."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import HTTPConnection

from api import origins
from api.context import Context
from edge.domain.errors import ForbiddenError, UnauthenticatedError
from edge.domain.users import KIOSK, STAFF, Actor, Role

MAX_KEY = 200
"""Longest Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a user, or the touchscreen (KIOSK). `at_robot`: the request came over loopback."""

    id: str
    role: Role
    at_robot: bool
    session: str = ""
    origin: str = ""

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.origin)

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    def owns(self, user_id: str | None) -> bool:
        return self.role is not Role.KIOSK and self.id == user_id


def context_of(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


async def _context(connection: HTTPConnection) -> Context:
    return context_of(connection)


def identify(connection: HTTPConnection, token: str | None) -> Principal:
    """Who stands behind this connection: the token's user, or the touchscreen where loopback brings none.

    Raises UnauthenticatedError, TokenExpiredError.
    """
    context = context_of(connection)
    at_robot = origins.at_robot(connection)
    robot_id = context.settings.robot.id
    if token is not None:
        claims = context.tokens.read(token)
        return Principal(claims.user_id, claims.role, at_robot, claims.session, robot_id)
    if at_robot and origins.is_ours(connection.headers.get("host", "")):
        return Principal(KIOSK.id, Role.KIOSK, at_robot, origin=robot_id)
    raise UnauthenticatedError("Sign in first.")


def bearer(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header; None where there is no such header. Raises UnauthenticatedError."""
    header = connection.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError("Send the access token as Authorization: Bearer ….")
    return token.strip()


@dataclass(frozen=True)
class Policy:
    """Who may use a route. `at_robot`: only over loopback, whoever it is."""

    name: str
    roles: frozenset[Role]
    at_robot: bool = False

    async def __call__(self, connection: HTTPConnection) -> Principal:
        who = identify(connection, bearer(connection))
        if who.role not in self.roles:
            if who.role is Role.KIOSK:  # nobody has said who they are
                raise UnauthenticatedError("Sign in first.")
            raise ForbiddenError("Your role may not do this.")
        if self.at_robot and not who.at_robot:
            raise ForbiddenError("Only a person at the robot may do this.")
        return who


class Open(Policy):
    """Nobody is asked who they are."""

    async def __call__(self, connection: HTTPConnection) -> Principal:
        return Principal("anonymous", Role.STUDENT, origins.at_robot(connection))


class MayStop(Policy):
    """Anyone at the robot, whatever they send along; from elsewhere anyone who is signed in."""

    async def __call__(self, connection: HTTPConnection) -> Principal:
        try:
            return identify(connection, bearer(connection))
        except UnauthenticatedError:
            if origins.at_robot(connection):
                return Principal(KIOSK.id, Role.KIOSK, True)
            raise


_PEOPLE = frozenset({Role.STUDENT, Role.LIBRARIAN, Role.ADMIN})
_ALL = _PEOPLE | {Role.KIOSK}

OPEN = Open("anyone", _ALL)
ALL = Policy("all", _ALL)
SIGNED_IN = Policy("signed in", _PEOPLE)
LIBRARIAN = Policy("librarian", STAFF)
LIBRARIAN_AT_ROBOT = Policy("librarian at the robot", STAFF, at_robot=True)
LIBRARIAN_OR_KIOSK = Policy("librarian, kiosk", STAFF | {Role.KIOSK})
KIOSK_ONLY = Policy("kiosk", frozenset({Role.KIOSK}), at_robot=True)
STOP = MayStop("signed in; at the robot anyone", _ALL)

Anyone = Annotated[Principal, Depends(OPEN)]
Everybody = Annotated[Principal, Depends(ALL)]
SignedIn = Annotated[Principal, Depends(SIGNED_IN)]
Staff = Annotated[Principal, Depends(LIBRARIAN)]
StaffAtRobot = Annotated[Principal, Depends(LIBRARIAN_AT_ROBOT)]
StaffOrKiosk = Annotated[Principal, Depends(LIBRARIAN_OR_KIOSK)]
Kiosk = Annotated[Principal, Depends(KIOSK_ONLY)]
Stopping = Annotated[Principal, Depends(STOP)]

Robot = Annotated[Context, Depends(_context)]

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=MAX_KEY)]
