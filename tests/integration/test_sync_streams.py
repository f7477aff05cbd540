"""A change on either side arrives at the other, once, whatever happens on the way."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from edge.domain.requests import RequestStatus
from edge.live import SOCKET_NAME, LiveServer
from edge.services import outbox, requests
from edge.store import sqlite
from edge.store.database import Reader
from sync.wire.envelope import Ack, Batch, Connection, Event, LinkState, State
from tests.support.broker import KINDS, Probe
from tests.support.site import Site, site, wait_for


@pytest.fixture(params=KINDS)
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "robot", request.param) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "robot") as made:
        yield made


def all_confirmed(here: Site) -> bool:
    """Whether central has said that it has committed all that the robot told."""

    def look(reader: Reader) -> bool:
        return outbox.cursor(reader, outbox.stream(reader), outbox.UP) == outbox.newest(reader)

    return here.library.see(look)


def ledger(here: Site) -> list[str]:
    """Ids of all events that central ever took, in order."""
    from sqlalchemy import create_engine, text

    engine = create_engine(f"sqlite:///{here.central.folder / 'central.db'}")
    with engine.connect() as connection:
        ids = [
            row[0] for row in connection.execute(text("SELECT id FROM event ORDER BY stream, seq"))
        ]
    engine.dispose()
    return ids


def told(here: Site) -> list[str]:
    """Ids of all events that the robot ever told, in order."""
    return [event.id for event in here.library.see(lambda r: outbox.pending(r, 0, 1_000_000))]


def test_what_the_robot_did_stands_at_central(any_site: Site) -> None:
    any_site.central.start()
    any_site.start_sync()

    wait_for(lambda: all_confirmed(any_site), "central to confirm everything")

    book = any_site.library.book
    assert any_site.central.get(f"/books/{book.id}")["title"] == "Emma"
    assert [copy["status"] for copy in any_site.central.get(f"/books/{book.id}/copies")] == [
        "AVAILABLE"
    ]
    assert any_site.central.count("/users") == 2
    assert ledger(any_site) == told(any_site)


def test_a_request_made_at_central_is_a_task_of_the_robot(any_site: Site) -> None:
    any_site.central.start()
    any_site.start_sync()
    wait_for(lambda: all_confirmed(any_site), "central to know the library")
    library = any_site.library

    wanted = {
        "book_id": library.book.id,
        "user_email": "ada@example.org",
        "request_location": "Room 101",
    }
    status, answer = any_site.central.call("POST", "/api/v1/requests", wanted)
    assert status == 201, answer
    request_id = answer["data"]["id"]

    def approved() -> bool:
        return bool(any_site.central.get(f"/requests/{request_id}")["status"] == "APPROVED")

    wait_for(approved, "the robot's approval to stand at central")
    made = library.see(lambda r: requests.get(r, request_id))
    assert made.status is RequestStatus.APPROVED
    assert library.task(made.task_id or "").destination_location == "ROOM-101"
    assert any_site.central.count("/deliveries") == 1
    assert any_site.central.count(f"/notifications?user_id={library.student.id}") == 1

    any_site.central.call("PUT", f"/api/v1/requests/{request_id}/cancel")
    wait_for(
        lambda: any_site.central.get(f"/requests/{request_id}")["status"] == "CANCELLED",
        "the cancellation to come back",
    )
    assert library.see(lambda r: requests.get(r, request_id)).status is RequestStatus.CANCELLED


def test_a_request_that_the_robot_cannot_take_ends_as_cancelled(here: Site) -> None:
    here.central.start()
    here.start_sync()
    wait_for(lambda: all_confirmed(here), "central to know the library")
    body = {
        "book_id": here.library.book.id,
        "user_id": here.library.student.id,
        "request_location": "DOCK-1",
    }

    status, answer = here.central.call("POST", "/api/v1/requests", body)
    assert status == 201, answer

    path = f"/requests/{answer['data']['id']}"
    wait_for(lambda: here.central.get(path)["status"] == "CANCELLED", "the robot's refusal")
    assert "UNKNOWN_WAYPOINT" in here.central.get(path)["refused"]


def test_offline_for_long_both_sides_end_up_the_same(here: Site) -> None:
    here.central.start()
    here.start_sync()
    wait_for(lambda: all_confirmed(here), "the first meeting")
    here.broker.kill()
    for number in range(300):
        here.library.add_book(f"Volume {number}")
    body = {
        "book_id": here.library.book.id,
        "user_id": here.library.student.id,
        "request_location": "ROOM-102",
    }
    assert here.central.call("POST", "/api/v1/requests", body)[0] == 201

    here.broker.start()

    wait_for(
        lambda: here.central.count("/requests?status=APPROVED") == 1, "the request to come back"
    )
    wait_for(lambda: all_confirmed(here), "everything to be confirmed")
    assert here.central.count("/books") == 301
    assert ledger(here) == told(here)


def test_a_sync_process_killed_between_sending_and_acknowledgement_loses_and_doubles_nothing(
    here: Site,
) -> None:
    watcher = here.probe()
    for round_number in range(3):
        here.library.add_book(f"Round {round_number}")
        seen = len(watcher.payloads(here.topics.events_up))
        here.start_sync()
        # Central is away, so nothing can be acknowledged: it dies with all of it in flight.
        watcher.wait_for(lambda me, n=seen: len(me.payloads(here.topics.events_up)) > n, "a batch")  # type: ignore[misc]
        here.kill_sync()

    here.central.start()
    here.start_sync()

    wait_for(lambda: all_confirmed(here), "everything to be confirmed")
    assert ledger(here) == told(here)


def test_central_killed_at_any_moment_takes_each_event_once(here: Site) -> None:
    here.start_sync()
    for _ in range(3):
        for number in range(40):
            here.library.add_book(f"Volume {number}")
        here.central.start()
        wait_for(lambda: here.central.count("/books") > 0, "a first batch")
        here.central.stop(signal.SIGKILL)

    here.central.start()
    wait_for(lambda: all_confirmed(here), "everything to be confirmed", 40)
    assert ledger(here) == told(here)


def test_a_frozen_sync_process_goes_on_where_it_was(here: Site) -> None:
    here.central.start()
    here.start_sync()
    wait_for(lambda: all_confirmed(here), "the first meeting")
    os.kill(here.sync_pid, signal.SIGSTOP)
    here.library.add_book("Told while frozen")
    os.kill(here.sync_pid, signal.SIGCONT)

    wait_for(lambda: all_confirmed(here), "everything to be confirmed")
    assert ledger(here) == told(here)


def test_a_batch_that_comes_again_changes_nothing_and_is_confirmed_again(here: Site) -> None:
    here.start_sync()
    central = here.probe("central", subscriptions=[("luna/#", 1)])
    central.wait_message(here.topics.connection)
    event = Event(
        stream="central:1:luna-test",
        seq=1,
        id="0190-1",
        type="request.created",
        entity="request",
        entity_id="r1",
        hlc="1700000000000-000000",
        origin="central",
        actor="admin",
        schema_version=1,
        data={
            "id": "r1",
            "user_id": here.library.student.id,
            "book_id": here.library.book.id,
            "request_location": "ROOM-101",
        },
    )
    batch = Batch(batch_id="b1", events=[event.model_dump(mode="json")]).to_json()

    central.publish(here.topics.events_down, batch)
    first = Ack.model_validate_json(central.wait_message(here.topics.events_down_ack))
    tasks_before = here.library.see(lambda r: r.value("SELECT count(*) FROM task"))
    central.publish(here.topics.events_down, batch)
    central.wait_for(
        lambda me: len(me.payloads(here.topics.events_down_ack)) == 2, "a second confirmation"
    )

    again = Ack.model_validate_json(central.payloads(here.topics.events_down_ack)[-1])
    assert (first.through, again.through) == (1, 1)
    assert tasks_before == 1 == here.library.see(lambda r: r.value("SELECT count(*) FROM task"))


def test_a_gap_is_asked_for_again(here: Site) -> None:
    here.start_sync()
    central = here.probe("central", subscriptions=[("luna/#", 1)])
    central.wait_message(here.topics.connection)
    late = {
        "stream": "central:1:luna-test",
        "seq": 5,
        "id": "x",
        "type": "book.changed",
        "data": {},
    }

    central.publish(here.topics.events_down, orjson.dumps({"batch_id": "b", "events": [late]}))

    ack = Ack.model_validate_json(central.wait_message(here.topics.events_down_ack))
    assert ack.through == 0


def test_rubbish_from_the_broker_stops_nothing(here: Site) -> None:
    here.central.start()
    here.start_sync()
    central = here.probe("central", subscriptions=[("luna/#", 1)])
    for topic in (here.topics.events_down, here.topics.events_up_ack, here.topics.commands):
        for rubbish in (b"", b"\xff\x00", b"[]", b"{}", b'{"events":[{"seq":"x"}]}', b"7", b"null"):
            central.publish(topic, rubbish)

    here.library.add_book("After the rubbish")

    wait_for(lambda: all_confirmed(here), "everything to be confirmed")
    assert here.stop_sync() == 0


def test_the_robot_says_when_it_comes_and_when_it_goes(any_site: Site) -> None:
    watcher = any_site.probe()
    any_site.start_sync()
    online = Connection.model_validate_json(watcher.wait_message(any_site.topics.connection))
    assert online.state is LinkState.ONLINE
    assert online.up is not None and online.up.stream.startswith("luna-test:")
    state = State.model_validate_json(watcher.wait_message(any_site.topics.state))
    assert state.faults == ["GATE_SILENT", "ROS_SILENT"] or state.faults == [
        "ROS_SILENT",
        "GATE_SILENT",
    ]

    assert any_site.stop_sync() == 0

    watcher.wait_for(
        lambda me: (
            Connection.model_validate_json(me.payloads(any_site.topics.connection)[-1]).state
            is LinkState.OFFLINE
        ),
        "a goodbye",
    )


def test_alarms_and_a_lost_robot_stand_among_its_faults(here: Site) -> None:
    watcher = here.probe()
    here.start_sync()
    with contextlib.closing(LiveServer(here.data_dir / "run" / SOCKET_NAME)) as ros:
        ros.publish("robot", status="ERROR", localised=False, alarms=["BATTERY_LOW"])

        def told(me: Probe) -> bool:
            states = me.payloads(here.topics.state)
            faults = State.model_validate_json(states[-1]).faults if states else []
            return {"BATTERY_LOW", "LOST"} <= set(faults)

        watcher.wait_for(told, "the faults to be told")


def test_a_killed_robot_is_reported_by_its_last_will(here: Site) -> None:
    watcher = here.probe()
    here.start_sync()
    watcher.wait_message(here.topics.connection)

    here.kill_sync()

    watcher.wait_for(
        lambda me: (
            Connection.model_validate_json(me.payloads(here.topics.connection)[-1]).state
            is LinkState.CONNECTION_BROKEN
        ),
        "the last will",
    )


def test_a_broker_that_lost_its_state_costs_nothing(here: Site) -> None:
    here.central.start()
    here.start_sync()
    wait_for(lambda: all_confirmed(here), "the first meeting")
    here.broker.kill()
    (here.data_dir / "broker" / "mosquitto.db").unlink(missing_ok=True)
    here.library.add_book("While it was away")

    here.broker.start()

    wait_for(lambda: all_confirmed(here), "everything to be confirmed")
    assert ledger(here) == told(here)


def test_a_refusal_is_told_again_with_each_acknowledgement(here: Site) -> None:
    central = here.probe("central", subscriptions=[(here.topics.events_down_ack, 1)])
    here.start_sync()
    wrong = {"stream": "central:1", "seq": 1, "id": "e-1", "type": "nobody.knows", "data": {}}
    batch = orjson.dumps({"batch_id": "b-1", "events": [wrong]})

    def refusals() -> list[list[int]]:
        said = map(Ack.model_validate_json, central.payloads(here.topics.events_down_ack))
        return [[one.seq for one in ack.rejected] for ack in said]

    watcher = here.probe()
    watcher.wait_message(here.topics.connection)
    central.publish(here.topics.events_down, batch)
    central.wait_for(lambda _: len(refusals()) >= 1, "the acknowledgement")
    central.publish(here.topics.events_down, batch)
    central.wait_for(lambda _: len(refusals()) >= 2, "the acknowledgement of the same batch")
    here.kill_sync()
    here.start_sync()
    central.wait_for(lambda _: len(refusals()) >= 3, "the acknowledgement of a new connection")

    assert refusals() == [[1], [1], [1]]


def test_central_lives_through_a_store_that_takes_nothing_and_messages_it_cannot_take(
    here: Site,
) -> None:
    here.central.start()
    robot = here.probe("luna-test", password="robot-password", subscriptions=[])
    robot.publish(here.topics.events_down_ack, b'{"stream": "x", "through": 1, "rejected": 5}')
    connection = sqlite.connect(str(here.central.folder / "central.db"))
    connection.execute("ALTER TABLE event RENAME TO mislaid")
    here.start_sync()
    robot.publish(here.topics.state, b"{}")
    wait_for(lambda: here.central.get("/robots/luna-test"), "the robot's connection")
    connection.execute("ALTER TABLE mislaid RENAME TO event")
    connection.close()

    wait_for(lambda: all_confirmed(here), "central to confirm everything after all")
