"""Ways around things: within the lane, clear of walls and things, smooth, and quickly found."""

import functools
import itertools
import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.waypoints import Lane
from ros_nodes.navigation.detour import Detour, Detours
from ros_nodes.navigation.geometry import Points, Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.path import Path, build_path
from ros_nodes.navigation.zones import CollisionZones, ZoneSettings

LIMITS = Limits()
NOTHING: Points = np.zeros((0, 2))
AT_THE_START = Pose(1.0, 0.0)


@functools.cache
def hall(half_width: float) -> OccupancyGrid:
    """Ten metres along x, walls to both sides of it."""
    cells = np.full((80, 220), 100, np.int8)
    rows = np.abs((np.arange(80) + 0.5) * 0.05 - 2.0) < half_width
    cells[np.ix_(rows, np.arange(10, 210))] = 0
    return OccupancyGrid(cells, 0.05, Pose(-0.5, -2.0))


def straight() -> Path:
    return build_path([(1.0, 0.0), (9.0, 0.0)], [0.5], LIMITS, lambda a, b: True)


def front(x: float, y: float, radius: float, seen_from: Pose = AT_THE_START) -> Points:
    """The half of a round thing that the scan shows."""
    towards = math.atan2(seen_from.y - y, seen_from.x - x)
    angle = towards + np.linspace(-1.5, 1.5, 15)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def find(
    things: Points,
    *,
    width: float = 2.0,
    half_hall: float = 1.5,
    pose: Pose = AT_THE_START,
    standing: bool = False,
) -> Detour | None:
    lane = Lane("a", "s", "e", 8.0, width, 0.5)
    detours = Detours(hall(half_hall), LIMITS, [lane], [((1.0, 0.0), (9.0, 0.0))])
    base = straight()
    at = round((pose.x - 1.0) / 0.05)
    return detours.find(base, at, pose, standing, things, things)


def gap_to(detour: Detour, x: float, y: float, radius: float) -> float:
    off = detour.path.points - (x, y)
    return float(np.hypot(off[:, 0], off[:, 1]).min()) - radius - LIMITS.radius_m


def test_it_passes_a_person_in_the_middle_of_a_wide_lane_and_comes_back() -> None:
    found = find(front(4.0, 0.0, 0.25))
    assert found is not None
    assert gap_to(found, 4.0, 0.0, 0.25) > ZoneSettings().side_margin_m
    assert found.path.points[0].tolist() == [1.0, 0.0]
    assert found.path.points[-1].tolist() == [9.0, 0.0]
    assert found.path.points[found.rejoins :, 1] == pytest.approx(0.0, abs=1e-9)
    assert found.path.length_m < 8.0 * 1.05
    assert len(found.path.points) == len(found.path.along) == len(found.path.speed_m_s)
    assert found.path.stops == (len(found.path.points) - 1,)


def test_it_passes_on_the_side_where_there_is_more_room() -> None:
    left, right = find(front(4.0, -0.3, 0.25)), find(front(4.0, 0.3, 0.25))
    assert left is not None and right is not None
    assert left.path.points[:, 1].max() > 0.1
    assert left.path.points[:, 1].min() > -0.03
    assert right.path.points[:, 1].min() < -0.1


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_a_lane_too_narrow_beside_a_person_has_no_way_around(width: float) -> None:
    assert find(front(4.0, 0.0, 0.25), width=width) is None


def test_walls_count_whatever_the_width_of_the_lane() -> None:
    assert find(front(4.0, 0.0, 0.25), width=3.0, half_hall=0.6) is None
    assert find(front(4.0, 0.0, 0.25), width=3.0, half_hall=1.2) is not None


def test_something_at_the_goal_cannot_be_gone_round() -> None:
    assert find(front(8.9, 0.0, 0.25, Pose(7.0, 0.0)), pose=Pose(7.0, 0.0)) is None


def test_a_free_path_needs_no_way_around() -> None:
    assert find(NOTHING) is None


def test_it_can_begin_where_the_robot_stands_close_to_the_thing() -> None:
    pose = Pose(3.0, 0.0)
    found = find(front(4.0, 0.0, 0.25, pose), pose=pose, standing=True)
    assert found is not None
    assert gap_to(found, 4.0, 0.0, 0.25) > ZoneSettings().side_margin_m


def test_right_before_a_thing_it_first_drives_aside_and_turns_on_the_spot() -> None:
    pose = Pose(3.42, 0.0)
    thing = front(4.0, 0.0, 0.25, pose)
    assert find(thing, pose=pose, standing=False) is None
    found = find(thing, pose=pose, standing=True)
    assert found is not None
    corner = found.path.stops[0]
    assert found.path.points[corner, 0] == pytest.approx(3.42, abs=0.03)
    assert abs(found.path.points[corner, 1]) > 0.3
    assert found.path.speed_m_s[corner] == 0.0
    assert found.path.stops[-1] == len(found.path.points) - 1
    assert gap_to(found, 4.0, 0.0, 0.25) > ZoneSettings().side_margin_m
    assert found.path.points[found.rejoins].tolist() == pytest.approx(
        [found.path.points[found.rejoins, 0], 0.0], abs=1e-9
    )


def test_from_a_way_around_another_one_is_found() -> None:
    pose = Pose(3.4, 0.45, 0.2)
    things = np.concatenate([front(4.0, 0.0, 0.25, pose), front(5.2, 0.5, 0.2, pose)])
    found = find(things, pose=pose)
    assert found is not None
    assert found.path.points[0].tolist() == [3.4, 0.45]
    assert gap_to(found, 5.2, 0.5, 0.2) > ZoneSettings().side_margin_m


place = st.tuples(
    st.floats(2.5, 7.5), st.floats(-0.8, 0.8), st.sampled_from([0.03, 0.1, 0.25, 0.4])
)


@settings(max_examples=40, deadline=None)
@given(st.lists(place, min_size=1, max_size=4), st.floats(1.0, 2.4))
def test_a_way_around_keeps_off_what_is_seen_and_stays_on_the_lane(
    things: list[tuple[float, float, float]], width: float
) -> None:
    seen = np.concatenate([front(*thing) for thing in things])
    found = find(seen, width=width)
    if found is None:
        return
    around = found.path.points[: found.rejoins + 1]
    off = around[:, None] - seen
    nearest = np.hypot(off[..., 0], off[..., 1]).min() - LIMITS.radius_m
    assert nearest > ZoneSettings().side_margin_m
    assert np.abs(around[:, 1]).max() <= width / 2 - LIMITS.radius_m + 0.02
    assert np.hypot(*np.diff(found.path.points, axis=0).T).max() < 0.12
    headings = np.arctan2(*np.diff(around, axis=0).T[::-1])
    turns = [abs(wrap_angle(b - a)) for a, b in itertools.pairwise(headings.tolist())]
    assert max(turns[1:-1], default=0.0) < math.radians(30)


def test_the_collision_zones_let_a_way_around_through_at_a_walk() -> None:
    thing = front(4.0, 0.0, 0.25)
    found, zones = find(thing), CollisionZones(LIMITS.radius_m)
    assert found is not None
    points = found.path.points[: found.rejoins]
    for here, onward, after in zip(points, points[3:], points[6:], strict=False):
        pose = Pose(
            float(here[0]), float(here[1]), math.atan2(onward[1] - here[1], onward[0] - here[0])
        )
        bend = wrap_angle(math.atan2(*(after - onward)[::-1].tolist()) - pose.theta) / 0.3
        assert zones.check(pose.points_in(thing), 0.3, 0.3 * bend).scale > 0.3


def test_a_search_takes_no_longer_than_twenty_milliseconds() -> None:
    thing: Any = np.concatenate([front(4.0, 0.0, 0.25), front(6.0, 0.5, 0.25)])
    took = []
    for _ in range(5):
        began = time.thread_time()
        assert find(thing) is not None
        took.append(time.thread_time() - began)
    assert min(took) < 0.020
