"""A store that is slow or broken: a stop from afar reaches the gate, sync lives, and nothing is lost or done twice."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from edge.domain.stops import MotionState
from edge.services import inbox, robot
from edge.store import sqlite
from sync.bridge import MAX_HELD
from sync.wire.envelope import Answer, AnswerStatus
from tests.integration.test_sync_commands import command, gate_state, send, statuses
from tests.support.broker import Probe
from tests.support.gates import gate, reset
from tests.support.site import Site, site, wait_for

BUSY_S = 5.0
"""So long a writer waits for a store that somebody else has locked."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "robot") as made, gate(made.data_dir):
        yield made


@pytest.fixture
def integrator(here: Site) -> Probe:
    watcher = here.probe()
    here.start_sync()
    watcher.wait_message(here.topics.connection)
    return watcher


@contextlib.contextmanager
def store(here: Site) -> Iterator[sqlite.Connection]:
    connection = sqlite.connect(str(here.data_dir / "luna.db"))
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def broken(here: Site) -> Iterator[None]:
    """A store in which no command can be written down."""
    with store(here) as connection:
        connection.execute("ALTER TABLE remote_command RENAME TO mislaid")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE mislaid RENAME TO remote_command")


def answers(here: Site, integrator: Probe) -> list[Answer]:
    return [
        Answer.model_validate_json(one) for one in integrator.payloads(here.topics.commands_ack)
    ]


def test_a_stop_does_not_wait_for_a_store_that_is_locked(here: Site, integrator: Probe) -> None:
    with store(here) as connection:
        connection.execute("BEGIN IMMEDIATE")
        began = time.monotonic()

        done = send(here, integrator, command("emergency_stop"), answers=2)

        assert time.monotonic() - began < BUSY_S
        assert statuses(done) == [AnswerStatus.ACCEPTED, AnswerStatus.DONE]
        gate_state(here, MotionState.LATCHED)


def test_a_stop_overtakes_a_command_that_waits_for_the_store(here: Site, integrator: Probe) -> None:
    with store(here) as connection:
        connection.execute("BEGIN IMMEDIATE")
        send(here, integrator, command("pause"), answers=0)
        began = time.monotonic()
        send(here, integrator, command("emergency_stop", reason="smoke"), answers=0)
        state = gate_state(here, MotionState.LATCHED)
        assert time.monotonic() - began < BUSY_S
    assert state.reason == "smoke"
    done = {AnswerStatus.ACCEPTED, AnswerStatus.DONE}
    integrator.wait_for(lambda me: done <= set(statuses(answers(here, me))), "the stop's answer")


def test_a_stop_that_could_not_be_written_is_known_nevertheless_and_written_later(
    here: Site, integrator: Probe
) -> None:
    order = command("emergency_stop")
    with broken(here):
        _, done = send(here, integrator, order, answers=2)
        assert done.status is AnswerStatus.DONE
        reset(here.data_dir / "run", done.result["event_id"])

        assert statuses(send(here, integrator, order)) == [AnswerStatus.DUPLICATE]
        gate_state(here, MotionState.RESET)

    here.library.do(robot.pause)  # something changes, and sync looks after its affairs
    written = wait_for(
        lambda: here.library.see(lambda r: inbox.first_answer(r, order["command_id"])),
        "the stop to be written down",
    )
    assert written["status"] == AnswerStatus.DONE


def test_a_command_waits_for_a_broken_store_and_is_then_done_once(
    here: Site, integrator: Probe
) -> None:
    order = command("pause")
    with broken(here):
        integrator.publish(here.topics.commands, orjson.dumps(order))
        assert statuses(send(here, integrator, command("emergency_stop"), answers=2)) == [
            AnswerStatus.ACCEPTED,
            AnswerStatus.DONE,
        ]
        assert not here.library.see(robot.get_state).paused

    wait_for(lambda: here.library.see(robot.get_state).paused, "the pause")
    mine = [one for one in answers(here, integrator) if one.command_id == order["command_id"]]
    assert AnswerStatus.DUPLICATE not in statuses(mine)


def test_however_many_commands_wait_for_the_store_a_stop_comes_through(
    here: Site, integrator: Probe
) -> None:
    with broken(here):
        for _ in range(3 * MAX_HELD):
            integrator.publish(here.topics.commands, orjson.dumps(command("pause")))

        done = send(here, integrator, command("emergency_stop"), answers=2)

        assert statuses(done) == [AnswerStatus.ACCEPTED, AnswerStatus.DONE]
        refused = [one for one in answers(here, integrator) if one.status is AnswerStatus.REJECTED]
        assert len(refused) == 2 * MAX_HELD
