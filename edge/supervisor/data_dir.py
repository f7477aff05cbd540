"""The data directory: made whole or not at all, checked, and held by one robot at a time."""

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.domain.errors import SetupError
from edge.private_file import write_private
from edge.settings import SETTINGS_FILE
from edge.supervisor.hold import ANOTHER, clear, take

FORMAT = 1
FORMAT_FILE = "format.json"
FOLDERS = ("secrets", "run", "map", "gate", "broker", "central", "logs", "logs/ros")
SECRETS = ("jwt.key", "mqtt-robot", "mqtt-central", "mqtt-integrator", "central-admin")


def hold(path: Path, build: Callable[[Path], None]) -> int:
    """Hold the data directory `path`; where there is none, `build` fills one first.

    `build` gets a directory that already has its folders and secrets. The descriptor that holds it,
    for `hold.released`. Raises SetupError.
    """
    try:
        return _made(path, build) if _is_new(path) else _existing(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _is_new(path: Path) -> bool:
    """Whether there is nothing yet but, at most, the settings that a person wrote beforehand."""
    if not path.exists():
        return True
    if not path.is_dir():
        raise SetupError(f"{path} is a file, not a directory.", hint=ANOTHER.capitalize())
    return {entry.name for entry in path.iterdir()} <= {SETTINGS_FILE}


def _existing(path: Path) -> int:
    """Lock and check a directory that has something in it. The descriptor that holds the lock."""
    lock = take(path)
    try:
        _check(path)
        path.chmod(0o700)
        _complete(path)
        clear(path / "run")
    except BaseException:
        os.close(lock)
        raise
    return lock


def _check(path: Path) -> None:
    try:
        found = json.loads((path / FORMAT_FILE).read_text())["format"]
    except FileNotFoundError as error:
        raise SetupError(
            f"{path} is not LUNA's: it holds something else ({FORMAT_FILE} is missing).",
            hint=ANOTHER.capitalize(),
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"{path / FORMAT_FILE} cannot be understood.", hint=ANOTHER.capitalize()
        ) from error
    if found != FORMAT:
        raise SetupError(
            f"The data in {path} are of format {found}; this program knows format {FORMAT}.",
            hint=f"Use the program that made them, or {ANOTHER}",
        )
    for needed in (path, path / "run", path / "logs", path / "luna.db"):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise SetupError(f"{needed} cannot be written.", hint=f"Allow it (chmod), or {ANOTHER}")


def _made(path: Path, build: Callable[[Path], None]) -> int:
    """Build the directory beside its place and move it there. The descriptor that holds its lock."""
    with _parents(path.parent):
        _sweep(path)
        draft = Path(tempfile.mkdtemp(prefix=_draft_prefix(path), dir=path.parent))
        try:
            lock = take(draft)
            try:
                _complete(draft)
                if (path / SETTINGS_FILE).exists():
                    shutil.copy2(path / SETTINGS_FILE, draft / SETTINGS_FILE)
                build(draft)
                (draft / FORMAT_FILE).write_text(json.dumps({"format": FORMAT}) + "\n")
                (path / SETTINGS_FILE).unlink(missing_ok=True)
                draft.rename(path)
            except BaseException:
                os.close(lock)
                raise
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return lock


@contextlib.contextmanager
def _parents(parent: Path) -> Iterator[None]:
    """Have the directories above; where what follows fails, those made for it go again."""
    made = [one for one in (parent, *parent.parents) if not one.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for one in made:
                one.rmdir()
        raise


def _draft_prefix(path: Path) -> str:
    return f".{path.name}.new-"


def _sweep(path: Path) -> None:
    """Remove drafts that nobody works on any more: their maker was killed."""
    drafts = [one for one in path.parent.iterdir() if one.name.startswith(_draft_prefix(path))]
    for draft in drafts:
        with contextlib.suppress(SetupError, OSError):
            lock = take(draft)
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)


def _complete(path: Path) -> None:
    """Have all folders, and a secret for each name that has none yet."""
    for folder in FOLDERS:
        (path / folder).mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        if not (path / "secrets" / name).exists():
            write_private(path / "secrets" / name, secrets.token_urlsafe(32) + "\n")


def _unusable(path: Path, error: OSError) -> SetupError:
    where = error.filename or path
    return SetupError(
        f"The data directory {path} cannot be used: {error.strerror}: {where}.",
        hint=f"Allow it (chmod, chown), or {ANOTHER}",
    )
