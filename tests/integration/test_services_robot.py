"""Orders to the robot, its switches, its places, and the gate's journal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from edge.domain.errors import ConflictError, NotFoundError, UnknownWaypointError, ValidationError
from edge.domain.robots import CommandStatus, CommandType, LastPose, RobotCommand
from edge.domain.tasks import TaskType
from edge.domain.waypoints import Lane, WaypointKind
from edge.services import places, robot, tasks, whereabouts
from edge.services.robot import RobotState
from tests.support.store import LANES, WAYPOINTS, Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def go_to(library: Library, expires_at: str | None = None) -> RobotCommand:
    return library.do(
        lambda tx: robot.order(tx, CommandType.GO_TO, {"location": "DESK-1"}, expires_at=expires_at)
    )


def test_orders_are_taken_in_turn_and_answered_once(library: Library) -> None:
    first, second = go_to(library), go_to(library)
    taken = library.do(robot.next_command)
    assert taken is not None
    assert (taken.id, taken.status) == (first.id, CommandStatus.RUNNING)
    result = {"reason": "BLOCKED"}
    library.do(lambda tx: robot.finish_command(tx, first.id, CommandStatus.FAILED, result))
    done = library.see(lambda reader: robot.get_command(reader, first.id))
    assert (done.status, done.result) == (CommandStatus.FAILED, result)
    with pytest.raises(ConflictError):
        library.do(lambda tx: robot.finish_command(tx, first.id, CommandStatus.DONE))
    taken = library.do(robot.next_command)
    assert taken is not None and taken.id == second.id
    assert library.do(robot.next_command) is None


def test_an_order_that_comes_too_late_is_never_begun(library: Library) -> None:
    late = go_to(library, "2026-01-01T00:00:01Z")
    library.clock.advance(1)
    assert library.do(robot.next_command) is None
    seen = library.see(lambda reader: robot.get_command(reader, late.id))
    assert seen.status is CommandStatus.EXPIRED and seen.finished_at is not None


@pytest.mark.parametrize("kind", [CommandType.GO_TO, CommandType.DOCK])
def test_an_order_to_move_that_lay_while_ros_was_away_is_not_begun_at_its_start(
    library: Library, kind: CommandType
) -> None:
    old = library.do(lambda tx: robot.order(tx, kind, {"location": "DESK-1"}))
    library.clock.advance(robot.START_WITHIN_S)
    library.do(robot.abandon_commands)
    assert library.do(robot.next_command) is None
    found = library.see(lambda reader: robot.get_command(reader, old.id))
    assert found.status is CommandStatus.EXPIRED


def test_an_order_that_starts_no_motion_has_no_limit(library: Library) -> None:
    pose = {"x": 1.0, "y": 2.0, "theta": 0.0}
    order = library.do(lambda tx: robot.order(tx, CommandType.INITIAL_POSE, pose))
    assert order.expires_at is None


def test_what_ran_when_the_robot_restarted_has_failed(library: Library) -> None:
    running, waiting = go_to(library), go_to(library)
    library.do(robot.next_command)
    assert library.do(robot.abandon_commands) == 1
    seen = library.see(lambda reader: robot.get_command(reader, running.id))
    assert (seen.status, seen.result) == (CommandStatus.FAILED, {"reason": "RESTARTED"})
    taken = library.do(robot.next_command)
    assert taken is not None and taken.id == waiting.id


def test_pause_and_maintenance_are_remembered(library: Library) -> None:
    assert library.see(robot.get_state) == RobotState(paused=False, maintenance=False)
    library.do(robot.pause)
    library.do(robot.pause)
    library.do(lambda tx: robot.set_maintenance(tx, True))
    assert library.see(robot.get_state) == RobotState(paused=True, maintenance=True)
    assert library.events().count("robot.changed") == 2


def test_the_gates_journal_is_taken_over_once(library: Library) -> None:
    journal: list[dict[str, object]] = [
        {"id": "a", "kind": "STOP", "event_id": "e", "at": 1767225600.5, "source": "BUTTON"},
        {"id": "b", "kind": "RESET", "event_id": "e", "at": 1767225660.0, "who": "grace"},
        {"id": "c", "kind": "HOLD", "event_id": None, "at": 1767225700.0, "cause": "LINK_LOST"},
    ]
    rubbish: list[dict[str, object]] = [{}, {"id": "d"}, {"id": "e", "kind": "STOP", "at": "now"}]
    assert library.do(lambda tx: robot.import_stop_events(tx, journal + rubbish)) == 3
    assert library.do(lambda tx: robot.import_stop_events(tx, journal)) == 0
    newest = library.see(robot.list_stop_events)
    assert [event.kind for event in newest] == ["HOLD", "RESET", "STOP"]
    assert newest[2].at == "2026-01-01T00:00:00.500Z"
    assert newest[2].data == {"source": "BUTTON"}
    assert library.events().count("stop.recorded") == 3


def test_what_has_just_happened_is_written_down_with_its_place(library: Library) -> None:
    place = LastPose((1.5, 2.0, 0.5), (0.0, 0.0, 0.0))
    library.do(lambda tx: whereabouts.remember_pose(tx, place))
    now = datetime.fromisoformat(library.do(lambda tx: tx.now)).timestamp()
    journal: list[dict[str, object]] = [
        {"id": "old", "kind": "STOP", "event_id": "e", "at": now - 60, "source": "BUTTON"},
        {"id": "new", "kind": "STOP", "event_id": "f", "at": now, "source": "BUTTON"},
    ]
    library.do(lambda tx: robot.import_stop_events(tx, journal))
    newest, oldest = library.see(robot.list_stop_events)
    assert newest.data["pose"] == [1.5, 2.0, 0.5]
    assert "pose" not in oldest.data


def test_a_site_can_be_loaded_again(library: Library) -> None:
    library.do(lambda tx: places.load_site(tx, WAYPOINTS, LANES))
    assert library.see(places.waypoints) == list(WAYPOINTS)
    assert library.see(places.lanes) == list(LANES)
    desks = library.see(lambda reader: places.waypoints(reader, WaypointKind.DESK))
    assert [desk.location_code for desk in desks] == ["DESK-1", "DESK-2"]


def test_a_place_that_is_closed_is_no_place(library: Library) -> None:
    room = library.see(lambda reader: places.find(reader, "ROOM-101"))
    library.do(lambda tx: places.update_waypoint(tx, replace(room, is_active=False), version=1))
    with pytest.raises(UnknownWaypointError):
        library.see(lambda reader: places.find(reader, "ROOM-101"))


def test_a_code_stands_on_one_sign(library: Library) -> None:
    room = library.see(lambda reader: places.find(reader, "ROOM-101"))
    with pytest.raises(ConflictError):
        library.do(
            lambda tx: places.add_waypoint(tx, replace(room, id="new", location_code="room-102"))
        )


def test_a_stale_change_of_a_place_is_refused(library: Library) -> None:
    room = library.see(lambda reader: places.find(reader, "ROOM-101"))
    library.do(lambda tx: places.update_waypoint(tx, replace(room, theta=1.0), version=1))
    assert library.see(lambda reader: places.get(reader, room.id)).version == 2
    with pytest.raises(ConflictError):
        library.do(lambda tx: places.update_waypoint(tx, replace(room, theta=2.0), version=1))


def test_a_place_with_an_open_task_stays(library: Library) -> None:
    made = library.do(
        lambda tx: tasks.create_transfer(
            tx,
            task_type=TaskType.TRANSFER,
            source_location="DESK-1",
            destination_location="DESK-2",
        )
    )
    with pytest.raises(ConflictError):
        library.do(lambda tx: places.delete_waypoint(tx, "desk-1"))
    library.do(lambda tx: tasks.cancel(tx, made.id))
    library.do(lambda tx: places.delete_waypoint(tx, "desk-1"))
    with pytest.raises(NotFoundError):
        library.see(lambda reader: places.get(reader, "desk-1"))
    assert library.see(places.lanes) == []


def test_lanes_begin_and_end_at_waypoints(library: Library) -> None:
    with pytest.raises(ValidationError):
        library.do(lambda tx: places.set_lanes(tx, [Lane("l", "desk-1", "nowhere", 1.0, 1.0, 0.5)]))
    assert library.see(places.lanes) == list(LANES)
