"""The navigator's view of the site in the store: as it is now, and cheap to ask for once a second."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.services import places
from edge.settings import load
from ros_nodes.__main__ import StoreMemory
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from tests.support.store import LANES, Library, small_library

GRID = OccupancyGrid(np.zeros((100, 100), np.int8), 0.25, Pose(0.0, 0.0, 0.0))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def test_a_lane_closes_and_opens_when_its_time_comes(library: Library, tmp_path: Path) -> None:
    memory = StoreMemory(load(tmp_path), library.database, GRID)
    now = library.see(lambda reader: reader.now)
    later = library.do(lambda tx: (tx.later(60), tx.later(120)))
    lane = replace(LANES[0], closed_from=later[0], closed_until=later[1])
    library.do(lambda tx: places.set_lanes(tx, [lane]))
    assert now < later[0]
    before = memory.site()
    assert [one.closed for one in before.lanes] == [False]
    library.clock.advance(59)
    assert memory.site() is before
    library.clock.advance(1)
    assert [one.closed for one in memory.site().lanes] == [True]
    library.clock.advance(60)
    assert memory.site().lanes == before.lanes == LANES


def test_a_change_of_the_site_is_seen_and_anything_else_is_not(
    library: Library, tmp_path: Path
) -> None:
    memory = StoreMemory(load(tmp_path), library.database, GRID)
    before = memory.site()
    library.add_book("Persuasion")
    assert memory.site() is before
    room = library.see(lambda reader: places.find(reader, "ROOM-101"))
    library.do(lambda tx: places.update_waypoint(tx, replace(room, x=3.0)))
    moved = memory.site().find("ROOM-101")
    assert moved is not None and moved.x == 3.0
    library.do(lambda tx: places.delete_waypoint(tx, "crossing"))
    after = memory.site()
    assert after.lanes == () and after.find("crossing") is None
