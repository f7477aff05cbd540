"""A pose that cannot be true is refused where it is said."""

import math
from pathlib import Path

import pytest

from edge.domain.errors import ValidationError
from edge.services.relocation import check_pose
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid, save_map
from ros_nodes.simulation.demo_library import draw_library

GRID = draw_library()


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    return save_map(GRID, tmp_path)


def test_a_free_place_is_taken_and_its_heading_is_made_short(map_file: Path) -> None:
    assert check_pose(map_file, 12.0, 10.5, 1.0 + math.tau) == {
        "x": 12.0,
        "y": 10.5,
        "theta": pytest.approx(1.0),
    }


@pytest.mark.parametrize(
    ("x", "y", "theta", "said"),
    [
        (math.nan, 1.0, 0.0, "numbers"),
        (1.0, math.inf, 0.0, "numbers"),
        (1.0, 1.0, math.nan, "numbers"),
        (1e9, 1.0, 0.0, "numbers"),
        (-30.0, 3.0, 0.0, "off the robot's map"),
        (3.0, 500.0, 0.0, "off the robot's map"),
    ],
)
def test_what_is_no_place_is_refused(
    map_file: Path, x: float, y: float, theta: float, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        check_pose(map_file, x, y, theta)


@pytest.mark.parametrize("origin", [GRID.origin, Pose(1.0, -2.0, 0.6)])
def test_each_place_is_judged_as_the_robot_sees_its_map(tmp_path: Path, origin: Pose) -> None:
    grid = OccupancyGrid(GRID.cells, GRID.resolution_m, origin)
    map_file = save_map(grid, tmp_path)
    rows, columns = GRID.cells.shape
    judged = {True: 0, False: 0}
    for number in range(0, rows * columns, 4999):
        row, column = divmod(number, columns)
        wall = bool(grid.occupied[row, column])
        judged[wall] += 1
        if wall:
            with pytest.raises(ValidationError, match="wall"):
                check_pose(map_file, *grid.centre(row, column), 0.0)
        else:
            check_pose(map_file, *grid.centre(row, column), 0.0)
    assert min(judged.values()) > 3


@pytest.mark.parametrize("broken", [b"", b"image: [", b"image: gone.pgm\n", b"7"])
def test_without_a_map_that_can_be_read_only_the_numbers_count(
    tmp_path: Path, broken: bytes
) -> None:
    map_file = tmp_path / "map.yaml"
    for content in (None, broken):
        if content is not None:
            map_file.write_bytes(content)
        assert check_pose(map_file, 1.0, 2.0, 0.0)["x"] == 1.0
        with pytest.raises(ValidationError):
            check_pose(map_file, math.nan, 2.0, 0.0)
