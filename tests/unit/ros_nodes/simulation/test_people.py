"""People who walk about."""

import math

from ros_nodes.navigation.geometry import Pose
from ros_nodes.simulation.demo_library import draw_library
from ros_nodes.simulation.people import PERSON_RADIUS_M, Crowd

GRID = draw_library()
FAR = Pose(-100.0, -100.0)


def walk(crowd: Crowd, seconds: float, robot: Pose = FAR) -> None:
    for _ in range(round(seconds / 0.1)):
        crowd.step(0.1, robot)


def test_nobody_is_there_unless_asked_for() -> None:
    assert Crowd(GRID).circles == []


def test_people_walk_and_never_through_walls() -> None:
    crowd = Crowd(GRID, 5, seed=2)
    first = crowd.circles
    for _ in range(60):
        walk(crowd, 1.0)
        assert all(GRID.clearance_at(x, y) > 0.9 * PERSON_RADIUS_M for x, y, _ in crowd.circles)
    assert (
        sum(math.dist(a[:2], b[:2]) > 0.5 for a, b in zip(first, crowd.circles, strict=True)) >= 4
    )


def test_the_same_seed_gives_the_same_walks() -> None:
    one, other = Crowd(GRID, 3, seed=9), Crowd(GRID, 3, seed=9)
    walk(one, 30)
    walk(other, 30)
    assert one.circles == other.circles


def test_nobody_walks_into_a_robot_that_stands() -> None:
    crowd = Crowd(GRID, 30, seed=4)
    robot = Pose(14.0, 14.1)
    apart = min(robot.distance(x, y) for x, y, _ in crowd.circles)
    for _ in range(300):
        walk(crowd, 0.3, robot)
        nearest = min(robot.distance(x, y) for x, y, _ in crowd.circles)
        assert nearest > min(apart, PERSON_RADIUS_M + 0.3)


def test_nobody_comes_into_being_beside_the_robot() -> None:
    robot = Pose(14.0, 14.1)
    crowd = Crowd(GRID, 50, seed=4, robot=robot)
    assert all(robot.distance(x, y) > 1.5 for x, y, _ in crowd.circles)
