"""Proposals from nothing but a map: the demo library, a real one, and rooms drawn here."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from edge.domain.waypoints import WaypointKind
from ros_nodes.navigation.check import check
from ros_nodes.navigation.errors import MapError
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid, load_map
from ros_nodes.navigation.propose import propose
from ros_nodes.navigation.site_file import Site, by_id
from ros_nodes.navigation.skeleton import Skeleton, thin
from ros_nodes.simulation.demo_library import draw_library
from tests.support.shared import shared_data

RADIUS = 0.19


def office() -> OccupancyGrid:
    """8 m x 6 m with a pillar; the map's frame is turned and moved."""
    cells = np.zeros((120, 160), np.int8)
    cells[[0, -1], :] = cells[:, [0, -1]] = 100
    cells[55:65, 60:70] = 100
    return OccupancyGrid(cells, 0.05, Pose(3.0, -2.0, 0.5))


MAPS: dict[str, Callable[[], OccupancyGrid]] = {
    "demo": draw_library,
    "real": lambda: load_map(shared_data() / "library_map.yaml"),
    "office": office,
}


@pytest.fixture(scope="module", params=MAPS)
def proposal(request: pytest.FixtureRequest) -> tuple[OccupancyGrid, Site]:
    grid = MAPS[request.param]()
    return grid, propose(grid, RADIUS)


def test_there_is_all_that_a_delivery_needs(proposal: tuple[OccupancyGrid, Site]) -> None:
    count = Counter(place.kind for place in proposal[1].waypoints)
    assert count[WaypointKind.DESK] >= 1
    assert count[WaypointKind.ROOM] >= 2
    assert count[WaypointKind.SHELF] >= 1
    assert count[WaypointKind.DOCK] == 1
    assert count.total() < 100


def test_nothing_is_wrong_with_it(proposal: tuple[OccupancyGrid, Site]) -> None:
    grid, site = proposal
    assert check(grid, site.waypoints, site.lanes, RADIUS + 0.05) == []


def test_it_is_connected_and_named_without_repeats(proposal: tuple[OccupancyGrid, Site]) -> None:
    site = proposal[1]
    graph = nx.Graph((lane.start, lane.end) for lane in site.lanes)
    assert nx.is_connected(graph)
    assert set(graph) == set(by_id(site.waypoints))
    assert len(by_id(site.waypoints)) == len(site.waypoints)
    assert len({lane.id for lane in site.lanes}) == len(site.lanes)
    codes = [place.location_code for place in site.waypoints if place.location_code]
    assert len(set(codes)) == len(codes)


def test_the_dock_is_away_from_the_desk(proposal: tuple[OccupancyGrid, Site]) -> None:
    places = by_id(proposal[1].waypoints)
    dock, desk = places["dock-1"], places["desk-1"]
    assert Pose(dock.x, dock.y).distance(desk.x, desk.y) > 2.0


def test_stations_at_walls_look_at_them(proposal: tuple[OccupancyGrid, Site]) -> None:
    grid, site = proposal
    for place in site.waypoints:
        if place.kind in (WaypointKind.ROOM, WaypointKind.DESK):
            ahead = Pose(place.x, place.y, place.theta).compose(Pose(0.25, 0.0))
            assert grid.clearance_at(*ahead[:2]) < grid.clearance_at(place.x, place.y)


def test_the_same_map_gives_the_same_proposal(proposal: tuple[OccupancyGrid, Site]) -> None:
    grid, site = proposal
    assert propose(grid, RADIUS) == site


def test_each_study_room_of_the_demo_library_is_found() -> None:
    rooms = [place for place in propose(draw_library(), RADIUS).waypoints if place.kind == "room"]
    behind_doors = {
        int((place.x - 6.0) // 4.0) for place in rooms if place.y > 15.7 and place.x > 6
    }
    assert behind_doors == set(range(6))


@pytest.mark.parametrize("side", [3, 12, 25])
def test_a_map_with_too_little_room_is_refused_in_one_line(side: int) -> None:
    cells = np.zeros((side, side), np.int8)
    with pytest.raises(MapError, match="no room for a desk") as caught:
        propose(OccupancyGrid(cells, 0.05, Pose(0, 0, 0)), RADIUS)
    assert "\n" not in str(caught.value)


def test_a_thinned_shape_keeps_its_loops_and_its_pieces() -> None:
    shape = np.zeros((40, 60), bool)
    shape[5:35, 5:30] = True
    shape[15:25, 12:22] = False
    shape[10:14, 40:58] = True
    skeleton = Skeleton(thin(shape))
    graph = nx.Graph((a, b) for a, near in skeleton.neighbours.items() for b in near)
    assert nx.number_connected_components(graph) == 2
    assert len(nx.cycle_basis(graph)) == 1
    assert all(shape[cell] for cell in skeleton.cells)


def test_a_proposal_survives_its_file(tmp_path: Path) -> None:
    from ros_nodes.navigation.site_file import read_site, write_site

    grid = office()
    path = tmp_path / "site.yaml"
    write_site(propose(grid, RADIUS), path)
    site = read_site(path)
    assert check(grid, site.waypoints, site.lanes, RADIUS) == []
