"""Commands by MQTT: each is answered, none is done twice or late, and none moves a robot that is stopped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from edge.domain.robots import CommandStatus, CommandType, RobotCommand
from edge.domain.stops import MotionState, StopSource
from edge.domain.tasks import Priority, TaskStatus
from edge.services import audit, robot, tasks
from firmware_bridge.sockets import GateState, StateWatcher
from sync.wire.envelope import Answer, AnswerStatus
from tests.support import gates
from tests.support.broker import Probe
from tests.support.gates import gate, reset
from tests.support.site import Site, site, wait_for


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "robot") as made:
        yield made


@pytest.fixture
def integrator(here: Site) -> Probe:
    """Connected after sync has subscribed, so that nothing it sends can be missed."""
    watcher = here.probe()
    here.start_sync()
    watcher.wait_message(here.topics.connection)
    return watcher


def command(kind: str, seconds: float = 60, **params: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "command_id": str(uuid4()),
        "type": kind,
        "issued_at": now.isoformat(),
        "expires_at": (now + timedelta(seconds=seconds)).isoformat(),
        "issuer": "desk@library",
        "params": params,
    }


def send(here: Site, integrator: Probe, order: dict[str, Any], *, answers: int = 1) -> list[Answer]:
    """Send a command; its answers, as many as are expected on top of those before."""

    def found(me: Probe) -> list[Answer]:
        said = map(Answer.model_validate_json, me.payloads(here.topics.commands_ack))
        return [answer for answer in said if answer.command_id == order["command_id"]]

    before = len(found(integrator))
    integrator.publish(here.topics.commands, orjson.dumps(order))
    integrator.wait_for(lambda me: len(found(me)) >= before + answers, f"{answers} answers")
    return found(integrator)[before:]


def statuses(answers: list[Answer]) -> list[AnswerStatus]:
    return [answer.status for answer in answers]


def gate_state(here: Site, state: MotionState) -> GateState:
    watcher = StateWatcher(here.data_dir / "run")
    assert watcher.connect()

    def look() -> GateState | None:
        found = watcher.receive()
        return found if found is not None and found.state is state else None

    try:
        return wait_for(look, f"the gate to be {state}")
    finally:
        watcher.close()


def test_a_task_is_queued_and_changed_and_cancelled(here: Site, integrator: Probe) -> None:
    trip = {
        "task_type": "TRANSFER",
        "source_location": "DESK-1",
        "destination_location": "ROOM-102",
    }
    accepted, done = send(here, integrator, command("enqueue_task", 60, **trip), answers=2)
    assert statuses([accepted, done]) == [AnswerStatus.ACCEPTED, AnswerStatus.DONE]
    task_id = done.result["task_id"]
    assert here.library.task(task_id).status is TaskStatus.QUEUED

    send(here, integrator, command("set_priority", task_id=task_id, priority="URGENT"), answers=2)
    assert here.library.task(task_id).priority is Priority.URGENT

    send(here, integrator, command("cancel_task", task_id=task_id), answers=2)
    assert here.library.task(task_id).status is TaskStatus.CANCELLED


def test_a_time_without_a_zone_is_the_librarys(
    here: Site, integrator: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    trip = {
        "task_type": "TRANSFER",
        "source_location": "DESK-1",
        "destination_location": "ROOM-102",
        "not_before": "2099-07-01T09:30",
    }
    _, done = send(here, integrator, command("enqueue_task", 60, **trip), answers=2)
    assert here.library.task(done.result["task_id"]).not_before == "2099-07-01T07:30:00.000Z"
    (refused,) = send(
        here, integrator, command("enqueue_task", 60, **trip | {"not_before": "soon"})
    )
    assert (refused.status, refused.code) == (AnswerStatus.REJECTED, "VALIDATION_ERROR")


def test_a_command_that_comes_twice_is_done_once(here: Site, integrator: Probe) -> None:
    trip = {
        "task_type": "TRANSFER",
        "source_location": "DESK-1",
        "destination_location": "ROOM-102",
    }
    order = command("enqueue_task", 60, **trip)
    _, done = send(here, integrator, order, answers=2)

    (again,) = send(here, integrator, order)

    assert again.status is AnswerStatus.DUPLICATE
    assert again.first is not None and again.first["result"] == done.result
    assert len(here.library.see(tasks.queue)) == 1


def test_a_command_is_remembered_over_a_restart(here: Site, integrator: Probe) -> None:
    order = command("pause")
    send(here, integrator, order, answers=2)
    here.kill_sync()
    here.start_sync()

    assert statuses(send(here, integrator, order)) == [AnswerStatus.DUPLICATE]


def test_a_late_command_is_refused_and_written_down(here: Site, integrator: Probe) -> None:
    (answer,) = send(here, integrator, command("pause", seconds=-1))

    assert answer.status is AnswerStatus.EXPIRED
    assert not here.library.see(robot.get_state).paused
    found = here.library.see(lambda r: audit.list_entries(r, action="remote.expired"))
    assert [entry.entity_id for entry in found.items] == [answer.command_id]


@pytest.mark.parametrize(
    ("kind", "params", "code"),
    [
        ("fly", {}, "VALIDATION_ERROR"),
        ("set_config", {}, "VALIDATION_ERROR"),
        ("enqueue_task", {}, "VALIDATION_ERROR"),
        ("enqueue_task", {"task_type": "STUDENT_DELIVERY"}, "VALIDATION_ERROR"),
        ("cancel_task", {"task_id": "nobody"}, "NOT_FOUND"),
        ("go_to_waypoint", {"waypoint": "ROOM-101"}, "ROBOT_STOPPED"),
        ("dock", {}, "ROBOT_STOPPED"),
        ("resume", {}, "ROBOT_STOPPED"),
    ],
)
def test_what_is_not_possible_is_rejected_with_a_reason(
    here: Site, integrator: Probe, kind: str, params: dict[str, Any], code: str
) -> None:
    (answer,) = send(here, integrator, command(kind, **params))

    assert (answer.status, answer.code) == (AnswerStatus.REJECTED, code)
    assert answer.reason


def test_rubbish_with_an_id_gets_an_answer_too(here: Site, integrator: Probe) -> None:
    (answer,) = send(here, integrator, {"command_id": "c-1", "type": "pause"})

    assert (answer.status, answer.code) == (AnswerStatus.REJECTED, "MALFORMED")


def test_the_end_of_a_drive_is_the_commands_answer_also_after_a_restart(
    here: Site, integrator: Probe
) -> None:
    with gate(here.data_dir):
        wait_for_gate(here, integrator)
        order = command("go_to_waypoint", waypoint="room 101")
        assert statuses(send(here, integrator, order)) == [AnswerStatus.ACCEPTED]
        here.kill_sync()

        drive = claim(here)
        assert drive is not None and drive.type is CommandType.GO_TO
        assert drive.params == {"location": "ROOM-101"}
        here.library.do(lambda tx: robot.finish_command(tx, drive.id, CommandStatus.DONE))
        here.start_sync()

        integrator.wait_for(
            lambda me: any(
                Answer.model_validate_json(said).status is AnswerStatus.DONE
                for said in me.payloads(here.topics.commands_ack)
            ),
            "the drive's end",
        )


def claim(here: Site) -> RobotCommand | None:
    return here.library.do(robot.next_command)


def wait_for_gate(here: Site, integrator: Probe) -> None:
    """Until sync sees the gate: while it does not, it lets nothing move."""
    integrator.wait_for(
        lambda me: b"GATE_SILENT" not in (me.payloads(here.topics.state) or [b"GATE_SILENT"])[-1],
        "sync to see the gate",
    )


def test_an_emergency_stop_goes_to_the_gate_even_when_late_and_counts_once(
    here: Site, integrator: Probe
) -> None:
    with gate(here.data_dir):
        order = command("emergency_stop", seconds=-3600, reason="smoke")
        accepted, done = send(here, integrator, order, answers=2)
        assert statuses([accepted, done]) == [AnswerStatus.ACCEPTED, AnswerStatus.DONE]
        state = gate_state(here, MotionState.LATCHED)
        assert (state.source, state.reason) == (StopSource.MQTT, "smoke")
        assert "desk@library" in (state.who or "")
        assert state.event_id == done.result["event_id"]

        reset(here.data_dir / "run", done.result["event_id"])
        assert statuses(send(here, integrator, order)) == [AnswerStatus.DUPLICATE]
        gate_state(here, MotionState.RESET)


@pytest.mark.parametrize("kind", ["go_to_waypoint", "dock"])
def test_nothing_from_afar_drives_a_robot_under_maintenance(
    here: Site, integrator: Probe, kind: str
) -> None:
    with gate(here.data_dir):
        wait_for_gate(here, integrator)
        here.library.do(lambda tx: robot.set_maintenance(tx, True))

        (answer,) = send(here, integrator, command(kind, waypoint="ROOM-101"))

        assert (answer.status, answer.code) == (AnswerStatus.REJECTED, "MAINTENANCE")
    assert claim(here) is None


def test_while_the_gate_is_away_nobody_is_told_that_no_stop_is_active(
    here: Site, integrator: Probe
) -> None:
    integrator.wait_message(here.topics.state)

    told = orjson.loads(integrator.payloads(here.topics.state)[-1])

    assert told["emergency_stop"]["active"] is None
    with gate(here.data_dir):
        integrator.wait_for(
            lambda me: b'"active":false' in me.payloads(here.topics.state)[-1],
            "the gate's word that nothing is stopped",
        )


def test_an_emergency_stop_that_the_gate_does_not_confirm_says_so(
    here: Site, integrator: Probe
) -> None:
    answers = send(here, integrator, command("emergency_stop"), answers=2)

    assert statuses(answers) == [AnswerStatus.ACCEPTED, AnswerStatus.FAILED]
    assert answers[1].code == "GATE_UNAVAILABLE"


def test_nothing_from_afar_moves_a_robot_after_a_stop_nor_after_its_reset(
    here: Site, integrator: Probe
) -> None:
    with gate(here.data_dir):
        wait_for_gate(here, integrator)
        stop = gates.stop(here.data_dir / "run", source=StopSource.API, who="test", reason="test")
        for expected in (MotionState.LATCHED, MotionState.RESET):
            gate_state(here, expected)
            integrator.wait_for(
                lambda me: b'"active":true' in me.payloads(here.topics.state)[-1],
                "the stop in the state",
            )
            for kind in ("resume", "dock"):
                (answer,) = send(here, integrator, command(kind))
                assert (answer.status, answer.code) == (AnswerStatus.REJECTED, "ROBOT_STOPPED")
            if expected is MotionState.LATCHED:
                reset(here.data_dir / "run", stop.event_id)
        gate_state(here, MotionState.RESET)
    assert claim(here) is None
