"""Who somebody is and what that lets them do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    STUDENT = "STUDENT"
    LIBRARIAN = "LIBRARIAN"
    ADMIN = "ADMIN"
    KIOSK = "KIOSK"
    """The touchscreen itself: what a person standing at the robot may do without an account."""


STAFF = frozenset({Role.LIBRARIAN, Role.ADMIN})

FREE_FAILURES = 4
"""Failures to sign in, one after the other, before the account is locked for a while."""
LOCK_S = 30.0
MAX_LOCK_S = 900.0


def lock_s(failures: int) -> float:
    """How long an account is locked after so many failures in a row: twice as long each time, to 15 min."""
    if failures <= FREE_FAILURES:
        return 0.0
    return min(MAX_LOCK_S, LOCK_S * 2.0 ** min(failures - FREE_FAILURES - 1, 16))


KIOSK_FAILURES, KIOSK_WINDOW_S = 30, 3600.0
"""Wrong PINs at one touchscreen, and in what time, before it takes none for the rest of that time."""


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    first_name: str
    last_name: str
    phone_number: str | None
    role: Role
    active: bool
    version: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as history and audit remember it.

    `origin` is where the act came from: the robot's id, or `central`.
    """

    id: str
    role: Role | None = None
    origin: str = ""

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF


SYSTEM = Actor(id="system")
"""The robot's own doing: no person behind it."""

KIOSK = Actor(id="kiosk", role=Role.KIOSK)
