"""The error tree. Branches follow what the caller would do about it.

LunaError
├── NotFoundError            there is no such thing (or it is not yours to see)
├── ForbiddenError           you may not
├── UnauthenticatedError     say who you are
├── LockedError              guessed wrong too often; wait `left_s` seconds
├── ValidationError          what you sent cannot be right; `fields` says where
│   └── UnknownWaypointError
├── ConflictError            not now: the record is in another state
│   ├── BookNotAvailableError
│   ├── InvalidTransitionError
│   └── RobotStoppedError
├── UnavailableError         a part of the robot is away; try again
│   ├── StorageFullError     nothing new is begun until there is room
│   └── StorageFailedError   the store's disk fails: nothing is taken on until it is well
└── SetupError               the machine or its data is not fit; `hint` says what to do

`code` is stable and is what programs read; `message` is for people; `details` are facts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class LunaError(Exception):
    """Root of all errors that LUNA raises on purpose.

    `hint` tells a person what to do about it, as a sentence; it may be empty.
    """

    code: ClassVar[str] = "LUNA_ERROR"

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = details

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class NotFoundError(LunaError):
    code = "NOT_FOUND"


class ForbiddenError(LunaError):
    code = "FORBIDDEN"


class UnauthenticatedError(LunaError):
    code = "UNAUTHENTICATED"


class LockedError(LunaError):
    """`left_s`: how long it is locked yet, s."""

    code = "ACCOUNT_LOCKED"

    def __init__(self, message: str, *, left_s: float) -> None:
        super().__init__(message)
        self.left_s = left_s


class ValidationError(LunaError):
    code = "VALIDATION_ERROR"

    def __init__(self, message: str, *, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(
            message, fields={name: list(said) for name, said in (fields or {}).items()}
        )


class UnknownWaypointError(ValidationError):
    code = "UNKNOWN_WAYPOINT"

    def __init__(self, place: str, *, field: str = "request_location") -> None:
        said = f"There is no place called {place!r} that the robot can go to."
        super().__init__(said, fields={field: [said]})


class ConflictError(LunaError):
    code = "CONFLICT"


class BookNotAvailableError(ConflictError):
    code = "BOOK_NOT_AVAILABLE"

    def __init__(self, book_id: str, current_status: str) -> None:
        super().__init__(
            "No copy of this book is free now.", book_id=book_id, current_status=current_status
        )


class InvalidTransitionError(ConflictError):
    code = "INVALID_TRANSITION"

    def __init__(self, state: str, wanted: str, allowed: Sequence[str]) -> None:
        """All of them states, as records show them."""
        can = ", ".join(allowed) or "nothing"
        super().__init__(f"It is {state} and cannot become {wanted} now; possible: {can}.")
        self.details = {"from": str(state), "to": str(wanted), "allowed": [str(a) for a in allowed]}


class RobotStoppedError(ConflictError):
    code = "ROBOT_STOPPED"


class UnavailableError(LunaError):
    code = "ROBOT_UNAVAILABLE"


class StorageFullError(UnavailableError):
    code = "STORAGE_FULL"

    def __init__(self) -> None:
        super().__init__(
            "The robot's disk is full, so nothing new can be written down.",
            hint="Ask the staff to make room on it.",
        )


class StorageFailedError(UnavailableError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"The robot's store fails ({why}); this was not done, or is not known to be done.",
            hint="Ask again in a moment; if it stays so, luna db check says more.",
        )


class SetupError(LunaError):
    code = "SETUP"
