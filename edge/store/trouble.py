"""What it means when SQLite fails: whether the disk is full, broken, or only busy."""

import errno
import shutil
from enum import Enum, auto
from pathlib import Path

from edge.domain.errors import LunaError, StorageFailedError, StorageFullError, UnavailableError
from edge.store import sqlite

NEXT_TO_NOTHING = 64 << 10
"""Bytes free below which an I/O error is a full disk: SQLite's shared memory needs 32 KiB at a time."""

_BUSY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 10, 11, 13, 14, 26


class Trouble(Enum):
    FULL = auto()
    BUSY = auto()
    DISK = auto()
    """What was written may not be there; nothing is to be written until that is known."""


def trouble_of(error: Exception, path: Path) -> Trouble | None:
    """None for what is the caller's own mistake."""
    if not isinstance(error, sqlite.sqlite3.Error):
        return None
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    if code == _FULL:
        return Trouble.FULL
    if code in (_IOERR, _CANTOPEN):
        return Trouble.FULL if _no_room(path) else Trouble.DISK
    if code in (_CORRUPT, _NOTADB):
        return Trouble.DISK
    return Trouble.BUSY if code == _BUSY else None


def in_words(trouble: Trouble, error: Exception) -> LunaError:
    """What the callers are told."""
    match trouble:
        case Trouble.FULL:
            return StorageFullError()
        case Trouble.BUSY:
            return UnavailableError("STORE_BUSY")
        case Trouble.DISK:
            return StorageFailedError(str(error))


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < NEXT_TO_NOTHING
    except OSError as error:
        return error.errno == errno.ENOSPC
