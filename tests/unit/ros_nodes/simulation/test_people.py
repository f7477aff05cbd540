"""People who walk about."""

import math

import numpy as np

from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.site_file import by_id
from ros_nodes.simulation.demo_library import draw_library
from ros_nodes.simulation.maze import make_maze
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


def test_nobody_steps_right_in_front_of_a_robot_that_rolls() -> None:
    crowd, x = Crowd(GRID, 30, seed=4), 11.0
    for _ in range(600):
        x += 0.01
        before = crowd.circles
        robot = Pose(x, 14.1)
        for (old_x, old_y, _), (new_x, new_y, _) in zip(
            before, crowd.step(0.05, robot), strict=True
        ):
            nearer = robot.distance(new_x, new_y) < robot.distance(old_x, old_y) - 1e-9
            assert not nearer or robot.distance(new_x, new_y) > PERSON_RADIUS_M + 0.7


def test_whoever_stands_in_the_way_steps_aside_when_asked() -> None:
    maze = make_maze(1)
    lane = maze.site.lanes[0]
    places = by_id(maze.site.waypoints)
    start, end = places[lane.start], places[lane.end]
    way = np.linspace((start.x, start.y), (end.x, end.y), 30)
    robot = Pose(start.x, start.y)
    for seed in range(40):
        crowd = Crowd(maze.grid, 1, seed=seed, robot=robot)
        crowd.put(0, end.x, end.y, stand_s=15.0)
        crowd.ask(robot, way)
        for _ in range(35):
            ((x, y, radius),) = crowd.step(0.1, robot)
            assert robot.distance(x, y) > radius + 0.19
            assert maze.grid.clearance_at(x, y) > 0.1
        away = np.hypot(way[:, 0] - x, way[:, 1] - y).min()
        assert away > radius + 0.19 + 0.03


def test_who_is_not_in_the_way_need_not_move() -> None:
    crowd = Crowd(GRID, 1, seed=1)
    crowd.put(0, 14.0, 14.1, stand_s=15.0)
    crowd.ask(Pose(13.0, 14.1), np.array([[13.0, 14.1], [13.0, 13.1], [13.0, 12.1]]))
    walk(crowd, 4.0)
    assert crowd.circles == [(14.0, 14.1, PERSON_RADIUS_M)]


def test_nobody_comes_into_being_beside_the_robot() -> None:
    robot = Pose(14.0, 14.1)
    crowd = Crowd(GRID, 50, seed=4, robot=robot)
    assert all(robot.distance(x, y) > 1.5 for x, y, _ in crowd.circles)
