"""How many of everything: small counts for each run of `make test`, the promised ones in `make soak` (LUNA_SOAK=1)."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.disk import compile_disk
from tests.support.store import small_library


@dataclass(frozen=True)
class Counts:
    cuts: int
    kills: int
    failing_syncs: int
    fills: int
    flips: int
    stuck_s: float
    contended_s: float


SMALL = Counts(2_000, 200, 30, 10, 60, 3.0, 3.0)
FULL = Counts(10_000, 1_000, 200, 50, 300, 60.0, 600.0)


@pytest.fixture(scope="session")
def counts() -> Counts:
    return FULL if os.environ.get("LUNA_SOAK") == "1" else SMALL


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that stands between a program and its disk."""
    return compile_disk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where syncs cost nothing: for what is judged by its content."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="luna-") as folder:
        yield Path(folder)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a library in it, closed."""
    folder = tmp_path / "data"
    folder.mkdir()
    with small_library(folder) as library:
        return library.database.path
