"""Somebody says over HTTP where the robot is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from edge.domain.robots import CommandType
from edge.domain.users import SYSTEM
from edge.services import robot
from tests.support.served import Served, served

PATH = "/api/v1/robot/initial-pose"
ROWS, COLUMNS = 160, 200
FLOOR, WALL = 254, 0


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Served]:
    """10 m by 8 m of floor from (-1, -2) on, with a wall along its lower edge."""
    pixels = bytes([FLOOR]) * (ROWS - 10) * COLUMNS + bytes([WALL]) * 10 * COLUMNS
    with served(tmp_path) as one:
        (tmp_path / "map" / "map.pgm").write_bytes(b"P5\n200 160\n255\n" + pixels)
        yield one


@pytest.fixture
def staff(library: Served) -> TestClient:
    return library.asked_by("librarian")


def test_a_pose_on_the_floor_becomes_an_order_to_the_robot(
    library: Served, staff: TestClient
) -> None:
    answer = staff.post(PATH, json={"x": 4.0, "y": 1.0, "theta": 1.5})
    assert answer.status_code == 200, answer.text
    order = library.database.write(SYSTEM, robot.next_command)
    assert order is not None and order.type is CommandType.INITIAL_POSE
    assert order.params == {"x": 4.0, "y": 1.0, "theta": 1.5}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"x": -30.0, "y": 1.0}', "off the robot's map"),
        ('{"x": 4.0, "y": -1.9}', "inside of a wall"),
        ('{"x": NaN, "y": 1.0}', ""),
        ('{"x": 1e400, "y": 1.0}', ""),
        ('{"x": 1.0}', ""),
    ],
)
def test_a_pose_that_cannot_be_true_is_refused_and_orders_nothing(
    library: Served, staff: TestClient, body: str, said: str
) -> None:
    answer = staff.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert said in answer.text
    assert library.database.write(SYSTEM, robot.next_command) is None
