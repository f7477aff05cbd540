"""Distances and regions."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ros_nodes.navigation.field import Mask, dilate, distance_to, label_regions, largest_region

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


@given(masks, st.integers(1, 12))
def test_the_distance_is_that_to_the_nearest_marked_cell(mask: Mask, limit: int) -> None:
    rows, columns = np.indices(mask.shape)
    expected = np.full(mask.shape, float(limit))
    for row, column in np.argwhere(mask):
        np.minimum(expected, np.hypot(rows - row, columns - column), out=expected)
    assert distance_to(mask, limit) == pytest.approx(expected, abs=1e-5)


@given(masks)
def test_regions_are_the_connected_components(mask: Mask) -> None:
    graph: nx.Graph[tuple[int, int]] = nx.Graph()
    cells = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    graph.add_nodes_from(cells)
    graph.add_edges_from(
        (cell, near)
        for cell in cells
        for near in ((cell[0] + 1, cell[1]), (cell[0], cell[1] + 1))
        if near in cells
    )
    labels = label_regions(mask)
    assert np.array_equal(labels > 0, mask)
    for region in nx.connected_components(graph):
        names = {int(labels[cell]) for cell in region}
        assert len(names) == 1
        assert int((labels == names.pop()).sum()) == len(region)


def test_the_largest_region_of_nothing_is_nothing() -> None:
    assert not largest_region(np.zeros((3, 4), bool)).any()


def test_the_largest_region_is_the_one_with_the_most_cells() -> None:
    mask = np.array([[1, 0, 1, 1], [1, 0, 0, 1]], bool)
    assert np.argwhere(largest_region(mask)).tolist() == [[0, 2], [0, 3], [1, 3]]


def test_dilation_takes_in_all_eight_neighbours() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert dilate(mask).sum() == 9
