"""Collision zones: stop before people, pass walls."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros_nodes.navigation.geometry import Points
from ros_nodes.navigation.zones import CollisionZones, ZoneSettings

RADIUS = 0.19
ZONES = CollisionZones(RADIUS)


def person(x: float, y: float, radius: float = 0.2) -> Points:
    angle = np.linspace(0, math.tau, 40)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def wall(y: float) -> Points:
    x = np.linspace(-3, 3, 200)
    return np.stack([x, np.full_like(x, y)], axis=1)


def ahead(x: float) -> Points:
    return wall(x)[:, ::-1]


NOTHING: Points = np.zeros((0, 2))


def test_an_empty_scan_allows_all() -> None:
    assert ZONES.check(NOTHING, 0.5, 0.0).scale == 1.0


def test_a_person_right_ahead_stops_the_robot() -> None:
    verdict = ZONES.check(person(0.45, 0.0), 0.5, 0.0)
    assert verdict.blocked
    assert verdict.free_m == 0.0


def test_the_nearer_the_person_the_slower() -> None:
    scales = [ZONES.check(person(x, 0.0), 0.5, 0.0).scale for x in (3.0, 1.0, 0.8, 0.6, 0.45)]
    assert scales[0] == 1.0
    assert scales == sorted(scales, reverse=True)
    assert scales[-1] == 0.0


@given(st.floats(0.1, 0.5), st.floats(-1.0, 1.0), st.floats(0.2, 3.0), st.floats(-0.5, 0.5))
def test_the_allowed_speed_can_be_braked_before_contact(
    v: float, w: float, x: float, y: float
) -> None:
    """Driven on at the allowed speed for the reaction time and then braked, nothing is touched."""
    settings = ZoneSettings()
    point = np.array([[x, y]])
    if math.hypot(x, y) < RADIUS + settings.side_margin_m + settings.front_margin_m:
        return
    speed = v * ZONES.check(point, v, w).scale
    way = speed * settings.reaction_s + speed**2 / (2 * settings.braking_m_s2)
    bend = w / v
    along = np.linspace(0, way, 50)
    angle = along * bend
    chord = along * np.sinc(angle / math.tau)
    nearest = np.hypot(x - chord * np.cos(angle / 2), y - chord * np.sin(angle / 2)).min()
    assert nearest > RADIUS


def test_walls_beside_the_lane_do_not_slow_it() -> None:
    both = np.concatenate([wall(0.40), wall(-0.40)])
    assert ZONES.check(both, 0.5, 0.0).scale == 1.0


def test_a_door_of_sixty_centimetres_is_passed_slowly() -> None:
    both = np.concatenate([wall(0.30), wall(-0.30)])
    assert ZONES.check(both, 0.5, 0.0).scale == pytest.approx(0.6)


def test_a_wall_ahead_is_approached_to_a_hands_width() -> None:
    assert ZONES.check(ahead(0.40), 0.2, 0.0).scale == 1.0
    assert ZONES.check(ahead(0.26), 0.1, 0.0).blocked


def test_turning_on_the_spot_is_always_free() -> None:
    assert ZONES.check(person(0.42, 0.0), 0.0, 1.0).scale == 1.0


def test_what_is_behind_does_not_hold_the_robot() -> None:
    assert ZONES.check(person(-0.45, 0.0), 0.5, 0.0).scale == 1.0
    assert ZONES.check(person(-0.45, 0.0), -0.2, 0.0).blocked


def test_the_zone_bends_with_the_curve() -> None:
    inside = person(0.5, 0.45, 0.1)
    assert ZONES.check(inside, 0.5, 0.0).free_m == math.inf
    assert ZONES.check(inside, 0.5, 0.8).free_m < 0.4
    assert ZONES.check(inside, 0.5, -0.8).free_m == math.inf


def test_nan_and_inf_in_a_scan_are_left_out() -> None:
    rubbish = np.array([[math.nan, 0.1], [math.inf, 0.0], [0.3, math.nan]])
    assert ZONES.check(rubbish, 0.5, 0.0).scale == 1.0
    assert ZONES.check(np.concatenate([rubbish, person(0.45, 0.0)]), 0.5, 0.0).blocked


def test_what_the_robot_stands_beside_does_not_hold_it_on_its_way_past() -> None:
    beside = np.array([[0.01, RADIUS + 0.02], [-0.05, RADIUS + 0.03]])
    assert 0 < ZONES.check(beside, 0.3, 0.0).scale <= 1.0
    assert ZONES.check(beside, 0.3, -0.3).scale > 0
    assert ZONES.check(beside, 0.3, 1.5).blocked
