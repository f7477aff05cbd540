"""The place nearest to a pose, in a time that does not grow with the number of places."""

import math
from collections.abc import Sequence


class Nearest:
    """Places sorted into square cells, about one to a cell."""

    def __init__(self, places: Sequence[tuple[float, float]]) -> None:
        xs, ys = [x for x, _ in places] or [0.0], [y for _, y in places] or [0.0]
        self._low, self._high = (min(xs), min(ys)), (max(xs), max(ys))
        wide, high = (high - low for low, high in zip(self._low, self._high, strict=True))
        self._size = max(math.sqrt(wide * high / len(xs)), max(wide, high) / len(xs), 1e-3)
        self._cells: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        for number, (x, y) in enumerate(places):
            self._cells.setdefault(self._cell_of(x, y), []).append((x, y, number))
        self._rings = max(self._cell_of(*self._high))

    def _cell_of(self, x: float, y: float) -> tuple[int, int]:
        return int((x - self._low[0]) / self._size), int((y - self._low[1]) / self._size)

    def __call__(self, x: float, y: float) -> int | None:
        """The number of the nearest place; None where there are no places.

        Looks at rings of cells around (x, y), or around the nearest point of the area of the places.
        """
        if not self._cells:
            return None
        inside_x = min(max(x, self._low[0]), self._high[0])
        inside_y = min(max(y, self._low[1]), self._high[1])
        outside = math.hypot(x - inside_x, y - inside_y)
        column, row = self._cell_of(inside_x, inside_y)
        nearest, best, ring = None, math.inf, 0
        while ring <= self._rings and best > math.hypot(outside, max(ring - 1, 0) * self._size):
            for cell in _ring(column, row, ring):
                for place_x, place_y, number in self._cells.get(cell, ()):
                    if (away := math.hypot(place_x - x, place_y - y)) < best:
                        nearest, best = number, away
            ring += 1
        return nearest


def _ring(column: int, row: int, ring: int) -> list[tuple[int, int]]:
    """The cells that are `ring` cells away, sideways or diagonally."""
    if not ring:
        return [(column, row)]
    left, right, low, high = column - ring, column + ring, row - ring, row + ring
    cells = [(across, up) for across in range(left, right + 1) for up in (low, high)]
    return cells + [(side, up) for side in (left, right) for up in range(low + 1, high)]
