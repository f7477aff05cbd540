"""The error tree. Branches follow what the caller would do about it.

LunaError
├── NotFoundError            there is no such thing (or it is not yours to see)
├── ForbiddenError           you may not
│   └── EmailNotVerifiedError
├── UnauthenticatedError     say who you are
│   └── SignInRefusedError   somebody else was to say it, and did not
├── LockedError              guessed wrong too often; wait `left_s` seconds
├── ValidationError          what you sent cannot be right; `fields` says where
│   └── UnknownWaypointError
├── ConflictError            not now: the record is in another state
│   ├── BookNotAvailableError
│   ├── InvalidTransitionError
│   ├── LinkNeededError
│   └── RobotStoppedError
├── UnavailableError         a part of the robot is away; try again
│   ├── ProviderAwayError    who was to say who somebody is does not answer
│   ├── StorageFullError     nothing new is begun until there is room
│   └── StorageFailedError   the store's disk fails: nothing is taken on until it is well
└── SetupError               the machine or its data is not fit; `hint` says what to do
    └── ClockNotSetError     nothing is written with a time that cannot be

`code` is stable and is what programs read; `details` are facts. What people read is a sentence of edge/words.toml,
named by its key and filled with the facts; SetupError, for whoever has a shell, brings its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class LunaError(Exception):
    """Root of all errors that LUNA raises on purpose.

    `sentence`: a key of the section `error` of edge/words.toml, or a sentence of its own; `hint`: what a person can do
    about it, where the sentence itself does not say.
    """

    code: ClassVar[str] = "LUNA_ERROR"

    def __init__(self, sentence: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details: dict[str, Any] = details
        self.facts: Mapping[str, Any] = details
        self._hint = hint

    def said(self, language: str = "en") -> tuple[str, str]:
        """What is so, and what to do about it, which may be empty."""
        from edge import words  # read where something is said, and so never in the gate

        what, *remedy = words.texts("error", self.sentence, language, **self.facts)
        return what, self._hint or " ".join(remedy)

    def told(self, language: str = "en") -> dict[str, Any]:
        """The details, with those of them that are sentences in this language."""
        return self.details

    @property
    def message(self) -> str:
        return self.said()[0]

    @property
    def hint(self) -> str:
        return self.said()[1]

    def __str__(self) -> str:
        return " ".join(self.said()).rstrip()


class NotFoundError(LunaError):
    code = "NOT_FOUND"


class ForbiddenError(LunaError):
    code = "FORBIDDEN"


class UnauthenticatedError(LunaError):
    code = "UNAUTHENTICATED"


class EmailNotVerifiedError(ForbiddenError):
    code = "EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("EMAIL_NOT_VERIFIED")


class SignInRefusedError(UnauthenticatedError):
    """`reason` is for the log; who signs in is told no more than to begin again."""

    code = "SIGN_IN_REFUSED"

    def __init__(self, reason: str) -> None:
        super().__init__("SIGN_IN_REFUSED")
        self.reason = reason


class LockedError(LunaError):
    """`left_s`: how long it is locked yet, s."""

    code = "ACCOUNT_LOCKED"

    def __init__(self, sentence: str, *, left_s: float) -> None:
        super().__init__(sentence)
        self.left_s = left_s


class ValidationError(LunaError):
    """`fields`: by its path, what is wrong with each: keys or sentences as `sentence` is. For one field alone, that
    is the sentence itself: `field`. The rest are facts for the sentences."""

    code = "VALIDATION_ERROR"

    def __init__(
        self,
        sentence: str,
        *,
        field: str | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        **facts: Any,
    ) -> None:
        named = {field: [sentence]} if field is not None else fields or {}
        super().__init__(sentence, fields={name: list(keys) for name, keys in named.items()})
        self.facts = facts

    def told(self, language: str = "en") -> dict[str, Any]:
        from edge import words

        fields = self.details["fields"].items()
        said = {
            name: [words.text("error", key, language, **self.facts) for key in keys]
            for name, keys in fields
        }
        return {"fields": said}


class UnknownWaypointError(ValidationError):
    code = "UNKNOWN_WAYPOINT"

    def __init__(self, place: str, *, field: str = "request_location") -> None:
        super().__init__("UNKNOWN_WAYPOINT", field=field, place=place)


class ConflictError(LunaError):
    code = "CONFLICT"


class BookNotAvailableError(ConflictError):
    code = "BOOK_NOT_AVAILABLE"

    def __init__(self, book_id: str, current_status: str) -> None:
        super().__init__("BOOK_NOT_AVAILABLE", book_id=book_id, current_status=current_status)


class InvalidTransitionError(ConflictError):
    code = "INVALID_TRANSITION"

    def __init__(self, state: str, wanted: str, allowed: Sequence[str]) -> None:
        """All of them states, as records show them."""
        super().__init__("INVALID_TRANSITION")
        self.details |= {"from": str(state), "to": str(wanted)}
        self.details["allowed"] = [str(one) for one in allowed]


class LinkNeededError(ConflictError):
    code = "LINK_NEEDED"

    def __init__(self) -> None:
        super().__init__("LINK_NEEDED")


class RobotStoppedError(ConflictError):
    code = "ROBOT_STOPPED"


class UnavailableError(LunaError):
    code = "ROBOT_UNAVAILABLE"


class ProviderAwayError(UnavailableError):
    def __init__(self, provider: str) -> None:
        super().__init__("PROVIDER_AWAY", provider=provider)


class StorageFullError(UnavailableError):
    code = "STORAGE_FULL"

    def __init__(self) -> None:
        super().__init__("STORAGE_FULL")


class StorageFailedError(UnavailableError):
    def __init__(self, why: str) -> None:
        super().__init__("STORAGE_FAILED", why=why)


class SetupError(LunaError):
    code = "SETUP"


class ClockNotSetError(SetupError):
    """The clock says `now`: every deadline, token and order of events would be wrong."""

    code = "CLOCK_NOT_SET"

    def __init__(self, now: str) -> None:
        super().__init__("CLOCK_NOT_SET", now=now)
