"""The first of the queue, looked up by an index, are the first by the rule."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge.clock import ManualClock
from edge.domain.queue_order import AGEING_S, turn
from edge.domain.tasks import Priority, Task
from edge.domain.times import later
from edge.domain.users import SYSTEM
from edge.store.database import Database, Reader, Transaction, create, timestamp
from edge.store.tasks import Tasks

MINUTES = (0, 0, 1, 29, 30, 31, 59, 60, 61, 89, 90, 91, 500)
CLOCK = ManualClock()
NOW = timestamp(CLOCK)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    create(tmp_path / "luna.db", clock=CLOCK)
    database = Database.open(tmp_path / "luna.db", clock=CLOCK)
    yield database
    database.close()


def put(
    tx: Transaction, name: str, priority: Priority, created_at: str, **more: str | None
) -> None:
    tx.insert(
        "task",
        id=name,
        task_type="TRANSFER",
        priority=priority,
        source_location="",
        destination_location="",
        created_at=created_at,
        phase_since="",
        **{"phase": "QUEUED", **more},
    )


def first(reader: Reader, some: int) -> list[Task]:
    return Tasks(reader).ready(some)


def some_queue(tx: Transaction, rng: random.Random) -> None:
    """Of a few ages, deadlines and times to wait for; also from after now, before the clock was set back."""
    for number in range(rng.choice((0, 1, 3, 30))):
        created_at = later(
            NOW, rng.choice((-60, -60, -60, -60.001, -59.999, 60)) * rng.choice(MINUTES)
        )
        put(
            tx,
            f"{number}",
            rng.choice(list(Priority)),
            created_at,
            deadline=rng.choice((None, None, later(NOW, 60 * rng.randrange(9)))),
            not_before=rng.choice((None, None, later(NOW, 60 * rng.randrange(-99, 9)), NOW)),
            phase=rng.choice(("QUEUED",) * 5 + ("COMPLETED",)),
        )


@pytest.mark.parametrize("seed", range(5))
def test_the_first_by_the_index_are_the_first_by_the_rule(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        database.write(SYSTEM, lambda tx: tx.execute("DELETE FROM task"))
        database.write(SYSTEM, lambda tx: some_queue(tx, rng))
        for some in (1, 4):
            ready = database.read(partial(first, some=some))
            waiting = database.read(lambda reader: Tasks(reader).waiting())
            by_turn = sorted(waiting, key=lambda task: turn(task, NOW))
            expected = [task for task in by_turn if (task.not_before or "") <= NOW][:some]
            assert sorted(ready, key=lambda task: turn(task, NOW))[:some] == expected


@pytest.mark.parametrize(
    "more",
    [{}, {"deadline": later(NOW, 3600)}, {"not_before": later(NOW, 3600)}],
    ids=["as they came", "with deadlines", "for later"],
)
@pytest.mark.parametrize("age_s", [0, 3 * AGEING_S])
def test_a_long_queue_is_not_read_to_its_end(
    database: Database, more: dict[str, str], age_s: float
) -> None:
    def fill(tx: Transaction, count: int) -> None:
        for number in range(count):
            put(tx, f"{count} {number}", Priority.NORMAL, later(NOW, -age_s), **more)

    database.write(SYSTEM, lambda tx: fill(tx, 10))
    few = database.read(steps)
    database.write(SYSTEM, lambda tx: fill(tx, 2000))
    assert database.read(steps) <= few + 20


def steps(reader: Reader) -> int:
    """How many instructions SQLite's machine ran for it."""
    ran = 0

    def count() -> int:
        nonlocal ran
        ran += 1
        return 0

    reader.connection.set_progress_handler(count, 1)
    Tasks(reader).ready()
    reader.connection.set_progress_handler(None, 1)
    return ran
