"""What central makes of the robots' batches, in a real file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from central import catalogue, inbox, tables
from central.store import Store
from sync.wire.envelope import Ack

STREAM = "luna-01:1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "central.db")
    yield opened
    opened.close()


def event(
    seq: int, entity: str = "book", entity_id: str = "b1", kind: str = "", **data: Any
) -> dict[str, Any]:
    return {
        "stream": STREAM,
        "seq": seq,
        "id": f"event-{seq}",
        "type": kind or f"{entity}.changed",
        "entity": entity,
        "entity_id": entity_id,
        "hlc": f"17000000000{seq:02d}-000000",
        "origin": "luna-01",
        "actor": "system",
        "schema": 1,
        "data": data,
    }


def apply(store: Store, *events: dict[str, Any], stream: str = STREAM) -> Ack:
    with store.transaction() as tx:
        return inbox.apply_batch(tx, "luna-01", stream, list(events))


def book(store: Store) -> dict[str, Any]:
    with store.transaction() as tx:
        return catalogue.get(tx, "book", "b1")


def ledger(store: Store) -> int:
    with store.transaction() as tx:
        return int(tx.execute(select(func.count()).select_from(tables.event)).scalar_one())


def test_events_are_applied_in_order_and_confirmed(store: Store) -> None:
    ack = apply(store, event(1, title="Emma"), event(2, title="Emma, 2nd edition"))

    assert (ack.stream, ack.through, ack.rejected) == (STREAM, 2, [])
    assert book(store)["title"] == "Emma, 2nd edition"


def test_a_batch_that_comes_again_changes_nothing(store: Store) -> None:
    batch = [event(1, title="Emma"), event(2, title="Persuasion")]
    apply(store, *batch)

    assert apply(store, *batch).through == 2
    assert apply(store, batch[0]).through == 2
    assert book(store)["title"] == "Persuasion"
    assert ledger(store) == 2


def test_nothing_behind_a_gap_is_applied(store: Store) -> None:
    assert apply(store, event(1, title="Emma"), event(3, title="Persuasion")).through == 1
    assert book(store)["title"] == "Emma"


def test_an_event_that_cannot_be_applied_is_parked_and_holds_up_nobody(store: Store) -> None:
    wrong = [
        event(1, entity="balloon"),
        event(2) | {"hlc": "yesterday"},
        {"stream": STREAM, "seq": 3},
        event(4) | {"data": "text"},
    ]

    ack = apply(store, *wrong, event(5, title="Emma"))

    assert ack.through == 5
    assert [rejected.seq for rejected in ack.rejected] == [1, 2, 3, 4]
    assert book(store)["title"] == "Emma"


def test_a_parked_event_that_comes_again_is_parked_once(store: Store) -> None:
    apply(store, event(1, entity="balloon"))

    assert apply(store, event(1, entity="balloon")).rejected == []


def test_streams_are_counted_apart(store: Store) -> None:
    apply(store, event(1, title="Emma"))
    other = event(1, title="Emma, told anew") | {"stream": "luna-01:2", "id": "other"}

    assert apply(store, other, stream="luna-01:2").through == 1
    assert book(store)["title"] == "Emma, told anew"


def test_unknown_fields_of_a_record_are_kept(store: Store) -> None:
    apply(store, event(1, title="Emma", of_tomorrow=[1, 2]))

    assert book(store)["of_tomorrow"] == [1, 2]


def test_a_deleted_record_is_gone_from_lists(store: Store) -> None:
    apply(store, event(1, title="Emma"), event(2, kind="book.deleted"))

    with store.transaction() as tx:
        assert catalogue.page(tx, "book", page=1, limit=10) == ([], 0)


def test_all_is_there_after_the_file_is_opened_again(store: Store, tmp_path: Path) -> None:
    apply(store, event(1, title="Emma"))
    store.close()

    again = Store(tmp_path / "central.db")

    assert apply(again, event(1, title="Emma"), event(2, title="Persuasion")).through == 2
    assert book(again)["title"] == "Persuasion"
    again.close()
