"""The order of a trip's stops, against every order there is and against a second way to find the best."""

import itertools
import random
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.domain.stop_order import (
    EXACT_STATES,
    Errand,
    Times,
    best_order,
    cost,
    exact_order,
    good_order,
)


def floor(nodes: int, seed: int) -> Times:
    """Seconds along aisles at right angles between places of a floor of 60 by 40 m, at 1 m/s."""
    places = np.random.default_rng(seed).uniform((0, 0), (60, 40), (nodes, 2))
    times: Times = np.abs(places[:, None] - places[None, :]).sum(axis=2)
    return times


def is_possible(errands: Sequence[Errand], order: Sequence[int], capacity: int) -> bool:
    """Each stop once, no delivery before its pick-up, and never more on board than there is room for."""
    if sorted(order) != sorted(node for errand in errands for node in errand.stops):
        return False
    load = sum(len(errand.stops) == 1 for errand in errands)
    at = {node: place for place, node in enumerate(order)}
    if any(at[errand.stops[0]] > at[errand.stops[-1]] for errand in errands):
        return False
    for node in order:
        load += 1 if any(errand.stops[0] == node != errand.stops[-1] for errand in errands) else -1
        if load > capacity:
            return False
    return True


def told_cost(times: Times, errands: Sequence[Errand], order: Sequence[int]) -> float:
    """As the sentence says it: the end, and each errand's arrival as often as it weighs."""
    clock, at, total = 0.0, 0, 0.0
    for node in order:
        clock += float(times[at, node])
        at = node
        total += sum(errand.weight * clock for errand in errands if errand.stops[-1] == node)
    return total + clock


def by_going_on(times: Times, errands: Sequence[Errand], capacity: int) -> float:
    """The least cost, by trying each next stop from each situation; what is on board is known from what is done."""

    @cache
    def rest(done: frozenset[int], at: int) -> float:
        load = sum(
            (len(one.stops) == 1 or one.stops[0] in done) and one.stops[-1] not in done
            for one in errands
        )
        rate = 1 + sum(one.weight for one in errands if one.stops[-1] not in done)
        found = []
        for one in errands:
            left = [node for node in one.stops if node not in done]
            if left and (len(left) == 1 or load < capacity):
                there = rate * float(times[at, left[0]])
                found.append(there + rest(done | {left[0]}, left[0]))
        return min(found, default=0.0)

    return rest(frozenset(), 0)


@st.composite
def trips(draw: st.DrawFn, most: int = 4) -> tuple[Times, list[Errand], int]:
    """Any times, also such that a way round is shorter; some errands on board, the others not."""
    pairs = draw(st.integers(0, most))
    singles = draw(st.integers(0 if pairs else 1, most - pairs + 1))
    nodes = iter(range(1, 100))
    weights = st.sampled_from([0.0, 0.25, 1.0, 3.0])
    errands = [
        Errand(tuple(itertools.islice(nodes, stops)), draw(weights))
        for stops in draw(st.permutations([2] * pairs + [1] * singles))
    ]
    size = 2 * pairs + singles + 1
    seconds = st.integers(0, 50).map(float)
    times = np.array(
        draw(
            st.lists(st.lists(seconds, min_size=size, max_size=size), min_size=size, max_size=size)
        )
    )
    return times, errands, max(singles, draw(st.integers(1, 5)))


@settings(max_examples=60, deadline=None)
@given(trips(most=3))
def test_no_order_at_all_costs_less(trip: tuple[Times, list[Errand], int]) -> None:
    times, errands, capacity = trip
    stops = [node for errand in errands for node in errand.stops]
    orders = (one for one in itertools.permutations(stops) if is_possible(errands, one, capacity))
    least = min(told_cost(times, errands, order) for order in orders)
    order = best_order(times, errands, capacity)
    assert is_possible(errands, order, capacity)
    assert told_cost(times, errands, order) == pytest.approx(least)
    assert cost(times, errands, order) == pytest.approx(least)


@settings(max_examples=40, deadline=None)
@given(trips(most=6))
def test_a_second_way_to_find_it_finds_the_same_cost(trip: tuple[Times, list[Errand], int]) -> None:
    times, errands, capacity = trip
    order = exact_order(times, errands, capacity)
    assert is_possible(errands, order, capacity)
    assert told_cost(times, errands, order) == pytest.approx(by_going_on(times, errands, capacity))


@settings(max_examples=40, deadline=None)
@given(trips(most=4))
def test_a_good_order_is_possible_and_never_better_than_the_best(
    trip: tuple[Times, list[Errand], int],
) -> None:
    times, errands, capacity = trip
    order = good_order(times, errands, capacity)
    assert is_possible(errands, order, capacity)
    assert order == good_order(times, errands, capacity)
    best = exact_order(times, errands, capacity)
    assert told_cost(times, errands, order) >= told_cost(times, errands, best) - 1e-9


def pairs(count: int, weight: float = 0.0) -> list[Errand]:
    return [Errand((2 * at + 1, 2 * at + 2), weight * (at % 3)) for at in range(count)]


def singles(count: int) -> list[Errand]:
    return [Errand((at,)) for at in range(1, count + 1)]


@pytest.mark.parametrize(
    ("errands", "capacity"),
    [(singles(16), 16), (pairs(11), 4), (pairs(11, 1.0), 4)],
    ids=["16 stops", "11 pairs", "11 pairs with weights"],
)
def test_beyond_what_is_exact_the_mean_gap_is_small(errands: list[Errand], capacity: int) -> None:
    gaps = []
    for seed in range(4):
        times = floor(1 + sum(len(errand.stops) for errand in errands), seed)
        found = cost(times, errands, good_order(times, errands, capacity))
        best = cost(times, errands, exact_order(times, errands, capacity))
        gaps.append(found / best - 1)
    assert sum(gaps) / len(gaps) <= 0.05


@pytest.mark.parametrize(("count", "exact"), [(15, True), (16, False)])
def test_up_to_fifteen_stops_are_exact(count: int, exact: bool) -> None:
    assert (2**count <= EXACT_STATES) == exact


@pytest.mark.parametrize(("count", "exact"), [(10, True), (11, False)])
def test_up_to_ten_pairs_are_exact(count: int, exact: bool) -> None:
    assert (3**count <= EXACT_STATES) == exact


def test_what_is_urgent_goes_first_where_that_costs_little() -> None:
    """Two rooms on both sides, the nearer one first; unless the farther one weighs enough."""
    times = np.array([[0.0, 10, 15], [10, 0, 25], [15, 25, 0]])
    assert best_order(times, [Errand((1,)), Errand((2,))], 2) == [1, 2]
    assert best_order(times, [Errand((1,)), Errand((2,), 2.0)], 2) == [2, 1]


def test_who_carries_more_than_there_is_room_for_can_still_deliver() -> None:
    """Slots were taken away in the settings while something lay in each."""
    errands = [Errand((1,)), Errand((2,)), Errand((3, 4))]
    order = best_order(floor(5, 1), errands, 1)
    assert is_possible(errands, order, 2)


def test_with_nothing_to_do_there_is_no_stop() -> None:
    assert best_order(np.zeros((1, 1)), [], 3) == []


def test_first_come_first_served_drives_much_farther() -> None:
    """How much, `make bench` tells; here only that it is never the same."""
    more = []
    for seed in range(5):
        errands = pairs(random.Random(seed).randint(4, 6))
        times = floor(2 * len(errands) + 1, seed)
        in_turn = [node for errand in errands for node in errand.stops]
        best = best_order(times, errands, 4)
        more.append(cost(times, errands, in_turn) / cost(times, errands, best) - 1)
    assert min(more) > 0.1
