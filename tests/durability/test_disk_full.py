"""The disk is full: what has begun goes on, nothing new begins, nothing is lost, and room makes all well again."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.errors import SetupError, StorageFullError
from edge.settings import load
from edge.store import ballast as ballasts
from edge.store.ballast import Ballast
from edge.store.database import Database
from edge.store.keeper import TICK_S, Keeper
from tests.durability.conftest import Counts
from tests.durability.story import LENGTH, kept, tell

pytestmark = pytest.mark.timeout(600)

DISK_BYTES, BALLAST_BYTES = 8 << 20, 2 << 20


@pytest.fixture
def small_disk(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store with its ballast on a disk of its own, of a few megabytes."""
    monkeypatch.setattr(ballasts, "BALLAST_BYTES", BALLAST_BYTES)
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own cannot be mounted here: it needs root")
    try:
        path = place / store.name
        shutil.copy(store, path)
        assert Ballast.beside(path).load()
        yield path
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """A file that takes all that is free but `leave` bytes."""
    filler = folder / "filler"
    size = shutil.disk_usage(folder).free - leave
    if size > 0:
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    return filler


def until_full(database: Database, number: int) -> int:
    """Go on with the story until nothing more can be written; the last change that was."""
    try:
        while True:
            tell(database, number + 1)
            number += 1
    except StorageFullError:
        return number


def test_on_a_full_disk_what_has_begun_goes_on_and_nothing_new_begins(
    small_disk: Path, counts: Counts
) -> None:
    rng, ballast = random.Random(1), Ballast.beside(small_disk)
    number = 0
    for _ in range(counts.fills):
        assert ballast.load()
        database = Database.open(small_disk)
        for _ in range(rng.randrange(1, 20)):
            number += 1
            tell(database, number)
        filler = fill(small_disk.parent, leave=rng.randrange(0, 200_000))

        number = until_full(database, number)

        assert ballast.spent
        # All deliveries that were begun came to their end: it is a new one that was refused.
        assert number % LENGTH == 0
        assert database.read(kept) == number
        database.close()
        filler.unlink()
    assert Database.open(small_disk).read(kept) == number


def test_without_ballast_a_full_disk_leaves_a_delivery_in_the_middle(small_disk: Path) -> None:
    """The control: what the ballast is there for."""
    Ballast.beside(small_disk).path.unlink()
    database = Database.open(small_disk)
    tell(database, 1)
    fill(small_disk.parent, leave=0)
    number = until_full(database, 1)
    assert number % LENGTH != 0
    assert database.read(kept) == number
    database.close()


def test_a_robot_starts_on_a_full_disk_and_gives_its_ballast_for_it(small_disk: Path) -> None:
    fill(small_disk.parent, leave=0)
    database = Database.open(small_disk)
    assert Ballast.beside(small_disk).spent
    assert database.read(kept) == 0
    with pytest.raises(StorageFullError):
        tell(database, 1)
    database.close()


def test_a_full_disk_without_ballast_is_said_at_the_start(small_disk: Path) -> None:
    Ballast.beside(small_disk).path.unlink()
    fill(small_disk.parent, leave=0)
    with pytest.raises(SetupError, match=r"full.*Make room"):
        Database.open(small_disk)


def test_room_makes_all_well_again_within_five_seconds(small_disk: Path) -> None:
    database = Database.open(small_disk)
    filler = fill(small_disk.parent, leave=0)
    keeper = Keeper(load(small_disk.parent), database)
    number = until_full(database, 0)
    keeper.tick()
    with pytest.raises(StorageFullError):
        tell(database, number + 1)

    filler.unlink()
    keeper.tick()

    tell(database, number + 1)
    assert TICK_S < 5
    assert not Ballast.beside(small_disk).spent
    database.close()
