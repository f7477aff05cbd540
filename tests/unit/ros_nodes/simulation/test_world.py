"""The robot's body, stepped by hand."""

import math

import numpy as np
import pytest

from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.world import Body, World


def hall() -> OccupancyGrid:
    """10 m x 4 m."""
    cells = np.zeros((80, 200), np.int8)
    cells[[0, -1], :] = cells[:, [0, -1]] = 100
    return OccupancyGrid(cells, 0.05, Pose(0.0, 0.0, 0.0))


START = Pose(1.0, 2.0, 0.0)
IDEAL = Body(slip=0.0, wheel_drift=0.0, heading_drift=0.0)


def run(world: World, seconds: float, v: float, w: float) -> World:
    for _ in range(round(seconds / 0.01)):
        world.step(0.01, v, w)
    return world


def test_an_ideal_robot_goes_where_it_is_told() -> None:
    world = run(World(hall(), START, body=IDEAL), 4.0, 0.5, 0.0)
    assert world.pose.x == pytest.approx(1.0 + 2.0, abs=0.15)
    assert world.pose.y == pytest.approx(2.0)
    turned = run(World(hall(), START, body=IDEAL), 2.0, 0.0, 1.0)
    assert turned.pose.theta == pytest.approx(2.0, abs=0.15)
    assert turned.pose[:2] == pytest.approx(START[:2])


def test_motors_follow_with_inertia() -> None:
    world = World(hall(), START, body=IDEAL)
    world.step(0.01, 0.5, 0.0)
    assert 0 < world.odometry.v < 0.1
    run(world, 0.5, 0.5, 0.0)
    assert world.odometry.v == pytest.approx(0.5, abs=0.01)
    world.step(0.01, 0.0, 0.0)
    assert world.odometry.v > 0.4


def test_odometry_drifts_by_no_more_than_the_body_allows() -> None:
    drifts = set()
    for seed in range(10):
        world = run(World(hall(), START, seed=seed), 10.0, 0.5, 0.0)
        driven = world.pose.distance(*START[:2])
        drift = world.odometry.x / driven - 1
        assert abs(drift) < 0.035
        drifts.add(round(drift, 4))
    assert len(drifts) == 10


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [run(World(hall(), START, seed=7), 3.0, 0.4, 0.3) for _ in range(2)]
    assert runs[0].pose == runs[1].pose
    assert runs[0].odometry == runs[1].odometry
    assert run(World(hall(), START, seed=8), 3.0, 0.4, 0.3).pose != runs[0].pose


def test_a_wall_stops_the_body_closes_the_bumper_and_lets_the_wheels_slip() -> None:
    world = run(World(hall(), Pose(9.0, 2.0, 0.0)), 4.0, 0.5, 0.0)
    assert world.bumper
    assert 0 <= world.gap_m < 0.05
    assert world.odometry.x > 1.5
    assert not run(world, 1.0, -0.3, 0.0).bumper
    assert world.gap_m > 0.1


def test_a_person_is_no_softer_than_a_wall() -> None:
    world = World(hall(), START)
    world.people = [(2.0, 2.0, 0.25)]
    run(world, 4.0, 0.5, 0.0)
    assert world.bumper
    assert world.pose.x < 2.0 - 0.25 - 0.19 + 0.01


def test_a_robot_against_a_wall_can_still_turn() -> None:
    world = run(World(hall(), Pose(9.6, 2.0, 0.0)), 3.0, 0.5, 0.0)
    run(world, 1.0, 0.0, 1.0)
    assert world.pose.theta > 0.7


def test_driving_drains_the_battery_faster_than_standing_and_the_dock_fills_it() -> None:
    standing = run(World(hall(), START), 10.0, 0.0, 0.0).battery
    driving = run(World(hall(), START), 10.0, 0.5, 0.0).battery
    docked = run(World(hall(), START, docks=[START], battery=0.5), 10.0, 0.0, 0.0).battery
    assert driving.fraction < standing.fraction < 1.0
    assert docked.charging
    assert docked.fraction > 0.5
    assert docked.voltage > standing.voltage - 4.2


@pytest.mark.parametrize("off", [Pose(0.2, 0.0, 0.0), Pose(0.0, 0.0, 0.5)])
def test_beside_the_dock_nothing_charges(off: Pose) -> None:
    world = World(hall(), START.compose(off), docks=[START])
    world.step(0.01, 0.0, 0.0)
    assert not world.battery.charging


def test_an_empty_battery_is_empty_and_a_full_one_full() -> None:
    world = World(hall(), START, docks=[START])
    world.set_charge(1.7)
    world.step(1.0, 0.0, 0.0)
    assert world.battery.fraction == 1.0
    empty = World(hall(), START, battery=0.0)
    empty.step(1.0, 0.0, 0.0)
    assert empty.battery.fraction == 0.0


def test_a_robot_that_is_carried_feels_nothing_in_its_wheels() -> None:
    world = World(hall(), START)
    world.place(Pose(5.0, 1.0, math.pi))
    assert world.odometry.pose == Pose(0.0, 0.0, 0.0)
