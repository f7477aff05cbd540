"""Pictures of maps: what a person should see on them."""

import itertools
from dataclasses import replace

import numpy as np

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation import images
from ros_nodes.navigation.draw import Picture
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.lettering import lettering
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.site_file import Site, link

A = Waypoint("a", "Desk", "D", 2.0, 2.0, kind=WaypointKind.DESK)
B = Waypoint("b", "Hall", "", 6.0, 2.0)
LANE = link(A, B, width_m=1.0, speed_limit_m_s=0.5)
RED = (215, 40, 40)


def picture(lane: Lane) -> Picture:
    """Four pixels to a cell of 5 cm, 8 m by 4 m."""
    made = Picture(OccupancyGrid(np.zeros((80, 160), np.int8), 0.05, Pose(0.0, 0.0, 0.0)), 4)
    made.site(Site((A, B), (lane,)))
    return made


def row_of_the_lane(lane: Lane) -> list[tuple[int, ...]]:
    """Colours from half a metre behind A's nose to B's dot."""
    return [tuple(pixel) for pixel in picture(lane).pixels[160, 220:460].tolist()]


def test_an_open_lane_is_one_line() -> None:
    assert set(row_of_the_lane(LANE)) == {(120, 170, 220)}


def test_a_closed_lane_is_dashed_in_red() -> None:
    colours = row_of_the_lane(replace(LANE, closed=True))
    red = [colour == RED for colour in colours]
    assert set(colours) == {RED, (254, 254, 254)}
    assert sum(a != b for a, b in itertools.pairwise(red)) >= 6


def test_a_lane_that_is_closed_for_a_time_has_a_colour_of_its_own() -> None:
    colours = set(row_of_the_lane(replace(LANE, closed_until="2026-08-01T18:00:00.000Z")))
    assert RED not in colours and (235, 130, 20) in colours


def test_an_arrow_on_a_one_way_lane_points_the_way_it_goes() -> None:
    def widths(lane: Lane) -> list[int]:
        """Of the arrow's blue, column by column."""
        blue = (picture(lane).pixels[:320] == (30, 80, 150)).all(axis=2).sum(axis=0)
        found: list[int] = blue[blue > 0].tolist()
        return found

    there = widths(replace(LANE, one_way=True))
    back = widths(replace(LANE, one_way=True, start="b", end="a"))
    half = len(there) // 4
    assert there[0] > there[half - 1] and there == back[::-1]
    assert widths(LANE) == []


def test_a_name_at_the_edge_is_not_cut_off() -> None:
    desk = replace(A, x=0.0, y=0.0, location_code="DESK-1")
    made = Picture(OccupancyGrid(np.zeros((80, 160), np.int8), 0.05, Pose(0.0, 0.0, 0.0)), 3)
    made.site(Site((desk,), ()))
    ink = (made.pixels[:240] == (204, 32, 34)).all(axis=2)
    assert (
        ink[225:239, 1 : 1 + lettering("DESK-1", 2).shape[1]].sum()
        > lettering("DESK-1", 2).sum() / 2
    )


def test_letters_are_what_they_look_like() -> None:
    rows = ["".join("#" if dot else "." for dot in row) for row in lettering("a-1")]
    assert rows[0] == ".###..........#.."  # A, -, 1 with a gap after each
    assert rows[3] == "#####.#####...#.."
    assert lettering("Ä").tolist() == lettering("A").tolist()
    assert lettering("漢").tolist() == lettering("?").tolist()
    assert lettering("AB", 3).shape == (21, 33)


def test_the_picture_is_a_png() -> None:
    assert images.decode(picture(LANE).to_png()).shape == picture(LANE).pixels.shape[:2]
