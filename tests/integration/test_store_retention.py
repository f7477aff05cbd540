"""What is forgotten: what is old and over and told, a few rows at a time, whatever the clock does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.domain.tasks import Phase, TaskEvent, TaskType
from edge.services import outbox, tasks
from edge.store import retention
from edge.store.retention import Ages, forget
from tests.support.store import Library, small_library

DAY_S = 86_400.0
AGES = Ages()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as made:
        yield made


def deliver(library: Library, *, end: bool = True) -> str:
    task = library.do(
        lambda tx: tasks.create_transfer(
            tx,
            task_type=TaskType.INTER_STAFF,
            source_location="DESK-1",
            destination_location="DESK-2",
        )
    )
    if end:
        library.drive_to(task.id, Phase.WAITING_FOR_HANDOVER)
        library.happen(task.id, TaskEvent.HAND_OVER)
    return task.id


def tell_all(library: Library) -> None:
    newest = library.see(outbox.newest)
    library.do(lambda tx: outbox.acknowledge(tx, newest))


def days_pass(library: Library, days: float) -> dict[str, int]:
    """A run a day, as the keeper has it; what was removed in all."""
    removed: dict[str, int] = {}
    for _ in range(int(days)):
        library.clock.advance(DAY_S)
        for table, count in forget(library.database, AGES, clock=library.clock).items():
            removed[table] = removed.get(table, 0) + count
    return removed


def there(library: Library, table: str) -> int:
    return int(library.see(lambda reader: reader.value(f"SELECT COUNT(*) FROM {table}")))


def test_what_is_over_for_a_year_is_forgotten_and_what_goes_on_is_not(library: Library) -> None:
    finished, waiting = deliver(library), deliver(library, end=False)
    tell_all(library)
    forget(library.database, AGES, clock=library.clock)
    assert "task" not in days_pass(library, 364)
    assert days_pass(library, 2)["task"] == 1
    assert [task.id for task in library.see(tasks.queue)] == [waiting]
    assert finished != waiting
    assert there(library, "task_history") == 1
    assert there(library, "audit") > 0
    assert library.see(lambda r: r.rows("PRAGMA foreign_key_check")) == []


def test_nothing_goes_that_the_other_side_has_not_been_told(library: Library) -> None:
    deliver(library)
    forget(library.database, AGES, clock=library.clock)
    assert "task" not in days_pass(library, 370)
    tell_all(library)
    assert days_pass(library, 1)["task"] == 1


def test_a_clock_that_jumps_years_ahead_costs_no_history(library: Library) -> None:
    deliver(library)
    tell_all(library)
    forget(library.database, AGES, clock=library.clock)
    library.clock.jump(14 * 365 * DAY_S)
    assert "task" not in forget(library.database, AGES, clock=library.clock)
    library.clock.jump(-14 * 365 * DAY_S)
    assert "task" not in days_pass(library, 364)
    assert days_pass(library, 3)["task"] == 1


def test_many_rows_go_a_few_at_a_time(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    for _ in range(4):
        deliver(library)
    tell_all(library)
    forget(library.database, AGES, clock=library.clock)
    removed = days_pass(library, 366)
    assert removed["task"] == 4
    assert removed["task_history"] == 4 * 7
