"""A byte on the disk is another: it is noticed, or what the robot drives by is still what was written."""

import random
import shutil
from pathlib import Path

import pytest

from edge.domain.errors import LunaError
from edge.store import examination, seal
from edge.store.database import Database, Reader
from tests.durability.conftest import Counts
from tests.durability.story import tell

pytestmark = pytest.mark.timeout(600)


PAGE = 4096


def driven_by(reader: Reader) -> list[tuple[object, ...]]:
    return [
        tuple(row)
        for table in seal.SEALED
        for row in reader.rows(f"SELECT * FROM {table} ORDER BY id")
    ]


def look(store: Path, wanted: list[tuple[object, ...]]) -> str:
    """What a start finds, and the examination that follows."""
    try:
        database = Database.open(store)
    except LunaError:
        return "noticed at the start"
    try:
        found = database.read(driven_by)
    except LunaError:
        return "noticed when read"
    finally:
        database.close()
    if found != wanted:
        return "driven by something else"
    return "noticed by the examination" if examination.problems(store) else "harmless"


def flipped(store: Path, place: Path, rng: random.Random) -> None:
    """A copy of the store at `place`, one bit of the file or of its log another."""
    for path in store.parent.glob(f"{store.name}*"):
        shutil.copy(path, place / path.name)
    files = [
        path for path in sorted(place.glob(f"{store.name}*")) if not path.name.endswith("-shm")
    ]
    file = rng.choice(files)
    content = bytearray(file.read_bytes())
    at = rng.randrange(len(content))
    if rng.random() < 0.5:  # in the head of a page, where a page is told from rubbish
        at -= at % PAGE - rng.randrange(32)
    content[min(at, len(content) - 1)] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def with_log(store: Path, place: Path) -> Path:
    """A copy of the store as it is while it is in use: with a log."""
    database = Database.open(store)
    wanted = 20
    for number in range(1, wanted):
        tell(database, number)
    for path in store.parent.glob(f"{store.name}*"):
        shutil.copy(path, place / path.name)
    database.close()
    assert (place / f"{store.name}-wal").stat().st_size
    return place / store.name


def test_a_flipped_bit_is_noticed_or_does_no_harm(store: Path, fast: Path, counts: Counts) -> None:
    rng = random.Random(3)
    (fast / "used").mkdir()
    used = with_log(store, fast / "used")
    wanted = Database.open(store).read(driven_by)
    found = []
    for number in range(counts.flips):
        place = fast / str(number)
        place.mkdir()
        flipped(used, place, rng)
        found.append(look(place / store.name, wanted))
    assert "driven by something else" not in found
    assert len({*found}) > 1, found


def test_another_width_of_a_lane_is_noticed(store: Path) -> None:
    """Not a page is broken: only the seal tells."""
    content = store.read_bytes()
    width = bytes.fromhex("3ff3333333333333")  # 1.2 m
    assert content.count(width) == 1
    store.write_bytes(content.replace(width, bytes.fromhex("3fe3333333333333")))
    with pytest.raises(LunaError, match="not what was written"):
        Database.open(store)
    assert examination.problems(store) == [examination.UNSEALED]


def test_a_damaged_store_is_not_opened_again_until_somebody_has_looked(store: Path) -> None:
    database = Database.open(store)
    database.refuse(["page 7 is not a page"])
    with pytest.raises(LunaError, match="page 7"):
        tell(database, 1)
    database.close()
    with pytest.raises(LunaError, match=r"page 7.*luna db"):
        Database.open(store)
    examination.mark(store, examination.problems(store))
    Database.open(store).close()
