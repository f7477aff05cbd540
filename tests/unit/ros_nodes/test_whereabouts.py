"""Where the robot believes to be: carried, lost, found again, and with sensors that say nonsense."""

import math
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.sensing import Reading
from ros_nodes.navigation.sensor_faults import SensorFault
from ros_nodes.simulation.demo_library import draw_library
from ros_nodes.whereabouts import ROLLS_ON_S
from tests.support.carried import STEP_S, Carried
from tests.support.shared import shared_data

GRID = draw_library()
HALL = Pose(12.0, 10.5, 1.57)
PLACES = (Pose(4.8, 3.8, 0.0), HALL, Pose(20.0, 13.2, -2.0), Pose(27.0, 7.3, 3.1))
ROOM, NEXT_ROOM = Pose(16.6, 17.0, -1.9), Pose(20.6, 17.0, -1.9)
"""Study rooms of one build: the walls around are the same."""
WALL = Pose(*GRID.centre(*np.argwhere(GRID.occupied)[0].tolist()))
NOTICED_S = 2.0
LATE_READINGS = 3
"""60 ms: what the serial line and two topics take on a busy machine."""


def standing(pose: Pose = HALL, **options: Any) -> Carried:
    robot = Carried(GRID, pose, **options)
    robot.go(2.0)
    assert robot.where.known and robot.where.idle and robot.is_right
    return robot


def noticed(robot: Carried, pose: Pose) -> float:
    """Seconds from the carrying; the scans of a robot that stands are looked at once a second."""
    robot.go(0.13)  # just after a look
    robot.world.place(pose)
    return robot.seconds_until_noticed()


# Carried


@pytest.mark.parametrize("metres", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("place", PLACES)
def test_a_standing_robot_that_is_carried_notices(place: Pose, metres: float) -> None:
    robot = standing(place, people=6)
    to = free_near(place, metres)
    assert noticed(robot, to) <= NOTICED_S


@pytest.mark.parametrize("place", PLACES)
def test_a_standing_robot_that_is_turned_notices(place: Pose) -> None:
    robot = standing(place, people=6)
    assert noticed(robot, place._replace(theta=place.theta + math.pi / 2)) <= NOTICED_S


def test_a_driving_robot_that_is_carried_notices() -> None:
    robot = standing()
    robot.go(1.0, v=0.3)
    robot.world.place(free_near(robot.world.pose, 1.0))
    began = robot.now
    while robot.where.known and not robot.is_right:
        robot.step(v=0.3)
        assert robot.now - began <= NOTICED_S


def test_in_the_real_library_a_carried_robot_notices() -> None:
    grid = load_map(shared_data() / "library_map.yaml")
    free = grid.centres(np.argwhere(grid.passable(0.4)))
    for number in range(0, len(free), len(free) // 6):
        x, y = free[number].tolist()
        place = Pose(x, y, 0.7)
        robot = Carried(grid, place, people=4)
        robot.go(2.0)
        assert robot.where.known, place
        assert noticed(robot, place._replace(theta=place.theta + 2.0)) <= NOTICED_S


def test_a_robot_that_slides_away_slowly_is_followed() -> None:
    robot = standing()
    robot.drift_m_s = 0.03
    for _ in range(20):
        robot.go(1.0)
        assert robot.off_m < 0.12 or not robot.where.known


def test_a_robot_that_is_carried_past_other_places_notices_on_the_way() -> None:
    robot = standing(ROOM)
    for share in np.linspace(0.0, 1.0, 200).tolist():
        robot.world.place(
            Pose(ROOM.x + 4.0 * share, ROOM.y - 3.0 * math.sin(math.pi * share), share)
        )
        robot.step()
        if not robot.where.known:
            return
    raise AssertionError("it did not notice")


def test_what_no_scan_can_show_is_a_place_with_the_same_walls_around() -> None:
    """Nor can it be told afterwards: only a person can."""
    robot = standing(ROOM)
    assert noticed(robot, NEXT_ROOM) == math.inf


# Found again


def test_after_a_lift_the_place_is_believed_when_a_scan_fits_it_well() -> None:
    robot = standing()
    robot.laser_speaks = False
    robot.where.doubt()
    robot.go(0.3)
    assert not robot.where.known and not robot.where.idle
    robot.laser_speaks = True
    robot.go(0.5)
    assert robot.is_found()


def test_after_a_lift_to_another_place_it_is_not_believed() -> None:
    robot = standing()
    robot.where.doubt()
    robot.world.place(PLACES[0])
    for _ in range(100):
        robot.step()
        assert not robot.where.known


def test_a_lost_robot_finds_itself_when_it_is_told_about_where_it_is() -> None:
    robot = standing()
    robot.world.place(PLACES[0])
    robot.go(3.0)
    assert not robot.where.known
    x, y, theta = PLACES[0]
    assert robot.where.put_at(Pose(x + 0.3, y - 0.25, theta + 0.2))
    robot.go(0.5)
    assert robot.is_found()


def test_a_pose_that_is_told_wrongly_is_not_believed() -> None:
    robot = standing()
    assert robot.where.put_at(PLACES[0])
    assert not robot.where.known
    for _ in range(150):
        robot.step()
        assert not robot.where.known


@pytest.mark.parametrize(
    "pose", [Pose(-50.0, 3.0), WALL, Pose(math.nan, 1.0), Pose(1.0, 1.0, math.inf)]
)
def test_a_pose_in_a_wall_or_off_the_map_or_of_no_numbers_changes_nothing(pose: Pose) -> None:
    robot = standing()
    stood = robot.where.pose
    assert not robot.where.put_at(pose)
    assert robot.where.pose == stood and robot.where.known


# What the sensors say


def test_without_a_fault_there_is_none() -> None:
    robot = standing()
    robot.go(8.0)
    assert robot.where.fault(robot.now) is None
    robot.go(2.0, v=0.3)
    assert robot.where.fault(robot.now) is None


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        (SensorFault.SCAN_NOT_FIT, {"ranges": np.full(180, math.nan)}),
        (SensorFault.SCAN_NOT_FIT, {"ranges": np.zeros(0)}),
        (SensorFault.SCAN_NOT_FIT, {"angle_step": 0.5}),
        (SensorFault.SCAN_FRAME, {"frame": "camera"}),
    ],
)
def test_a_scan_that_is_not_fit_is_named_and_not_used(
    fault: SensorFault, changes: dict[str, Any]
) -> None:
    robot = standing()
    robot.laser_speaks = False
    pose, points = robot.where.pose, robot.where.points
    for _ in range(30):
        robot.step()
        robot.hear(replace(robot.scan(), **changes))
    assert robot.where.fault(robot.now) is fault
    assert not robot.where.is_fresh(robot.now)
    assert robot.where.pose == pose and robot.where.points is points
    robot.laser_speaks = True
    robot.go(1.5)
    assert robot.where.fault(robot.now) is None


@pytest.mark.parametrize(
    ("seconds", "fault"), [(-2.0, SensorFault.SCAN_OLD), (2.0, SensorFault.SCAN_AHEAD)]
)
def test_a_scan_of_another_time_is_named_and_not_used(seconds: float, fault: SensorFault) -> None:
    robot = standing()
    robot.laser_speaks = False
    robot.go(1.0, v=0.3)
    seen = robot.where.scan_at
    robot.hear(replace(robot.scan(), stamp=robot.clock + seconds))
    assert robot.where.fault(robot.now) is fault
    assert robot.where.scan_at == seen


def test_a_laser_that_falls_silent_is_named_while_the_wheels_go_on() -> None:
    robot = standing()
    robot.where.fault(robot.now)
    robot.go(5.0)
    robot.laser_speaks = False
    robot.go(0.6, v=0.2)
    assert not robot.where.is_fresh(robot.now)
    robot.go(1.0)
    assert robot.where.fault(robot.now) is SensorFault.SCAN_SILENT


def test_wheels_that_fall_silent_are_named() -> None:
    robot = standing()
    robot.where.fault(robot.now)
    robot.go(5.0)
    robot.wheels_speak = False
    robot.go(0.6)
    assert robot.where.fault(robot.now) is SensorFault.ODOMETRY_SILENT
    assert not robot.where.is_fresh(robot.now)


def test_odometry_that_jumps_three_metres_is_named_and_the_next_scan_tells() -> None:
    robot = standing()
    robot.laser_speaks = False
    robot.jump(3.0)
    robot.go(0.04)
    assert robot.where.fault(robot.now) is SensorFault.ODOMETRY_JUMP
    assert not robot.is_found()
    robot.laser_speaks = True
    robot.go(0.5)
    assert robot.is_found()


def test_after_a_jump_of_the_odometry_its_place_is_written_down_anew() -> None:
    """Else a restart would add all that the wheels ever counted to a place that is right."""
    robot = standing()
    robot.jump(3.0)
    robot.go(2.0)
    assert robot.is_found()
    last = robot.memory.written[-1]
    assert last.odometry == pytest.approx(robot.reading().pose, abs=0.05)
    assert last.pose == pytest.approx(robot.world.pose, abs=0.1)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_odometry_of_no_numbers_is_named_and_not_used(value: float) -> None:
    robot = standing()
    stood = robot.where.pose
    for broken in (
        replace(robot.reading(), pose=Pose(value, 0.0)),
        replace(robot.reading(), pose=Pose(0.0, 0.0, value)),
        replace(robot.reading(), v=value),
    ):
        robot.where.on_odometry(broken)
        assert robot.where.fault(robot.now) is SensorFault.ODOMETRY_NOT_FIT
    assert robot.where.pose == stood and robot.where.known


def test_odometry_that_runs_backwards_in_time_is_named_and_not_used() -> None:
    robot = standing()
    newest = robot.where.newest
    before = replace(robot.reading(), stamp=robot.clock - 0.1, pose=Pose(0.3, 0.0))
    robot.where.on_odometry(before)
    assert robot.where.fault(robot.now) is SensorFault.ODOMETRY_BACKWARDS
    assert robot.where.newest is newest


@pytest.mark.parametrize("seconds", [-18_000.0, 18_000.0, -1.0])
def test_a_wall_clock_that_steps_is_named_and_the_place_stays_known(seconds: float) -> None:
    robot = standing()
    robot.go(1.0, v=0.3)
    robot.moved_s = seconds
    robot.step(v=0.3)
    assert robot.where.fault(robot.now) is SensorFault.CLOCK_STEP
    for _ in range(150):
        robot.step(v=0.3)
        assert robot.is_found()
    assert robot.where.is_fresh(robot.now)
    assert robot.where.fault(robot.now) is None


def test_a_simulated_clock_that_begins_anew_is_named_and_scans_are_looked_at_again() -> None:
    robot = standing()
    robot.go(20.0)
    robot.world.time_s = robot._scan_due = 0.0
    robot.step()
    assert robot.where.fault(robot.now) is SensorFault.CLOCK_STEP
    robot.go(3.0)
    assert robot.where.known and 0.0 < robot.where.scan_at <= robot.now


def test_one_bad_scan_among_good_ones_does_not_stop_the_robot() -> None:
    robot = standing()
    robot.go(1.0, v=0.2)
    robot.hear(replace(robot.scan(), frame="camera"))
    robot.step(v=0.2)
    assert robot.where.fault(robot.now) is SensorFault.SCAN_FRAME
    assert robot.where.is_fresh(robot.now) and robot.where.known


def free_near(pose: Pose, metres: float) -> Pose:
    """A free place at that distance."""
    for step in range(36):
        way = math.radians(10 * step + 5)
        x, y = pose.x + metres * math.cos(way), pose.y + metres * math.sin(way)
        if GRID.clearance_at(x, y) > 0.25:
            return Pose(x, y, pose.theta)
    raise AssertionError(f"nothing is free {metres} m from {pose}")


# Which odometry belongs to a scan


def test_a_scan_from_between_two_readings_gets_the_odometry_from_between_them() -> None:
    robot = standing()
    robot.go(1.0, w=1.5)
    last, before = robot.where.newest, robot.where.odometry_at(robot.clock - STEP_S)
    between = robot.where.odometry_at(robot.clock - STEP_S / 2)
    assert last is not None and before is not None and between is not None
    assert between.theta == pytest.approx((last.pose.theta + before.theta) / 2, abs=1e-6)


def test_for_a_scan_that_is_heard_before_its_odometry_the_wheels_turn_on_but_not_for_ever() -> None:
    robot = standing()
    robot.go(1.0, w=1.5)
    last, soon = robot.where.newest, robot.where.odometry_at(robot.clock + 0.1)
    assert last is not None and soon is not None
    assert soon.theta - last.pose.theta == pytest.approx(0.1 * last.w)
    assert robot.where.odometry_at(robot.clock + 60.0) == robot.where.odometry_at(
        robot.clock + ROLLS_ON_S
    )


def test_a_robot_whose_odometry_comes_late_knows_its_heading_while_it_turns() -> None:
    robot = standing()
    robot.wheels_speak = False
    late: deque[tuple[Reading, Pose]] = deque()
    for _ in range(round(3.0 / STEP_S)):
        robot.step(w=1.0)
        late.append((robot.reading(), robot.world.pose))
        if len(late) > LATE_READINGS:
            heard, truth = late.popleft()
            robot.where.on_odometry(replace(heard, clock=robot.clock, heard=robot.now))
    off = wrap_angle(robot.where.pose.theta - truth.theta)
    assert abs(math.degrees(off)) < 1.5
