"""Fields over a grid: distance to the nearest marked cell, and connected regions. Plain numpy, all
in cells."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]
Labels = NDArray[np.int32]


def distance_to(mask: Mask, limit: int) -> Field:
    """Exact Euclidean distance from each cell's centre to that of the nearest marked cell, cut at
    `limit` cells.

    First along the columns, then the lower envelope across them. Cutting at `limit` is what makes
    the second step a bounded number of whole-array operations.
    """
    along = np.minimum(_along_columns(mask, limit), limit).astype(np.int32) ** 2
    best = along.copy()
    for shift in range(1, min(limit, mask.shape[1] - 1) + 1):
        add = shift * shift
        np.minimum(best[:, shift:], along[:, :-shift] + add, out=best[:, shift:])
        np.minimum(best[:, :-shift], along[:, shift:] + add, out=best[:, :-shift])
    return np.minimum(np.sqrt(best, dtype=np.float32), np.float32(limit))


def _along_columns(mask: Mask, limit: int) -> Labels:
    """Cells to the nearest marked cell of the same column; more than `limit` where there is none."""
    height = mask.shape[0]
    far = height + limit
    row = np.arange(height, dtype=np.int32)[:, None]
    below = np.maximum.accumulate(np.where(mask, row, -far), axis=0)
    above = np.minimum.accumulate(np.where(mask, row, far + height)[::-1], axis=0)[::-1]
    nearest: Labels = np.minimum(row - below, above - row)
    return nearest


def label_regions(mask: Mask) -> Labels:
    """Number the regions of marked cells that touch by their sides: 1, 2, ...; 0 where not marked.

    Runs of each row are joined with those of the row before, by union and find over the runs.
    """
    rows, starts, ends = _runs(mask)
    parent = list(range(len(rows)))

    def find(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(rows, np.arange(mask.shape[0] + 1)).tolist()
    for row in range(1, mask.shape[0]):
        above, here = first[row - 1], first[row]
        while above < first[row] and here < first[row + 1]:
            if starts[above] < ends[here] and starts[here] < ends[above]:
                low, high = sorted((find(above), find(here)))
                parent[high] = low
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    roots = np.array([find(run) for run in range(len(rows))], dtype=np.int64)
    names = np.unique(roots, return_inverse=True)[1] + 1
    labels = np.zeros(mask.shape, np.int32)
    for row, start, end, name in zip(rows.tolist(), starts, ends, names.tolist(), strict=True):
        labels[row, start:end] = name
    return labels


def _runs(mask: Mask) -> tuple[NDArray[np.int64], list[int], list[int]]:
    """Rows, first columns and columns past the end of all runs of marked cells, row by row."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    return rows, starts.tolist(), ends.tolist()


def largest_region(mask: Mask) -> Mask:
    """The region with the most cells; nothing marked where nothing is."""
    labels = label_regions(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    chosen: Mask = (labels == sizes.argmax()) & mask
    return chosen


def dilate(mask: Mask) -> Mask:
    """Marked cells and their eight neighbours."""
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    wide = out.copy()
    out[:, 1:] |= wide[:, :-1]
    out[:, :-1] |= wide[:, 1:]
    return out
