"""The demo library can be driven and delivered in."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np

from edge.domain.waypoints import WaypointKind
from ros_nodes.navigation.check import check
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.site_file import read_site
from ros_nodes.simulation.demo_library import demo_site, draw_library, write_demo_library


def test_it_has_what_the_stories_need() -> None:
    count = Counter(place.kind for place in demo_site().waypoints)
    assert count[WaypointKind.DESK] == 2
    assert count[WaypointKind.ROOM] == 6
    assert count[WaypointKind.DOCK] == 1
    assert count[WaypointKind.SHELF] == 14


def test_its_lanes_are_clear_of_walls_by_more_than_the_robot_needs() -> None:
    site = demo_site()
    assert check(draw_library(), site.waypoints, site.lanes, robot_radius_m=0.30) == []


def test_lanes_are_as_wide_as_they_say() -> None:
    grid, site = draw_library(), demo_site()
    places = {place.id: place for place in site.waypoints}
    for lane in site.lanes:
        start, end = places[lane.start], places[lane.end]
        free = 2 * grid.clearance_along((start.x, start.y), (end.x, end.y))
        assert lane.width_m <= free + 0.06, lane.id


def test_the_shelves_hold_all_call_numbers_from_000_to_999_once() -> None:
    ranges = sorted(place.call_numbers for place in demo_site().waypoints if place.call_numbers)
    assert ranges[0][0] == "000"
    assert ranges[-1][1] == "999.999"
    for before, after in itertools.pairwise(ranges):
        assert int(float(before[1])) + 1 == int(after[0])


def test_codes_are_those_on_the_signs() -> None:
    codes = {place.location_code for place in demo_site().waypoints}
    assert {"DESK-1", "DESK-2", "DOCK-1", "ROOM-101", "ROOM-106", "SHELF-A", "SHELF-N"} <= codes


def test_its_files_are_read_as_what_was_drawn(tmp_path: Path) -> None:
    map_path, site_path = write_demo_library(tmp_path)
    assert np.array_equal(load_map(map_path).cells, draw_library().cells)
    assert len(read_site(site_path).waypoints) == len(demo_site().waypoints)
