"""The nearest place, against a look at all of them."""

import math
import random

import pytest

from ros_nodes.navigation.nearest import Nearest

Place = tuple[float, float]


def spread(kind: str, count: int) -> list[Place]:
    rng = random.Random(count)
    if kind == "in a row":
        return [(rng.uniform(-5, 30), 2.0) for _ in range(count)]
    if kind == "in two heaps":
        return [(rng.choice((0.0, 40.0)) + rng.random(), rng.random()) for _ in range(count)]
    return [(rng.uniform(-5, 30), rng.uniform(10, 20)) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 50, 400])
@pytest.mark.parametrize("kind", ["anywhere", "in a row", "in two heaps"])
def test_no_place_is_nearer_than_the_one_found(kind: str, count: int) -> None:
    places = spread(kind, count)
    nearest = Nearest(places)
    rng = random.Random(1)
    for _ in range(100):
        x, y = rng.uniform(-60, 60), rng.uniform(-60, 60)
        found = nearest(x, y)
        assert found is not None
        least = min(math.dist(place, (x, y)) for place in places)
        assert math.dist(places[found], (x, y)) == pytest.approx(least)


def test_places_on_one_spot_are_no_trouble() -> None:
    assert Nearest([(1.0, 1.0)] * 5)(3.0, 3.0) == 0


def test_without_places_there_is_no_nearest_one() -> None:
    assert Nearest([])(0.0, 0.0) is None
