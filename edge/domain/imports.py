"""A catalogue file on its way into the catalogue: staged, looked at, taken over, and perhaps taken back."""

from dataclasses import dataclass
from enum import StrEnum


class ImportStatus(StrEnum):
    """`STAGING`, `COMMITTING` and `UNDOING` are under way, in parts; after a crash each can be asked for again."""

    STAGING = "STAGING"
    STAGED = "STAGED"
    COMMITTING = "COMMITTING"
    COMMITTED = "COMMITTED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


class Outcome(StrEnum):
    """What becomes of one record; before the commit, what would become of it."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Import:
    """`created`, `updated`, `unchanged`, `bad`: how many records."""

    id: str
    user_id: str
    file_name: str
    status: ImportStatus
    created: int
    updated: int
    unchanged: int
    bad: int
    created_at: str
    committed_at: str | None
    undone_at: str | None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One record of the file. `line`: where it stands there, in MARC its number."""

    line: int
    outcome: Outcome
    title: str | None
    book_id: str | None
    reason: str | None
