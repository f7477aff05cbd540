"""The task runner on a driving robot: tasks of the real store, people played by the test."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.domain.tasks import Phase, Task, TaskType
from edge.domain.times import later
from edge.services import places, robot, tasks
from tests.support import gates
from tests.support.gates import reset
from tests.support.moving import PERSON, MovingRobot, make_library, moving_robot

pytestmark = pytest.mark.timeout(180)

Start = Callable[..., MovingRobot]


@pytest.fixture
def start(tmp_path: Path, ros_domain: int) -> Iterator[Start]:
    """Starts the robot at four times real time; it does not go home unless told."""
    with contextlib.ExitStack() as stack:

        def start(**settings: str) -> MovingRobot:
            make_library(tmp_path / "data")
            settings = {"TASKS__IDLE_DOCK_S": "600", **settings}
            return stack.enter_context(moving_robot(tmp_path / "data", speed=3.0, **settings))

        yield start


def bring(moving: MovingRobot, source: str = "DESK-2", destination: str = "ROOM-101") -> str:
    task = moving.store.write(
        PERSON,
        lambda tx: tasks.create_transfer(
            tx,
            task_type=TaskType.TRANSFER,
            source_location=source,
            destination_location=destination,
        ),
    )
    return task.id


def task_of(moving: MovingRobot, task_id: str) -> Task:
    return moving.store.read(lambda reader: tasks.get(reader, task_id))


def until(moving: MovingRobot, task_id: str, phase: Phase) -> None:
    moving.until(lambda: task_of(moving, task_id).phase is phase, f"the task to be {phase}")


def test_a_load_is_fetched_and_brought(start: Start) -> None:
    moving = start()
    task_id = bring(moving)

    until(moving, task_id, Phase.WAITING_FOR_LOAD)
    moving.until_shown(current_location="DESK-2")
    moving.store.write(PERSON, lambda tx: tasks.load_placed(tx, task_id))
    until(moving, task_id, Phase.WAITING_FOR_HANDOVER)
    moving.until_shown(current_location="ROOM-101")
    moving.store.write(PERSON, lambda tx: tasks.hand_over(tx, task_id))
    until(moving, task_id, Phase.COMPLETED)
    moving.until_shown(task_id=None)


def test_a_killed_ros_process_goes_on_where_it_was(start: Start) -> None:
    moving = start()
    task_id = bring(moving)
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")

    moving.kill("ros")
    moving.until(lambda: moving.speed == 0.0, "the robot to stand")
    assert task_of(moving, task_id).phase is Phase.TO_SOURCE
    moving.start("ros")
    until(moving, task_id, Phase.WAITING_FOR_LOAD)

    moving.until_shown(current_location="DESK-2")
    assert [entry.event for entry in task_of(moving, task_id).history].count("start") == 1


def test_after_a_power_cut_in_mid_drive_it_knows_where_it_stands_and_goes_on(start: Start) -> None:
    moving = start()
    task_id = bring(moving, source="DESK-1")
    moving.until(lambda: far_from_dock(moving), "the robot to be far from its dock")

    for name in ("ros", "gate", "body"):
        moving.kill(name)
    moving.live.clear()
    for name in ("body", "gate", "ros"):
        moving.start(name)
    moving.until(lambda: "pose" in moving.live, "the robot to be back")
    until(moving, task_id, Phase.WAITING_FOR_LOAD)
    moving.until_shown(current_location="DESK-1")


def test_ros_that_begins_before_the_clock_is_there_takes_no_wait_for_over(start: Start) -> None:
    moving = start()
    task_id = bring(moving, source="DESK-1")
    until(moving, task_id, Phase.WAITING_FOR_LOAD)

    for name in ("ros", "body"):  # the latter has the clock
        moving.kill(name)
    moving.live.clear()
    moving.start("ros")
    moving.until(lambda: "robot" in moving.live, "ROS to be back")
    moving.start("body")
    moving.until_shown(localised=True, task_id=task_id)
    assert task_of(moving, task_id).phase is Phase.WAITING_FOR_LOAD


def far_from_dock(moving: MovingRobot) -> bool:
    """By what the robot thinks, which the wheels' count alone could not tell after a cut."""
    dock = moving.store.read(lambda reader: places.find(reader, "DOCK-1"))
    pose = moving.live.get("pose", {"x": dock.x, "y": dock.y})
    return math.dist((dock.x, dock.y), (pose["x"], pose["y"])) > 6.0


@pytest.mark.parametrize("name", ["gate", "body"])
def test_when_the_gate_or_the_body_is_killed_the_task_goes_on_afterwards(
    name: str, start: Start
) -> None:
    moving = start()
    task_id = bring(moving)
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")

    moving.kill(name)
    moving.start(name)
    until(moving, task_id, Phase.WAITING_FOR_LOAD)

    moving.until_shown(current_location="DESK-2")


def test_a_stop_keeps_the_task_at_its_step_and_after_the_resume_it_drives_on(start: Start) -> None:
    moving = start()
    task_id = bring(moving)
    run_dir = moving.settings.run_dir
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")

    receipt = gates.stop(run_dir, source="TOUCHSCREEN", who="test", reason="a test")
    moving.until(
        lambda: moving.live.get("navigation", {}).get("reason") == "STOPPED", "the drive to end"
    )
    moving.until(lambda: moving.speed == 0.0, "the robot to stand")
    reset(run_dir, receipt.event_id)
    moving.until(lambda: moving.gate is not None and moving.gate.state == "RESET", "the reset")
    assert task_of(moving, task_id).phase is Phase.TO_SOURCE
    assert moving.speed == 0.0

    gates.resume(run_dir, who="test")
    until(moving, task_id, Phase.WAITING_FOR_LOAD)


def test_a_pause_halts_the_drive_and_the_resume_lets_it_go_on(start: Start) -> None:
    moving = start()
    task_id = bring(moving)
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")
    moving.until_shown(status="NAVIGATING")

    moving.store.write(PERSON, robot.pause)
    moving.until(lambda: moving.speed == 0.0, "the robot to stand")
    moving.until_shown(mode="PAUSED", status="BUSY")
    assert task_of(moving, task_id).phase is Phase.TO_SOURCE

    moving.store.write(PERSON, robot.resume)
    until(moving, task_id, Phase.WAITING_FOR_LOAD)


def test_where_nobody_loads_the_task_fails_and_the_robot_goes_home(start: Start) -> None:
    moving = start(TASKS__LOAD_WAIT_S="4", TASKS__IDLE_DOCK_S="1")
    task_id = bring(moving)

    until(moving, task_id, Phase.FAILED)
    assert task_of(moving, task_id).failure == "LOAD_TIMEOUT"
    moving.until_shown(status="CHARGING", current_location="DOCK-1")


def test_a_task_cancelled_on_its_way_with_a_load_is_brought_back(start: Start) -> None:
    moving = start()
    task_id = bring(moving)
    until(moving, task_id, Phase.WAITING_FOR_LOAD)
    moving.store.write(PERSON, lambda tx: tasks.load_placed(tx, task_id))
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")

    moving.store.write(PERSON, lambda tx: tasks.cancel(tx, task_id))
    until(moving, task_id, Phase.CANCELLED)
    moving.until_shown(current_location="DESK-2")


def test_a_task_to_where_no_lane_is_open_fails_with_a_reason(start: Start) -> None:
    moving = start()
    lanes = [
        replace(lane, closed="room-101" in (lane.start, lane.end))
        for lane in moving.store.read(places.lanes)
    ]
    moving.store.write(PERSON, lambda tx: places.set_lanes(tx, lanes))
    task_id = bring(moving, source="ROOM-101", destination="DESK-2")

    until(moving, task_id, Phase.FAILED)
    assert task_of(moving, task_id).failure == "NO_ROUTE"


def test_a_lane_whose_closing_time_comes_during_a_drive_is_not_driven(start: Start) -> None:
    moving = start(SIM__SPEED="2")  # the lane is to close before the robot is there
    task_id = bring(moving, source="DESK-1")
    moving.until(lambda: moving.speed > 0.2, "the robot to drive")
    closing = moving.store.read(lambda reader: later(reader.now, 1.0))
    lanes = [
        replace(lane, closed_from=closing)
        if {lane.start, lane.end} == {"hall-4", "hall-6"}
        else lane
        for lane in moving.store.read(places.lanes)
    ]
    moving.store.write(PERSON, lambda tx: places.set_lanes(tx, lanes))
    middle, nearest = (2.2, 8.85), [math.inf]

    def arrived() -> bool:
        pose = moving.live["pose"]
        nearest.append(math.dist(middle, (pose["x"], pose["y"])))
        return task_of(moving, task_id).phase is Phase.WAITING_FOR_LOAD

    moving.until(arrived, "the robot at the desk")
    moving.until_shown(current_location="DESK-1")
    assert min(nearest) > 1.0


def test_three_orders_are_carried_in_one_trip_on_the_way_that_costs_least(start: Start) -> None:
    """In the order in which they were asked for, it would pass the middle room twice. A crash on the way changes
    nothing: what is on board goes on to its rooms."""
    moving = start(ROBOT__TRAY_SLOTS="3")
    rooms = {bring(moving, "DESK-2", room): room for room in ("ROOM-102", "ROOM-103", "ROOM-101")}
    for task_id in rooms:
        until(moving, task_id, Phase.WAITING_FOR_LOAD)
    moving.until_shown(current_location="DESK-2")
    assert sorted(task_of(moving, task_id).slot or 0 for task_id in rooms) == [1, 2, 3]
    for task_id in rooms:
        moving.store.write(PERSON, lambda tx, id=task_id: tasks.load_placed(tx, id))  # type: ignore[misc]

    passed = [_served(moving, rooms)]
    moving.kill("ros")
    moving.start("ros")
    passed += [_served(moving, rooms) for _ in range(2)]
    assert passed in (["ROOM-101", "ROOM-102", "ROOM-103"], ["ROOM-103", "ROOM-102", "ROOM-101"])
    events = [entry.event for task_id in rooms for entry in task_of(moving, task_id).history]
    assert [events.count(event) for event in ("start", "arrive", "load", "hand_over")] == [
        3,
        6,
        3,
        3,
    ]


def _served(moving: MovingRobot, rooms: dict[str, str]) -> str:
    """The room where somebody is waited for next; there the load is taken."""

    def there() -> list[str]:
        waiting = Phase.WAITING_FOR_HANDOVER
        return [task_id for task_id in rooms if task_of(moving, task_id).phase is waiting]

    moving.until(there, "the robot at a room")
    (task_id,) = there()
    moving.until_shown(current_location=rooms[task_id])
    moving.store.write(PERSON, lambda tx: tasks.hand_over(tx, task_id))
    return rooms[task_id]
