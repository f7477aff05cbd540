"""What the gate remembers on disk: the latch, which must survive anything, and the journal of
stops.

`DIR/gate/latch.json` is replaced as a whole, synced, and its directory synced too.
`DIR/gate/journal.jsonl` only grows, one synced line a record; a service reads it and imports each
record once by its `id`.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from edge.domain.stops import LatchEvent, LatchState, StopSource, next_latch

FORMAT = 1
JOURNAL_BYTES = 1 << 20
"""Size at which the journal is put aside as journal.1.jsonl, in place of the one before: some 4,000
records."""


@dataclass(frozen=True, slots=True)
class Latch:
    """The latch and the stop that it stands for. `since`: wall time of the stop, s since 1970; for
    people only."""

    state: LatchState = LatchState.CLEAR
    event_id: str | None = None
    source: StopSource | None = None
    who: str = ""
    reason: str = ""
    since: float | None = None

    def stopped(
        self, event_id: str, source: StopSource, who: str, reason: str, since: float
    ) -> "Latch":
        """Latched by a new event, or as it is where a stop is active already: a second stop joins
        the first."""
        state = next_latch(self.state, LatchEvent.STOP)
        if self.state is LatchState.LATCHED:
            return self
        return Latch(state, event_id, source, who, reason, since)

    def after_reset(self) -> "Latch":
        """Raises InvalidTransitionError."""
        return replace(self, state=next_latch(self.state, LatchEvent.RESET))

    def after_resume(self) -> "Latch":
        """Raises InvalidTransitionError."""
        next_latch(self.state, LatchEvent.RESUME)
        return Latch()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError where `data` is no latch."""
        if data["format"] != FORMAT:
            raise ValueError("unknown format")
        latch = cls(
            state=LatchState(data["state"]),
            event_id=_text_or_none(data["event_id"]),
            source=None if data["source"] is None else StopSource(data["source"]),
            who=str(data["who"]),
            reason=str(data["reason"]),
            since=None if data["since"] is None else float(data["since"]),
        )
        if (
            len({latch.state is LatchState.CLEAR, latch.event_id is None, latch.source is None})
            != 1
        ):
            raise ValueError("a latch has an event and a source, and only a latch has them")
        return latch


END_BYTES = 1 << 16
"""How much of the journal's end tells of the last ten minutes: some 250 records."""


class LatchFileError(Exception):
    """The latch file is there but tells nothing, or it is missing where it must not be."""


class LatchStore:
    """The two files. Raises OSError where the disk refuses."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "gate"
        self._latch = self._directory / "latch.json"
        self._journal = self._directory / "journal.jsonl"
        self._put_aside = self._directory / "journal.1.jsonl"
        self._bad = self._directory / "latch.bad"

    def load(self) -> Latch:
        """What was saved last; CLEAR in a new data directory. Raises LatchFileError: then the robot
        is latched."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = (self._latch, self._bad, self._journal, self._put_aside)
        if not any(path.exists() for path in known):
            # The latch file is made first of all; another one beside none means that somebody lost
            # or took it.
            _sync_directory(self._directory.parent)
            self.save(Latch())
        try:
            return Latch.from_json(json.loads(self._latch.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LatchFileError(f"{self._latch} cannot be read: {error}") from error

    def save(self, latch: Latch) -> None:
        """On disk when this returns."""
        new = self._latch.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"format": FORMAT, **asdict(latch)}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._latch)
        _sync_directory(self._directory)

    def put_aside(self) -> None:
        """Keep an unreadable latch file for whoever looks into it."""
        if self._latch.exists():
            self._latch.replace(self._bad)

    def newest_records(self) -> list[dict[str, Any]]:
        """The end of the journal, oldest first, as far as it can be read. Raises OSError."""
        journals = (self._put_aside, self._journal)
        return [record for path in journals if path.exists() for record in _end_of(path)]

    def has_recorded(self, event_id: str) -> bool:
        """Whether the journal tells of this stop's beginning. Raises OSError."""
        journals = (self._put_aside, self._journal)
        return any(_tells(path, event_id) for path in journals if path.exists())

    def record(self, record: dict[str, object]) -> None:
        """Append to the journal; on disk when this returns."""
        if self._journal.exists() and self._journal.stat().st_size > JOURNAL_BYTES:
            self._journal.replace(self._put_aside)
        new = not self._journal.exists()
        with self._journal.open("a") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_directory(self._directory)


def _end_of(journal: Path) -> list[dict[str, Any]]:
    with journal.open("rb") as file:
        file.seek(max(0, journal.stat().st_size - END_BYTES))
        lines = file.read().splitlines()
    records = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):  # torn, or its beginning is cut off
            records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict)]


def _tells(journal: Path, event_id: str) -> bool:
    with journal.open(errors="replace") as lines:
        return any(event_id in line and '"kind": "STOP"' in line for line in lines)


def _text_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _sync_directory(path: Path) -> None:
    """A new name is only on disk once its directory is."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
