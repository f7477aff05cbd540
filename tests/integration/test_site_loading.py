"""luna map load: a site that a person edited becomes the robot's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from edge.domain.users import SYSTEM
from edge.domain.waypoints import Waypoint
from edge.services import places
from edge.store.database import Database, create
from ros_nodes import site_loading
from ros_nodes.navigation.commands import command
from ros_nodes.navigation.site_file import read_site
from ros_nodes.simulation.demo_library import write_demo_library


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    """A robot's data in `data`, and the site it was made from."""
    (tmp_path / "data" / "map").mkdir(parents=True)
    _, path = write_demo_library(tmp_path / "data" / "map")
    create(tmp_path / "data" / "luna.db", robot_id="luna-01")
    site = read_site(path)
    with opened(tmp_path) as database:
        database.write(SYSTEM, lambda tx: site_loading.load(tx, site))
    return path.rename(tmp_path / "places.yaml")


@contextmanager
def opened(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "data" / "luna.db")
    try:
        yield database
    finally:
        database.close()


def waypoints(tmp_path: Path) -> list[Waypoint]:
    with opened(tmp_path) as database:
        return database.read(places.waypoints)


def load(site_file: Path) -> Result:
    data = site_file.parent / "data"
    return CliRunner().invoke(command, ["load", str(site_file), "--data-dir", str(data)])


def test_the_robots_waypoints_have_ids_of_the_contract(site_file: Path, tmp_path: Path) -> None:
    assert {UUID(one.id).version for one in waypoints(tmp_path)} == {7}


def test_an_edited_place_keeps_its_id(site_file: Path, tmp_path: Path) -> None:
    before = {one.location_code: one.id for one in waypoints(tmp_path) if one.location_code}
    site_file.write_text(site_file.read_text().replace("Study room 101", "The quiet room"))
    assert load(site_file).exit_code == 0
    after = {one.location_code: one for one in waypoints(tmp_path) if one.location_code}
    assert {code: one.id for code, one in after.items()} == before
    assert after["ROOM-101"].name == "The quiet room"


def test_a_place_that_is_gone_is_no_longer_active(site_file: Path, tmp_path: Path) -> None:
    lines = site_file.read_text().splitlines()
    site_file.write_text("\n".join(line for line in lines if "room-101" not in line))
    assert load(site_file).exit_code == 0
    rooms = {one.location_code: one.is_active for one in waypoints(tmp_path)}
    assert rooms["ROOM-101"] is False and rooms["ROOM-102"] is True


def test_a_site_that_does_not_fit_the_map_changes_nothing(site_file: Path, tmp_path: Path) -> None:
    before = waypoints(tmp_path)
    site_file.write_text(site_file.read_text().replace("x: 4.8, y: 3.8", "x: 4.8, y: 2.8"))
    result = load(site_file)
    assert "in a wall" in str(result.exception)
    assert waypoints(tmp_path) == before
