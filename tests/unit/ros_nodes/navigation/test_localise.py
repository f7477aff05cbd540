"""Where am I, by odometry and scans."""

import math

import numpy as np
import pytest

from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.localise import Localiser
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.demo_library import draw_library
from ros_nodes.simulation.scan import Laser, Scanner, to_points

GRID = draw_library()
START = Pose(0.0, 0.0, 0.0)


def look(pose: Pose, people: list[tuple[float, float, float]] | None = None) -> Points:
    scanner = Scanner(GRID, seed=5)
    return to_points(scanner.scan(pose, people or []), scanner.laser.angles)


def off(a: Pose, b: Pose) -> tuple[float, float]:
    """Metres and degrees."""
    return a.distance(b.x, b.y), abs(math.degrees(wrap_angle(a.theta - b.theta)))


PLACES = [Pose(4.8, 3.8, 0.0), Pose(12.0, 10.5, 1.57), Pose(20.0, 17.2, -2.0), Pose(27.0, 7.3, 3.1)]


@pytest.mark.parametrize("truth", PLACES)
def test_a_scan_puts_right_an_odometry_that_is_off(truth: Pose) -> None:
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    localiser.correct(look(truth), START)
    drifted = Pose(0.06, -0.05, math.radians(2.5))
    localiser.predict(drifted)
    for _ in range(3):
        localiser.correct(look(truth), drifted)
    metres, degrees = off(localiser.pose, truth)
    assert metres < 0.02
    assert degrees < 0.5


@pytest.mark.parametrize("truth", PLACES)
def test_what_a_person_says_is_only_about_right_and_is_searched_around(truth: Pose) -> None:
    localiser = Localiser(GRID)
    said = Pose(truth.x + 0.4, truth.y - 0.35, truth.theta + math.radians(15))
    localiser.start(said, START)
    localiser.correct(look(truth), START)
    metres, degrees = off(localiser.pose, truth)
    assert metres < 0.05
    assert degrees < 2


def test_people_around_the_robot_do_not_move_it() -> None:
    truth = PLACES[0]
    people = [(5.6, 4.4, 0.25), (4.2, 4.6, 0.25), (3.9, 4.0, 0.25)]
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    for _ in range(5):
        localiser.correct(look(truth, people), START)
    assert off(localiser.pose, truth)[0] < 0.02


def test_a_late_scan_is_matched_with_the_odometry_of_its_own_time() -> None:
    truth = PLACES[1]
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    ahead = Pose(0.3, 0.0, 0.0)
    localiser.predict(ahead)
    localiser.correct(look(truth), START)
    assert off(localiser.pose, truth.compose(ahead))[0] < 0.02


def test_a_robot_carried_to_another_room_is_lost() -> None:
    localiser = Localiser(GRID)
    localiser.start(PLACES[0], START)
    lost = []
    for place in [PLACES[0]] + 15 * [Pose(20.0, 16.8, 0.7)]:
        localiser.correct(look(place), START)
        lost.append(localiser.lost)
    assert (lost[0], lost[-1]) == (False, True)
    localiser.start(Pose(20.0, 16.8, 0.7), START)
    assert not localiser.lost


def test_odometry_that_jumps_three_metres_is_not_believed() -> None:
    localiser = Localiser(GRID)
    localiser.start(PLACES[0], START)
    lost = []
    for x in (0.02, 3.02):
        localiser.predict(Pose(x, 0.0, 0.0))
        lost.append(localiser.lost)
    assert lost == [False, True]


def test_a_scan_without_points_changes_nothing_and_is_no_good_scan() -> None:
    localiser = Localiser(GRID)
    localiser.start(PLACES[0], START)
    for _ in range(15):
        match = localiser.correct(np.full((30, 2), math.nan), START)
    assert (match.quality, match.points) == (0.0, 0)
    assert localiser.pose == PLACES[0]
    assert localiser.lost


def test_a_robot_that_was_never_placed_is_lost() -> None:
    assert Localiser(GRID).lost


def test_a_map_with_a_turned_origin_is_matched_as_well() -> None:
    yaw = 0.4
    turned = OccupancyGrid(GRID.cells, GRID.resolution_m, Pose(1.0, 2.0, yaw))
    truth = PLACES[1]
    inside = GRID.origin.to(truth)
    seen = turned.origin.compose(inside)
    localiser = Localiser(turned)
    localiser.start(seen.compose(Pose(0.06, -0.04, 0.03)), START)
    localiser.correct(look(truth), START)
    localiser.correct(look(truth), START)
    assert off(localiser.pose, seen)[0] < 0.02


@pytest.mark.parametrize("truth", PLACES)
def test_what_went_dark_while_it_turned_and_rolled_is_found_again(truth: Pose) -> None:
    localiser = Localiser(GRID)
    known = Pose(truth.x - 0.8, truth.y + 0.7, truth.theta + math.radians(130))
    localiser.find(look(truth), (known, START), START)
    for _ in range(3):
        localiser.correct(look(truth), START)
    metres, degrees = off(localiser.pose, truth)
    assert not localiser.lost and metres < 0.05 and degrees < 2


def test_the_pose_is_of_plain_numbers_that_can_be_written_down() -> None:
    localiser = Localiser(GRID)
    localiser.find(look(PLACES[0]), (PLACES[0],), START)
    pose = localiser.correct(look(PLACES[0]), START).pose
    assert [type(value) for value in (*pose, *localiser.pose)] == [float] * 6


@pytest.mark.parametrize("truth", PLACES)
def test_a_slip_that_odometry_did_not_see_is_found_before_the_robot_is_lost(truth: Pose) -> None:
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    localiser.correct(look(truth), START)
    slipped = truth.compose(Pose(0.45, 0.0, math.radians(18)))
    for _ in range(6):
        localiser.correct(look(slipped), START)
        assert not localiser.lost
    metres, degrees = off(localiser.pose, slipped)
    assert metres < 0.05 and degrees < 2


def test_a_lost_robot_is_found_again_where_it_is_put_back() -> None:
    truth = PLACES[0]
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    lost = []
    for seen in (*[PLACES[1]] * 12, truth):
        localiser.correct(look(seen), START)
        lost.append(localiser.lost)
    assert lost[-2:] == [True, False]
    assert off(localiser.pose, truth)[0] < 0.05


@pytest.mark.parametrize(
    ("truth", "pushed"),
    [
        (Pose(25.58, 2.03, -1.63), Pose(25.86, 2.12, -1.63)),
        (Pose(17.57, 2.38, 1.66), Pose(17.84, 2.51, 1.66)),
        (Pose(21.83, 1.77, 0.4), Pose(22.04, 1.98, 0.4)),
    ],
)
def test_the_far_face_of_a_thin_wall_is_not_taken_for_the_near_one(
    truth: Pose, pushed: Pose
) -> None:
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    for seen in (truth, pushed, pushed, pushed):
        localiser.correct(look(seen), START)
    assert off(localiser.pose, pushed)[0] < 0.03


def test_points_behind_a_wall_speak_against_a_place_and_people_in_front_do_not() -> None:
    truth = PLACES[0]
    people = [
        (truth.x + 0.8 * math.cos(at), truth.y + 0.8 * math.sin(at), 0.25) for at in (0, 2, 4)
    ]
    localiser = Localiser(GRID)
    localiser.start(truth, START)
    match = localiser.correct(look(truth, people), START)
    assert match.beyond <= 0.02
    localiser.start(truth, START)
    assert localiser.correct(look(PLACES[1]), START).beyond > 0.15


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (Pose(12.23, 3.33, 0.05), Pose(11.99, 7.13, 0.05)),
        (Pose(22.83, 17.03, -3.1), Pose(27.92, 15.89, -3.1)),
        (Pose(3.83, 1.43, 1.36), Pose(1.06, 2.06, 1.36)),
    ],
)
def test_a_place_that_is_said_wrongly_and_fits_only_somewhat_is_not_believed(
    truth: Pose, said: Pose
) -> None:
    localiser = Localiser(GRID)
    localiser.start(said, START)
    for _ in range(10):
        localiser.correct(look(truth), START)
        assert not localiser.sure


TURTLEBOT = Pose(-0.04, 0.02, math.radians(90))


def look_from(mount: Pose, pose: Pose) -> Points:
    scanner = Scanner(GRID, Laser(mount=mount), seed=5)
    return scanner.laser.measured(scanner.scan(pose), 0.0).points()


@pytest.mark.parametrize("truth", PLACES)
def test_a_laser_that_is_turned_and_not_in_the_middle_finds_the_robot_as_well(truth: Pose) -> None:
    localiser = Localiser(GRID, mount=TURTLEBOT)
    localiser.start(Pose(truth.x + 0.3, truth.y - 0.2, truth.theta + math.radians(10)), START)
    for _ in range(3):
        match = localiser.correct(look_from(TURTLEBOT, truth), START)
    metres, degrees = off(localiser.pose, truth)
    assert metres < 0.02
    assert degrees < 0.5
    assert match.beyond == 0
