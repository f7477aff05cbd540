"""Who asks, and what of this robot they may use. Every route declares one policy by one of the names below.

A policy says which roles may use the route, and which of them may also touch what belongs to somebody else.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Header
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from api import origins
from api.context import Context
from edge.domain.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from edge.domain.users import KIOSK, STAFF, Actor, Role
from edge.services import sessions

MAX_KEY = 200
"""Longest Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a user, or the touchscreen (KIOSK).

    `at_robot`: the request came over loopback; `until`: when the token is over, in s since 1970;
    `others`: the roles that may touch here what is another's.
    """

    id: str
    role: Role
    at_robot: bool
    session: str = ""
    origin: str = ""
    until: float | None = None
    others: frozenset[Role] = frozenset()

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.origin)

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF

    @property
    def sees_all(self) -> bool:
        """Whether what belongs to others is theirs too on this route."""
        return self.role in self.others

    def owns(self, user_id: str | None) -> bool:
        return self.role is not Role.KIOSK and self.id == user_id

    def require(self, user_id: str | None, thing: str) -> None:
        """Raises NotFoundError where `thing` is another's: that it exists is not told either."""
        if not (self.owns(user_id) or self.sees_all):
            raise NotFoundError(f"NO_SUCH_{thing.upper()}")


def context_of(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


async def _context(connection: HTTPConnection) -> Context:
    return context_of(connection)


def identify(connection: HTTPConnection, token: str | None, *, ask_store: bool = True) -> Principal:
    """Who stands behind this connection: the token's user, or the touchscreen where loopback brings none.

    Without `ask_store` a token is also good whose session was ended. Raises UnauthenticatedError, TokenExpiredError.
    """
    context = context_of(connection)
    at_robot = origins.at_robot(connection)
    robot_id = context.settings.robot.id
    if token is not None:
        claims = context.tokens.read(token)
        if ask_store and not is_open(context, claims.session):
            raise UnauthenticatedError("SESSION_ENDED")
        return Principal(
            claims.user_id, claims.role, at_robot, claims.session, robot_id, claims.until
        )
    if at_robot and origins.is_ours(connection.headers.get("host", "")):
        return Principal(KIOSK.id, Role.KIOSK, at_robot, origin=robot_id)
    raise UnauthenticatedError("SIGN_IN_FIRST")


def is_open(context: Context, session: str) -> bool:
    return context.database.glance(lambda reader: sessions.is_open(reader, session))


def bearer(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header; None where there is no such header. Raises UnauthenticatedError."""
    header = connection.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError("BEARER_WANTED")
    return token.strip()


@dataclass(frozen=True)
class Policy:
    """Who may use a route. `at_robot`: only over loopback, whoever it is. `others`: which of the roles may use it on
    what belongs to another; None where nothing there belongs to anybody."""

    name: str
    roles: frozenset[Role]
    at_robot: bool = False
    others: frozenset[Role] | None = None

    async def __call__(self, connection: HTTPConnection) -> Principal:
        who = identify(connection, bearer(connection))
        if who.role not in self.roles:
            if who.role is Role.KIOSK:  # nobody has said who they are
                raise UnauthenticatedError("SIGN_IN_FIRST")
            raise ForbiddenError("ROLE_MAY_NOT")
        if self.at_robot and not who.at_robot:
            raise ForbiddenError("ONLY_AT_ROBOT")
        return who if self.others is None else replace(who, others=self.others)


class Open(Policy):
    """Nobody is asked who they are."""

    async def __call__(self, connection: HTTPConnection) -> Principal:
        return Principal("anonymous", Role.STUDENT, origins.at_robot(connection))


class MayStop(Policy):
    """Anyone at the robot, whatever they send along; from elsewhere anyone who is signed in.

    The store is not asked: a STOP works where that is broken, and a session just ended may still stop.
    """

    async def __call__(self, connection: HTTPConnection) -> Principal:
        try:
            return identify(connection, bearer(connection), ask_store=False)
        except UnauthenticatedError:
            if origins.at_robot(connection):
                return Principal(KIOSK.id, Role.KIOSK, True)
            raise


_PEOPLE = frozenset({Role.STUDENT, Role.LIBRARIAN, Role.ADMIN})
_ALL = _PEOPLE | {Role.KIOSK}

OPEN = Open("anyone", _ALL)
ALL = Policy("all", _ALL)
SIGNED_IN = Policy("signed in", _PEOPLE)
OWN = Policy("signed in: what is theirs", _PEOPLE, others=frozenset())
OWN_OR_STAFF = Policy("signed in: what is theirs; librarian: all", _PEOPLE, others=STAFF)
OWN_OR_ADMIN = Policy(
    "signed in: what is theirs; admin: all", _PEOPLE, others=frozenset({Role.ADMIN})
)
OWN_OR_KIOSK = Policy(
    "signed in: what is theirs; kiosk: all, by PIN", _ALL, others=frozenset({Role.KIOSK})
)
LIBRARIAN = Policy("librarian", STAFF)
LIBRARIAN_AT_ROBOT = Policy("librarian at the robot", STAFF, at_robot=True)
ADMIN = Policy("admin", frozenset({Role.ADMIN}))
LIBRARIAN_OR_KIOSK = Policy("librarian, kiosk", STAFF | {Role.KIOSK})
KIOSK_ONLY = Policy("kiosk", frozenset({Role.KIOSK}), at_robot=True)
STOP = MayStop("signed in; at the robot anyone", _ALL)

Anyone = Annotated[Principal, Depends(OPEN)]
Everybody = Annotated[Principal, Depends(ALL)]
SignedIn = Annotated[Principal, Depends(SIGNED_IN)]
Owner = Annotated[Principal, Depends(OWN)]
OwnerOrStaff = Annotated[Principal, Depends(OWN_OR_STAFF)]
OwnerOrAdmin = Annotated[Principal, Depends(OWN_OR_ADMIN)]
OwnerOrKiosk = Annotated[Principal, Depends(OWN_OR_KIOSK)]
Staff = Annotated[Principal, Depends(LIBRARIAN)]
Admin = Annotated[Principal, Depends(ADMIN)]
StaffAtRobot = Annotated[Principal, Depends(LIBRARIAN_AT_ROBOT)]
StaffOrKiosk = Annotated[Principal, Depends(LIBRARIAN_OR_KIOSK)]
Kiosk = Annotated[Principal, Depends(KIOSK_ONLY)]
Stopping = Annotated[Principal, Depends(STOP)]

Robot = Annotated[Context, Depends(_context)]


def policies_of(route: APIRoute) -> list[Policy]:
    """What this route declares; one, or the tests fail."""
    return [one.call for one in route.dependant.dependencies if isinstance(one.call, Policy)]


Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=MAX_KEY)]
