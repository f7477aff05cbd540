"""Battery and dock on a driving robot."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge import ipc
from edge.domain.power import Alarm
from edge.domain.robots import CommandStatus, CommandType
from edge.domain.tasks import Phase
from edge.services import alarms, places
from tests.integration.test_ros_tasks import bring, task_of, until
from tests.support.moving import PERSON, MovingRobot, make_library, moving_robot

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def moving(tmp_path: Path, ros_domain: int) -> Iterator[MovingRobot]:
    """At six times real time; it does not go home unless its battery calls."""
    make_library(tmp_path / "data")
    settings = {"TASKS__IDLE_DOCK_S": "600", "ROBOT__CHARGE_SEEN_S": "2"}
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(moving_robot(tmp_path / "data", speed=3.0, **settings))


def charge(moving: MovingRobot, level: float) -> None:
    """Let the simulated battery be that full."""
    with ipc.connect(moving.settings.run_dir / "faults.sock", timeout_s=5) as desk:
        desk.send(f"battery {level}".encode())
        assert desk.recv(4096) == b""


def drive(moving: MovingRobot, type: CommandType, **params: object) -> None:
    order = moving.order(type, **params)
    moving.until(lambda: moving.is_over(order), f"{type} to end")
    assert moving.command(order).status is CommandStatus.DONE


def raised(moving: MovingRobot) -> set[Alarm]:
    return set(moving.store.read(alarms.raised))


def test_nearly_empty_it_gives_its_task_back_charges_and_takes_it_again(
    moving: MovingRobot,
) -> None:
    task_id = bring(moving)
    moving.until(lambda: moving.speed > 0.2 and moving.place != "DOCK-1", "the robot to be off")

    charge(moving, 0.05)
    until(moving, task_id, Phase.QUEUED)
    moving.until_shown(status="CHARGING", current_location="DOCK-1")
    assert raised(moving) == {Alarm.BATTERY_CRITICAL}
    assert task_of(moving, task_id).phase is Phase.QUEUED

    charge(moving, 0.36)
    until(moving, task_id, Phase.TO_SOURCE)
    assert raised(moving) == set()


def test_where_the_dock_gives_no_charge_it_docks_again_and_then_calls_for_help(
    moving: MovingRobot,
) -> None:
    dock = moving.store.read(lambda reader: places.find(reader, "DOCK-1"))
    moved = replace(dock, x=dock.x + 0.4)  # on the map only: the contacts are where they were
    moving.store.write(PERSON, lambda tx: places.update_waypoint(tx, moved))
    charge(moving, 0.5)
    # A junction: found by its id, for it has no sign.
    drive(moving, CommandType.GO_TO, location="workroom")
    drive(moving, CommandType.DOCK)

    moving.until(lambda: raised(moving) == {Alarm.NOT_CHARGING}, "an alarm")
    driven = ["", "DOCK-1", "DOCK-1, in front", "DOCK-1"]  # the junction has no code
    moving.until(lambda: moving.goals == driven, f"{driven} to be told")
