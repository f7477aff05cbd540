"""What stands on the path ahead: what the map explains does not count, nor what the path leads away from."""

import math

import numpy as np
import pytest

from ros_nodes.navigation.ahead import KEEP_M, LOOK_M, Ahead, with_things
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import Path, build_path

RADIUS = 0.19
HERE = Pose(1.0, 0.0)


def hall() -> OccupancyGrid:
    """Ten metres along x and four wide."""
    cells = np.full((90, 210), 100, np.int8)
    cells[5:-5, 5:-5] = 0
    return OccupancyGrid(cells, 0.05, Pose(-0.25, -2.25))


GRID = hall()


def straight(y: float = 0.0) -> Path:
    return build_path([(1.0, y), (9.0, y)], [0.5], Limits(), lambda a, b: True)


PATH = straight()


def person(x: float, y: float) -> Points:
    angle = np.linspace(0, math.tau, 24)
    return np.stack([x + 0.25 * np.cos(angle), y + 0.25 * np.sin(angle)], axis=1)


def seen(ahead: Ahead, now: float, *points: Points, pose: Pose = HERE, w: float = 0.0) -> Ahead:
    scan = pose.points_in(np.concatenate([np.zeros((0, 2)), *points]))
    ahead.look(now, pose, w, scan, PATH, round((pose.x - 1.0) / 0.05))
    return ahead


@pytest.fixture
def ahead() -> Ahead:
    return Ahead(GRID, RADIUS)


def test_a_person_on_the_path_is_touched_where_the_skins_meet(ahead: Ahead) -> None:
    seen(ahead, 0.0, person(3.0, 0.0))
    assert ahead.contact_m == pytest.approx(2.0 - 0.25 - RADIUS, abs=0.15)


def test_the_speed_falls_to_nothing_well_before_the_contact(ahead: Ahead) -> None:
    seen(ahead, 0.0, person(3.0, 0.0))
    speeds = [ahead.allowed_m_s(along) for along in np.linspace(0.0, ahead.contact_m, 30)]
    assert speeds[0] > 0.5
    assert speeds == sorted(speeds, reverse=True)
    assert ahead.allowed_m_s(ahead.contact_m - KEEP_M) == 0.0


def test_without_anything_every_speed_is_allowed(ahead: Ahead) -> None:
    assert seen(ahead, 0.0).allowed_m_s(0.0) == math.inf
    assert ahead.stayed_s(5.0) == 0.0


def test_walls_of_the_map_do_not_count_even_where_the_pose_is_a_little_off(ahead: Ahead) -> None:
    x = np.arange(0.0, 9.9, 0.05)
    seen(ahead, 0.0, np.stack([x, np.full_like(x, -1.9)], axis=1))
    assert len(ahead.points) > 0
    assert len(ahead.strange) == 0


def test_who_stands_beside_the_path_or_far_away_does_not_count(ahead: Ahead) -> None:
    seen(ahead, 0.0, person(3.0, 0.55), person(HERE.x + LOOK_M + 0.6, 0.0))
    assert ahead.contact_m == math.inf
    assert ahead.stayed_s(1.0) == 0.0


def test_who_stays_has_stayed_and_who_walks_has_not(ahead: Ahead) -> None:
    for tick in range(20):
        seen(ahead, tick * 0.2, person(3.0 + 0.01 * (tick % 2), 0.0))
    assert ahead.stayed_s(4.0) == pytest.approx(4.0)
    for tick in range(20):
        seen(ahead, 4.0 + tick * 0.2, person(3.5 - 0.1 * tick, 0.0))
    assert ahead.stayed_s(8.0) < 1.0


def test_one_scan_that_misses_it_does_not_clear_the_way(ahead: Ahead) -> None:
    seen(ahead, 0.0, person(3.0, 0.0))
    assert seen(ahead, 0.2).contact_m < math.inf
    seen(ahead, 0.4)
    assert seen(ahead, 0.6).contact_m == math.inf


def test_another_path_is_judged_at_once_with_the_same_scan(ahead: Ahead) -> None:
    scan = HERE.points_in(person(3.0, 0.0))
    ahead.look(0.0, HERE, 0.0, scan, PATH, 0)
    assert ahead.contact_m < math.inf
    ahead.look(0.05, HERE, 0.0, scan, straight(0.8), 0)
    assert ahead.contact_m == math.inf


def test_a_scan_from_a_fast_turn_says_nothing_about_what_is_metres_away(ahead: Ahead) -> None:
    assert seen(ahead, 0.0, person(3.0, 0.0), w=1.0).contact_m == math.inf


def test_the_robot_may_drive_away_from_what_it_stands_beside(ahead: Ahead) -> None:
    beside = np.array([[3.0, 0.20], [2.95, 0.21], [3.02, 0.20]])
    assert seen(ahead, 0.0, beside, pose=Pose(3.0, 0.0)).contact_m == math.inf
    assert seen(ahead, 0.2, beside, pose=Pose(2.0, 0.0)).contact_m < math.inf


def test_nan_and_inf_in_a_scan_are_left_out(ahead: Ahead) -> None:
    scan = np.array([[math.nan, 0.0], [math.inf, 1.0]])
    ahead.look(0.0, HERE, 0.0, scan, PATH, 0)
    assert len(ahead.points) == 0


def test_things_count_in_the_clearance_and_the_map_itself_is_not_changed() -> None:
    before = GRID.clearance_m.copy()
    changed = with_things(GRID, np.array([[3.0, 0.0]]))
    assert changed.clearance_at(3.0, 0.0) < 0.05
    assert changed.clearance_at(3.4, 0.0) == pytest.approx(0.4, abs=0.05)
    assert changed.clearance_at(6.0, 0.0) == GRID.clearance_at(6.0, 0.0)
    assert np.array_equal(GRID.clearance_m, before)
    assert with_things(GRID, np.zeros((0, 2))).clearance_at(3.0, 0.0) == GRID.clearance_at(3.0, 0.0)
