"""Waypoints and lanes in a file that people edit."""

import math
from pathlib import Path

import pytest

from edge.domain.waypoints import WaypointKind
from ros_nodes.navigation.errors import SiteFileError
from ros_nodes.navigation.site_file import read_site, write_site
from ros_nodes.simulation.demo_library import demo_site

TWO = "waypoints:\n  - {id: a, x: 1, y: 2}\n  - {id: b, x: 4, y: 6, kind: desk}\n"


def write(directory: Path, text: str) -> Path:
    path = directory / "site.yaml"
    path.write_text(text)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    site = demo_site()
    write_site(site, path)
    again = read_site(path)
    assert [place.id for place in again.waypoints] == [place.id for place in site.waypoints]
    for read, written in zip(again.waypoints, site.waypoints, strict=True):
        assert (read.name, read.location_code, read.kind) == (
            written.name,
            written.location_code,
            written.kind,
        )
        assert read.call_numbers == written.call_numbers
        assert read.theta == pytest.approx(written.theta, abs=1e-3)
    assert [lane.id for lane in again.lanes] == [lane.id for lane in site.lanes]
    write_site(again, tmp_path / "again.yaml")
    assert (tmp_path / "again.yaml").read_text() == path.read_text()


def test_each_waypoint_and_lane_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    write_site(demo_site(), path)
    lines = path.read_text().splitlines()
    assert len(lines) == 3 + len(demo_site().waypoints) + len(demo_site().lanes)


def test_a_length_is_written_only_where_it_is_not_that_between_the_ends(tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    lanes = "lanes:\n  - {from: a, to: b, length_m: 7}\n  - {id: back, from: b, to: a}\n"
    write_site(read_site(write(tmp_path, TWO + lanes)), path)
    bent, straight = path.read_text().splitlines()[-2:]
    assert "length_m: 7.0" in bent and "length_m" not in straight


def test_what_a_person_leaves_out_has_a_meaning(tmp_path: Path) -> None:
    site = read_site(write(tmp_path, TWO + "lanes:\n  - {from: a, to: b}\n"))
    assert site.waypoints[0].name == "a"
    assert site.waypoints[1].kind is WaypointKind.DESK
    assert site.lanes[0].length_m == 5.0
    assert not site.lanes[0].one_way


def test_a_time_of_being_closed_is_read_in_any_zone_and_written_again(tmp_path: Path) -> None:
    entry = "{from: a, to: b, closed_from: 2026-08-01T20:00:00+02:00, closed_until: 2026-08-03T06:00:00Z}"
    site = read_site(write(tmp_path, f"{TWO}lanes:\n  - {entry}\n"))
    (lane,) = site.lanes
    assert lane.closed_from == "2026-08-01T18:00:00.000Z"
    assert lane.closed_until == "2026-08-03T06:00:00.000Z"
    write_site(site, tmp_path / "again.yaml")
    assert read_site(tmp_path / "again.yaml").lanes == site.lanes


def test_angles_are_degrees_in_the_file(tmp_path: Path) -> None:
    site = read_site(write(tmp_path, "waypoints: [{id: a, x: 0, y: 0, theta_deg: 90}]"))
    assert site.waypoints[0].theta == pytest.approx(math.pi / 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no list of waypoints"),
        ("a: [", "not YAML"),
        ("waypoints: [{id: a, x: 1}]", "y is missing"),
        ("waypoints: [{id: a, x: 1, y: north}]", "north"),
        ("waypoints: [{id: a, x: 1, y: .nan}]", "not a number"),
        ("waypoints: [{id: a, x: 1, y: 1, kind: pub}]", "pub"),
        ("waypoints: [7]", "waypoint 7"),
        ("waypoints: [{id: a, x: 1, y: 1}, {id: a, x: 1, y: 1}]", "the same id"),
        (TWO + "lanes: [{from: a, to: c}]", "no waypoint c"),
        (TWO + "lanes: [{from: a}]", "to is missing"),
        (TWO + "lanes: [{from: a, to: a}]", "two ends"),
        (TWO + "lanes: [{from: a, to: b, width_m: 0}]", "above 0"),
        (TWO + "lanes: [{from: a, to: b, closed: 'no'}]", "closed is neither true nor false"),
        (
            TWO + "lanes: [{from: a, to: b, closed_from: 2026-08-01T18:00:00}]",
            "closed_from: .*zone",
        ),
        (TWO + "lanes: [{from: a, to: b, closed_until: soon}]", "closed_until: .*soon"),
    ],
)
def test_a_wrong_entry_is_named_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SiteFileError, match=said) as caught:
        read_site(write(tmp_path, text))
    assert "\n" not in caught.value.message


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match="cannot be read: No such file"):
        read_site(tmp_path / "nothing.yaml")
