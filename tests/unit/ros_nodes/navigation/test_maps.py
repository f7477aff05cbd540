"""Maps as map_server writes them, with what real files do."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros_nodes.navigation import images
from ros_nodes.navigation.errors import MapError
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid, load_map, save_map
from tests.support.shared import shared_data

FACTS = "image: m.pgm\nresolution: 0.05\norigin: [-1.0, -2.0, 0.0]\n"
THRESHOLDS = "negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n"
LEVELS = [[254, 205, 0], [254, 254, 0]]


def write(
    directory: Path, facts: str = FACTS + THRESHOLDS, levels: list[list[int]] | None = None
) -> Path:
    pixels = np.array(levels or LEVELS, np.uint8)
    (directory / "m.pgm").write_bytes(images.encode_pgm(pixels))
    (directory / "m.png").write_bytes(images.encode_png(pixels))
    path = directory / "m.yaml"
    path.write_text(facts)
    return path


def cells(path: Path) -> list[list[int]]:
    """Top row first, as in the image."""
    rows: list[list[int]] = load_map(path).cells[::-1].tolist()
    return rows


def test_black_is_a_wall_white_is_floor_grey_is_unknown(tmp_path: Path) -> None:
    assert cells(write(tmp_path)) == [[0, -1, 100], [0, 0, 100]]


def test_the_images_last_row_is_the_grids_first(tmp_path: Path) -> None:
    assert load_map(write(tmp_path)).cells[0].tolist() == [0, 0, 100]


def test_a_png_is_read_as_a_pgm_is(tmp_path: Path) -> None:
    path = write(tmp_path, FACTS.replace("m.pgm", "m.png") + THRESHOLDS)
    assert cells(path) == [[0, -1, 100], [0, 0, 100]]


def test_negate_swaps_black_and_white(tmp_path: Path) -> None:
    path = write(tmp_path, FACTS + THRESHOLDS.replace("negate: 0", "negate: 1"))
    assert cells(path) == [[100, 100, 0], [100, 100, 0]]


def test_scale_gives_shades_between_the_thresholds(tmp_path: Path) -> None:
    path = write(tmp_path, FACTS + THRESHOLDS + "mode: scale\n", [[254, 150, 0], [200, 120, 0]])
    low, high = cells(path)
    assert (low[0], low[2]) == (0, 100)
    assert 0 < high[0] < low[1] < high[1] < 100


def test_shades_are_those_of_map_server_by_hand(tmp_path: Path) -> None:
    """Between free_thresh 0.2 and occupied_thresh 0.6: 1 + 98 * (taken - 0.2) / 0.4, rounded; taken is
    (255 - level) / 255. Level 204 is 0.2, which is not below free_thresh, and 102 is 0.6, not above the other."""
    facts = FACTS + "negate: 0\noccupied_thresh: 0.6\nfree_thresh: 0.2\nmode: scale\n"
    path = write(tmp_path, facts, [[205, 204, 153], [128, 102, 101]])
    assert cells(path) == [[0, 1, 50], [74, 99, 100]]
    negated = write(
        tmp_path, facts.replace("negate: 0", "negate: 1"), [[50, 51, 102], [127, 153, 154]]
    )
    assert cells(negated) == [[0, 1, 50], [74, 99, 100]]
    trinary = write(tmp_path, facts.replace("scale", "trinary"), [[205, 204, 153], [128, 102, 101]])
    assert cells(trinary) == [[0, -1, -1], [-1, -1, 100]]


def test_raw_minds_neither_thresholds_nor_negate(tmp_path: Path) -> None:
    facts = FACTS + THRESHOLDS.replace("negate: 0", "negate: 1") + "mode: raw\n"
    assert cells(write(tmp_path, facts, [[0, 50, 100], [0, 0, 7]])) == [[0, 50, 100], [0, 0, 7]]


def test_a_turned_map_lies_where_it_says_by_hand(tmp_path: Path) -> None:
    """Origin (1, 2), a quarter turn to the left, cells of half a metre: columns go north, rows go west."""
    facts = "image: m.pgm\nresolution: 0.5\norigin: [1.0, 2.0, 1.5707963267948966]\n" + THRESHOLDS
    grid = load_map(write(tmp_path, facts))
    assert grid.centre(0, 0) == pytest.approx((0.75, 2.25))
    assert grid.centre(0, 2) == pytest.approx((0.75, 3.25))
    assert grid.centre(1, 0) == pytest.approx((0.25, 2.25))
    assert grid.cell_of(0.1, 2.9) == (1, 1)
    wall = next(zip(*np.nonzero(grid.occupied), strict=True))
    assert wall == (0, 2)


def test_raw_takes_the_numbers_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, FACTS + THRESHOLDS + "mode: raw\n", [[0, 50, 100], [101, 255, 7]])
    assert cells(path) == [[0, 50, 100], [-1, -1, 7]]


def test_unknown_stays_unknown_where_the_saver_wrote_thresholds_that_make_it_free(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, FACTS + THRESHOLDS.replace("0.196", "0.25"))
    assert cells(path) == [[0, -1, 100], [0, 0, 100]]


def test_thresholds_decide_about_205_in_an_image_that_no_saver_wrote(tmp_path: Path) -> None:
    facts = FACTS + THRESHOLDS.replace("0.196", "0.25")
    assert cells(write(tmp_path, facts, [[254, 205, 0], [254, 230, 0]])) == [[0, 0, 100]] * 2


def test_a_map_that_leaves_out_what_old_files_leave_out_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "image: m.pgm\nresolution: 0.05\norigin: [-1.0, -2.0]")
    assert load_map(path).origin == Pose(-1.0, -2.0, 0.0)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("", "no resolution"),
        ("- 1\n", "no resolution"),
        ("a: [", "not YAML"),
        (FACTS.replace("0.05", "fine"), "resolution is not a number"),
        (FACTS.replace("0.05", ".nan"), "resolution is not a number"),
        (FACTS.replace("0.05", "5"), "5 m a cell is not sensible"),
        (FACTS.replace("[-1.0, -2.0, 0.0]", "0"), "origin is not"),
        (FACTS.replace("-2.0", "x"), "origin y is not a number"),
        (FACTS.replace("m.pgm", "other.pgm"), "cannot be read: No such file"),
        (FACTS + "mode: new\n", "'new' is none of"),
        (FACTS + "free_thresh: 0.7\n", "must be below"),
        (FACTS.replace("m.pgm", "m.yaml"), "neither a PGM nor a PNG"),
    ],
)
def test_a_file_that_is_no_map_ends_with_one_line(tmp_path: Path, facts: str, said: str) -> None:
    with pytest.raises(MapError, match=said) as caught:
        load_map(write(tmp_path, facts))
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_missing_map_says_so(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="cannot be read: No such file"):
        load_map(tmp_path / "nothing.yaml")


def test_a_binary_file_is_not_a_map(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(MapError, match="not a map"):
        load_map(path)


def test_a_map_without_free_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="has no free space"):
        load_map(write(tmp_path, levels=[[0, 205, 0], [205, 205, 0]]))


def test_a_saved_map_is_the_same_when_read(tmp_path: Path) -> None:
    grid = load_map(write(tmp_path))
    again = load_map(save_map(grid, tmp_path / "copy"))
    assert np.array_equal(again.cells, grid.cells)
    assert (again.resolution_m, again.origin) == (grid.resolution_m, grid.origin)
    assert np.array_equal(
        images.decode((tmp_path / "copy" / "map.png").read_bytes()), grid.to_gray()
    )


def test_the_real_librarys_map_is_read_with_its_quirks() -> None:
    grid = load_map(shared_data() / "library_map.yaml")
    assert grid.size_m == pytest.approx((19.85, 14.75))
    assert (grid.cells < 0).sum() == 20789
    assert grid.drivable.sum() < 1.05 * (grid.cells == 0).sum()


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-3, 3), st.integers(0, 19), st.integers(0, 29))
def test_a_cells_centre_lies_in_the_cell_however_the_map_is_turned(
    x: float, y: float, yaw: float, row: int, column: int
) -> None:
    grid = OccupancyGrid(np.zeros((20, 30), np.int8), 0.1, Pose(x, y, yaw))
    assert grid.cell_of(*grid.centre(row, column)) == (row, column)


def room(height: int = 40, width: int = 60) -> OccupancyGrid:
    """2 m x 3 m with a wall of one cell all around."""
    inside = np.zeros((height, width), np.int8)
    inside[[0, -1], :] = inside[:, [0, -1]] = 100
    return OccupancyGrid(inside, 0.05, Pose(0.0, 0.0, 0.0))


def test_clearance_is_the_way_to_the_walls_surface() -> None:
    assert room().clearance_at(1.525, 1.025) == pytest.approx(0.925, abs=1e-3)
    assert room().clearance_at(0.01, 0.01) == 0.0
    assert room().clearance_at(-5.0, 0.0) == 0.0


def test_the_maps_edge_is_a_wall() -> None:
    grid = OccupancyGrid(np.zeros((20, 20), np.int8), 0.05, Pose(0.0, 0.0, 0.0))
    assert grid.clearance_at(0.025, 0.525) == pytest.approx(0.025)


def test_an_inflated_map_leaves_what_the_robots_middle_may_take() -> None:
    passable = room().passable(0.19)
    rows, columns = np.nonzero(passable)
    assert (rows.min(), columns.min()) == (5, 5)


def test_a_shadow_in_open_space_is_drivable_and_the_inside_of_a_wall_is_not() -> None:
    grid = room()
    grid.cells[10:14, 10:14] = -1
    grid.cells[20:30, 30:40] = 100
    grid.cells[22:28, 32:38] = -1
    assert grid.drivable[12, 12]
    assert not grid.drivable[25, 35]


def test_the_distance_to_surfaces_is_below_zero_inside_of_them() -> None:
    grid = room()
    grid.cells[10:20, 10:20] = 100
    distance = grid.obstacle_distance_m
    assert distance[15, 15] == pytest.approx(-0.225)
    assert distance[15, 9] == pytest.approx(0.025)
    assert distance[15, 10] == pytest.approx(-0.025)


def test_the_least_clearance_of_a_way_is_found_between_its_ends() -> None:
    grid = room()
    grid.cells[10:12, 29:31] = 100
    assert grid.clearance_along((0.5, 1.0), (2.5, 1.0)) == pytest.approx(0.4, abs=0.03)
    assert grid.clearance_along((0.5, 0.55), (2.5, 0.55)) == 0.0
    assert math.isclose(grid.clearance_at(0.5, 1.0), 0.45, abs_tol=0.03)
