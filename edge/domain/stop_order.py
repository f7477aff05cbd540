"""The order of a trip's stops: open routes with pick-ups before deliveries and so many slots.

What is made least is, in seconds, `end + sum(weight * arrival)`: when the last stop is reached, and for each errand
when its last stop is, as often as it weighs. Without weights that is the shortest way; a weight of 1 values a second
that this errand waits as much as a second that the robot drives. A deadline goes into the weight, for lateness that
counts only from some moment on would need time in the state and make an exact answer unaffordable.

A second of driving costs `1 + the weights of what is not delivered yet`, which depends on what is done and not on the
order in which it was: so dynamic programming over what is done is exact (Held and Karp's, with three digits for a
pick-up and its delivery). Up to EXACT_STATES that is what `best_order` does, and above it something good.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
"""[from, to] in s, finite, the time at `to` included; node 0 is where the robot is."""

EXACT_STATES = 3**10
"""Ten pick-ups and deliveries, or fifteen deliveries of what is on board: some 20 ms."""
_DIGITS = {
    stops: (
        np.arange(stops + 1, dtype=np.int16),
        np.array([0, 1, 0][-stops - 1 :], np.int16),
        np.array([1.0, 1.0, 0.0][-stops - 1 :]),
    )
    for stops in (1, 2)
}
"""Of an errand with so many stops: how many are done, whether it is on board then, and whether it still waits."""
_TRIES = {1: 4, 2: 48}
"""Of the good order, for each errand with so many stops."""
_WORSE = 1.0
"""What is accepted at first, as a share of an average stop's cost."""


@dataclass(frozen=True, slots=True, eq=False)
class Errand:
    """`stops`: the node of its delivery, and before it that of its pick-up unless it is on board already."""

    stops: tuple[int, ...]
    weight: float = 0.0


def best_order(
    times: Times | Sequence[Sequence[float]], errands: Sequence[Errand], capacity: int
) -> list[int]:
    """The nodes in the order in which they cost least, with at most `capacity` on board, or what is there now."""
    times = np.asarray(times, float)
    capacity = max(capacity, sum(len(errand.stops) == 1 for errand in errands))
    states = math.prod(len(errand.stops) + 1 for errand in errands)
    solve = exact_order if states <= EXACT_STATES else good_order
    return solve(times, errands, capacity)


def cost(times: Times, errands: Sequence[Errand], order: Sequence[int]) -> float:
    """What an order costs, see above."""
    arrivals: list[float] = _arrivals(times, order).tolist()
    at = dict(zip(order, arrivals[1:], strict=True))
    return arrivals[-1] + sum(errand.weight * at[errand.stops[-1]] for errand in errands)


def exact_order(times: Times, errands: Sequence[Errand], capacity: int) -> list[int]:
    """A state is a number with a digit for each errand: how many of its stops are done. One with too much on board is
    reached, but nothing goes on from it."""
    states = _States(errands)
    least = np.full((len(times), len(states.load)), np.inf)
    least[0, 0] = 0.0
    for layer in states.layers(capacity):
        rate = states.rate[layer]
        reached = least.take(layer, axis=1) / rate
        for errand, stride, digits in zip(errands, states.strides, states.digits, strict=True):
            for done, node in enumerate(errand.stops):
                at = (digits[layer] == done).nonzero()[0]
                ways = reached.take(at, axis=1)
                ways += times[:, node, None]
                least[node, layer[at] + stride] = ways.min(axis=0) * rate[at]
    return _way_back(times, errands, states, least)


class _States:
    """All states, and of each: its `digits`, its `load`, and the cost of a second, `rate`."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self.strides: list[int] = []
        self._done = self.load = np.zeros(1, np.int16)
        self.rate = np.ones(1)
        digits = []
        for errand in errands:
            counting, on_board, waiting = _DIGITS[len(errand.stops)]
            self.strides.append(len(self._done))
            digits.append(counting.repeat(len(self._done)))
            self._done = np.add.outer(counting, self._done).ravel()
            self.load = np.add.outer(on_board, self.load).ravel()
            self.rate = np.add.outer(waiting * errand.weight, self.rate).ravel()
        self.digits = [np.resize(digit, len(self._done)) for digit in digits]

    def layers(self, capacity: int) -> list[NDArray[np.intp]]:
        """The states that fit on board, by how many stops are done; but for the last, in which all are."""
        fit = (self.load <= capacity).nonzero()[0]
        done = self._done[fit]
        in_turn = done.argsort(kind="stable")
        ends = done[in_turn].searchsorted(np.arange(self._done[-1] + 1)).tolist()
        return [fit[in_turn[start:end]] for start, end in itertools.pairwise(ends)]


def _way_back(
    times: Times, errands: Sequence[Errand], states: _States, least: NDArray[np.float64]
) -> list[int]:
    """The order, read from its end."""
    stride = {
        node: stride
        for errand, stride in zip(errands, states.strides, strict=True)
        for node in errand.stops
    }
    state = least.shape[1] - 1
    node = int(least[:, state].argmin())
    order: list[int] = []
    while node:
        order.append(node)
        state -= stride[node]
        node = int((least[:, state] / states.rate[state] + times[:, node]).argmin())
    return order[::-1]


def good_order(times: Times, errands: Sequence[Errand], capacity: int) -> list[int]:
    """Each errand put in where it costs least; then, again and again, some taken out and put in anew.

    A little worse is accepted at first, to get out of a dead end. The same for the same input: what looks like chance
    is counted from a fixed seed.
    """
    chance = np.random.default_rng(1)
    filling = _Filling(times, errands, capacity)
    order = best = filling.put_in([], sorted(errands, key=lambda one: -times[0, one.stops[-1]]))
    now = least = filling.cost(order)
    tries = sum(_TRIES[len(errand.stops)] for errand in errands)
    for number in range(tries):
        out = _some(chance, errands, [filling.owner[node] for node in order])
        tried = filling.put_in([node for node in order if filling.owner[node] not in out], out)
        then = filling.cost(tried)
        worse = _WORSE * least / len(order) * (1 - number / tries) * chance.exponential()
        if then <= now + worse:
            order, now = tried, then
        if now < least:
            best, least = order, now
    return best


def _some(
    chance: np.random.Generator, errands: Sequence[Errand], in_turn: Sequence[Errand]
) -> list[Errand]:
    """Up to half of the errands, in any order: those of neighbouring stops, or any."""
    count = int(chance.integers(2, max(2, len(errands) // 2), endpoint=True))
    if chance.random() < 0.5:
        start = int(chance.integers(len(in_turn)))
        found = list(dict.fromkeys(in_turn[start : start + count]))
    else:
        found = [errands[at] for at in chance.permutation(len(errands))[:count]]
    return [found[at] for at in chance.permutation(len(found))]


class _Filling:
    """Puts errands into an order. `owner`: of each node."""

    def __init__(self, times: Times, errands: Sequence[Errand], capacity: int) -> None:
        self.owner = {node: errand for errand in errands for node in errand.stops}
        self._times, self._capacity = times, capacity
        self._on_board = sum(len(errand.stops) == 1 for errand in errands)
        self._weighs, self._loads = np.zeros(len(times)), np.zeros(len(times), np.int64)
        for errand in errands:
            self._weighs[errand.stops[-1]] = errand.weight
            self._loads[errand.stops[0]], self._loads[errand.stops[-1]] = 1, -1

    def cost(self, order: list[int]) -> float:
        arrivals = _arrivals(self._times, order)
        return float(arrivals[-1] + self._weighs[order] @ arrivals[1:])

    def put_in(self, order: list[int], errands: Sequence[Errand]) -> list[int]:
        """Each where it costs least; first what is on board, which makes room."""
        for errand in sorted(errands, key=lambda one: len(one.stops)):
            order = self._put_in(order, errand)
        return order

    def _put_in(self, order: list[int], errand: Errand) -> list[int]:
        """`late` is what the delivery costs at each place of the order, `early` the pick-up."""
        weight, (*pick, drop) = errand.weight, errand.stops
        arrivals = _arrivals(self._times, order)
        rate = 1.0 + self._weighs[[*order, 0]][::-1].cumsum()[::-1]
        to_drop, detour = self._detours(order, drop)
        late = detour * rate + weight * (arrivals + to_drop)
        loads = self._on_board + self._loads[[0, *order]].cumsum()
        if not pick:
            late[(loads > self._capacity).cumsum() > 0] = np.inf  # the room is needed by then
            at = int(late.argmin())
            return [*order[:at], drop, *order[at:]]
        to_pick, pick_detour = self._detours(order, pick[0])
        both = (pick_detour * (rate + weight))[:, None] + late
        between = to_pick + self._times[pick[0], drop]
        np.fill_diagonal(both, (between + detour - to_drop) * rate + weight * (arrivals + between))
        full = np.concatenate(([0], (loads >= self._capacity).cumsum()))
        both[~np.triu(full[None, 1:] == full[:-1, None])] = np.inf
        first, last = divmod(int(both.argmin()), len(late))
        return [*order[:first], *pick, *order[first:last], drop, *order[last:]]

    def _detours(self, order: list[int], node: int) -> tuple[Times, Times]:
        """At each place of the order: seconds to the node from the stop before, and how much longer all becomes."""
        before = [0, *order]
        to = self._times[before, node]
        longer = to.copy()
        longer[:-1] += self._times[node, order] - self._times[before[:-1], order]
        return to, longer


def _arrivals(times: Times, order: Sequence[int]) -> Times:
    """At the start and at each stop."""
    nodes = [0, *order]
    legs = times[[0, *nodes[:-1]], nodes]
    legs[0] = 0.0
    arrivals: Times = legs.cumsum()
    return arrivals
