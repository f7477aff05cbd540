"""What the laser sees."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.simulation.demo_library import draw_library
from ros_nodes.simulation.scan import Laser, Scanner, to_points

EXACT = Laser(noise_m=0.0)


def hall(yaw: float = 0.0) -> OccupancyGrid:
    """10 m x 4 m inside walls of 0.2 m."""
    cells = np.full((88, 208), 100, np.int8)
    cells[4:-4, 4:-4] = 0
    return OccupancyGrid(cells, 0.05, Pose(-0.2, -0.2, 0.0) if not yaw else Pose(1, 1, yaw))


def to_wall(x: float, y: float, heading: float) -> float:
    """The exact way to the walls of the hall."""
    c, s = math.cos(heading), math.sin(heading)
    ways = [((10.0 if c > 0 else 0.0) - x) / c] if abs(c) > 1e-9 else []
    ways += [((4.0 if s > 0 else 0.0) - y) / s] if abs(s) > 1e-9 else []
    return min(ways)


@settings(max_examples=30)
@given(st.floats(0.5, 9.5), st.floats(0.5, 3.5), st.floats(-4, 4))
def test_each_beam_ends_at_the_wall_it_meets_first(x: float, y: float, theta: float) -> None:
    ranges = Scanner(hall(), EXACT).scan(Pose(x, y, theta))
    for angle, seen in zip(EXACT.angles.tolist(), ranges.tolist(), strict=True):
        heading = theta + angle
        exact = to_wall(x, y, heading)
        if exact < EXACT.range_max_m - 0.1:
            at_x, at_y = x + seen * math.cos(heading), y + seen * math.sin(heading)
            assert min(abs(at_x), abs(at_x - 10), abs(at_y), abs(at_y - 4)) < 0.02
            assert seen < exact + 0.03


def test_what_is_too_far_is_infinite() -> None:
    ranges = Scanner(hall(), EXACT).scan(Pose(0.6, 2.0, 0.0))
    assert math.isinf(ranges[EXACT.beams // 2])


def test_noise_is_as_wide_as_it_says_and_comes_from_the_seed() -> None:
    pose = Pose(5.0, 2.0, 0.3)
    exact = Scanner(hall(), EXACT).scan(pose)
    noisy = Scanner(hall(), Laser(noise_m=0.02), seed=3).scan(pose)
    again = Scanner(hall(), Laser(noise_m=0.02), seed=3).scan(pose)
    both = np.isfinite(exact) & np.isfinite(noisy)
    assert np.std(noisy[both] - exact[both]) == pytest.approx(0.02, rel=0.4)
    assert np.array_equal(noisy, again)


def test_a_person_hides_the_wall_behind() -> None:
    scanner = Scanner(hall(), EXACT)
    ranges = scanner.scan(Pose(2.0, 2.0, 0.0), [(4.0, 2.0, 0.25)])
    ahead = EXACT.beams // 2
    assert ranges[ahead] == pytest.approx(1.75, abs=0.01)
    assert ranges[0] == pytest.approx(2.0, abs=0.06)


def test_points_lie_on_the_walls_of_a_turned_map_too() -> None:
    grid = hall(yaw=0.7)
    pose = grid.origin.compose(Pose(3.0, 2.0, 0.4))
    points = to_points(Scanner(grid, EXACT).scan(pose), EXACT.angles)
    inside = grid.origin.points_in(pose.points_out(points))
    away = np.minimum.reduce(
        [np.abs(inside - 0.2).min(axis=1), np.abs(inside - (10.2, 4.2)).min(axis=1)]
    )
    assert away.max() < 0.06


def test_nan_and_inf_are_no_points() -> None:
    ranges = np.array([1.0, math.nan, math.inf, 2.0], np.float32)
    points = to_points(ranges, np.array([0.0, 1.0, 2.0, math.pi]))
    assert points == pytest.approx(np.array([[1.0, 0.0], [-2.0, 0.0]]), abs=1e-6)


def test_a_scan_of_the_library_takes_a_few_milliseconds() -> None:
    scanner = Scanner(draw_library())
    times = []
    for at in range(20):
        began = time.perf_counter()
        scanner.scan(Pose(4.8 + at * 0.05, 4.2, at))
        times.append(time.perf_counter() - began)
    assert min(times) < 0.01
