"""Landmarks never promise more than is true."""

import math
import random
from itertools import product

import numpy as np
import pytest

from ros_nodes.navigation.landmarks import Landmarks

TURN = 0.6


def net(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places anywhere, each joined to the one before it and to some other; two islands."""
    rng = random.Random(seed)
    places = np.array([(rng.uniform(0, 20), rng.uniform(0, 20)) for _ in range(count)])
    half = count // 2
    ends = [(at, at - 1) for at in range(1, count) if at != half]
    ends += [(at, rng.randrange(half)) for at in range(1, half)]
    ends = [(a, b) for a, b in ends if a != b]
    lengths = [math.dist(places[a], places[b]) * rng.uniform(1, 2) for a, b in ends]
    return places, np.array(ends), np.array(lengths)


def all_times(places: np.ndarray, ends: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Seconds from the end of each arc to the end of each other, by Floyd and Warshall."""
    arcs = [(int(a), int(b), t) for (a, b), t in zip(ends, time_s, strict=True)]
    arcs = [way for a, b, t in arcs for way in ((a, b, t), (b, a, t))]
    heading = [math.atan2(*(places[b] - places[a])[::-1]) for a, b, _ in arcs]
    times = np.full((len(arcs), len(arcs)), np.inf)
    np.fill_diagonal(times, 0.0)
    for one, two in product(range(len(arcs)), repeat=2):
        if one != two and arcs[one][1] == arcs[two][0]:
            turn = abs(math.remainder(heading[two] - heading[one], math.tau))
            times[one, two] = TURN * turn + arcs[two][2]
    for by in range(len(arcs)):
        times = np.minimum(times, times[:, by, None] + times[by])
    return times


@pytest.mark.parametrize("count", [3, 5, 24])
@pytest.mark.parametrize("seed", range(4))
def test_a_bound_is_never_more_than_the_way_takes(seed: int, count: int) -> None:
    places, ends, time_s = net(seed, count)
    arcs = 2 * len(ends)
    landmarks = Landmarks(places, ends, time_s, TURN, np.arange(arcs))
    times = all_times(places, ends, time_s)
    tightest = 0.0
    for goal in range(arcs):
        bound = landmarks.bound_to([goal], [0])
        for start in range(arcs):
            assert bound(start) <= times[start, goal] + 1e-9
            if 0 < times[start, goal] < math.inf:
                tightest = max(tightest, bound(start) / times[start, goal])
    assert tightest > 0.8


def test_of_several_goals_the_nearest_one_bounds() -> None:
    places, ends, time_s = net(1, 24)
    arcs = 2 * len(ends)
    landmarks = Landmarks(places, ends, time_s, TURN, np.arange(arcs))
    times = all_times(places, ends, time_s)
    bound = landmarks.bound_to([3, 30], [0])
    assert all(bound(start) <= times[start, [3, 30]].min() + 1e-9 for start in range(arcs))
