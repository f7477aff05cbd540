"""Lower bounds for the time between two lanes, from exact times to a few waypoints at the rim of the site.

By the triangle inequality two lanes are at least as far apart as their times from a landmark differ, and
as their times to it. The times are taken with every lane open and driven both ways: closing a lane, and
opening it again, leaves them lower bounds.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import Points

_COUNT = 12
_USED = 3
"""Landmarks that one search looks at, of those behind its goal and again of those behind its start."""

Numbers = NDArray[np.int64]
Seconds = NDArray[np.float64]


class Landmarks:
    """A table of times for the arcs of a graph."""

    def __init__(
        self,
        places: Points,
        ends: Numbers,
        time_s: Seconds,
        turn_s_per_rad: float,
        arcs: Numbers,
    ) -> None:
        """`places` (n, 2) in metres, `ends` (m, 2) numbers of places, `time_s` (m) of each lane;
        `arcs`: 2k for lane k from its first to its second end, 2k + 1 for the way back."""
        lanes = _Lanes(places, ends, time_s, turn_s_per_rad)
        since = lanes.times_from(_rim(places, ends))
        until = since[:, np.arange(2 * len(ends)) ^ 1] - lanes.time_s  # the way back, driven back
        # On any way a value sinks by no more than the seconds driven. Where a landmark is not
        # reached, it says nothing.
        self._values = np.concatenate((-since, until))[:, arcs]
        self._values[~np.isfinite(self._values)] = 0.0
        self._looked_up = [memoryview(row) for row in self._values]

    def bound_to(self, goals: Sequence[int], starts: Sequence[int]) -> Callable[[int], float]:
        """The least seconds from the end of an arc to the end of one of the arcs `goals`, for a
        search that begins with the arcs `starts`."""
        ends = self._values[:, [*goals, *starts]]
        last = ends[:, : len(goals)].max(axis=1)
        gain = (ends[:, len(goals) :].max(axis=1) - last).reshape(2, -1)
        best = np.argsort(gain, axis=1)[:, -_USED:]
        best[1] += gain.shape[1]
        a, b, c, d, e, f = (self._looked_up[number] for number in best.flat)
        a0, b0, c0, d0, e0, f0 = last[best].ravel().tolist()

        def bound(arc: int) -> float:
            least: float = a[arc] - a0
            if (other := b[arc] - b0) > least:
                least = other
            if (other := c[arc] - c0) > least:
                least = other
            if (other := d[arc] - d0) > least:
                least = other
            if (other := e[arc] - e0) > least:
                least = other
            if (other := f[arc] - f0) > least:
                least = other
            return least if least > 0.0 else 0.0

        return bound


class _Lanes:
    """All lanes both ways: arc 2k drives lane k from its first to its second end, arc 2k + 1 back.

    For each arc those that go on from its end, turning back among them, one behind the other.
    """

    def __init__(
        self, places: Points, ends: Numbers, time_s: Seconds, turn_s_per_rad: float
    ) -> None:
        tail, head = ends.ravel(), ends[:, ::-1].ravel()
        self.time_s = np.repeat(time_s, 2)
        heading = np.arctan2(*(places[head] - places[tail]).T[::-1])
        self._out = np.argsort(tail, kind="stable")
        self._first = np.searchsorted(tail[self._out], np.arange(len(places) + 1))
        self._count = np.diff(self._first)[head]
        self._begin = np.cumsum(self._count) - self._count
        self._onward = self._out[_ranges(self._first[head], self._count)]
        turn = np.abs(heading[self._onward] - np.repeat(heading, self._count))
        turn = np.minimum(turn, math.tau - turn)
        self._cost = turn_s_per_rad * turn + self.time_s[self._onward]

    def times_from(self, sources: Sequence[int]) -> Seconds:
        """Seconds from each of the places, in any heading, to the end of each arc, shape (sources,
        arcs); inf where there is no way.

        A wave: all that has become quicker to reach is followed at once, until nothing does. A
        number of `wave` is that of an arc, and of its source times the number of arcs.
        """
        arcs = len(self.time_s)
        times = np.full(len(sources) * arcs, np.inf)
        seen = np.empty(len(times), np.int32)
        out = [self._out[self._first[place] : self._first[place + 1]] for place in sources]
        wave = np.concatenate([first + number * arcs for number, first in enumerate(out)])
        times[wave] = self.time_s[wave % arcs]
        while len(wave):
            arc = wave % arcs
            count = self._count[arc]
            way = _ranges(self._begin[arc], count)
            onward = self._onward[way] + np.repeat(wave - arc, count)
            reached = self._cost[way] + np.repeat(times[wave], count)
            quicker = (reached < times[onward]).nonzero()[0]
            wave, reached = onward[quicker], reached[quicker]
            np.minimum.at(times, wave, reached)
            order = np.arange(len(wave), dtype=np.int32)
            seen[wave] = order  # of what is there twice, the last one stays
            wave = wave[seen[wave] == order]
        return times.reshape(len(sources), arcs)


def _ranges(first: Numbers, count: Numbers) -> Numbers:
    """first[0], first[0] + 1, ... (count[0] numbers), first[1], ..."""
    end = np.cumsum(count)
    ranges: Numbers = np.repeat(first - end + count, count) + np.arange(count.sum())
    return ranges


def _rim(places: Points, ends: Numbers) -> list[int]:
    """Of the places with lanes the farthest from the middle, one in each direction."""
    used = np.unique(ends)
    x, y = (places[used] - (places[used].min(axis=0) + places[used].max(axis=0)) / 2).T
    outwards = np.argsort(np.hypot(x, y), kind="stable")
    direction = np.floor(np.arctan2(y, x) / math.tau % 1 * _COUNT)[outwards]
    farthest = dict(zip(direction.tolist(), used[outwards].tolist(), strict=True))
    return (list(farthest.values()) * _USED)[: max(len(farthest), _USED)]
