"""Places and lanes, changed over HTTP by those who may."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.served import LANES, Served, served

WAYPOINTS, EDGES = "/api/v1/robot/waypoints", "/api/v1/robot/edges"
MAP = b"P5\n200 160\n255\n" + bytes([0] * 200 * 20 + [254] * 200 * 140)
"""10 m by 8 m of floor, from (-1, -2) on; the last metre in the north is a wall."""
HALL = {"name": "Hall", "kind": "junction", "x_coordinate": 4.0, "y_coordinate": 4.5}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        (tmp_path / "map" / "map.pgm").write_bytes(MAP)
        yield one


@pytest.fixture
def staff(library: Served) -> TestClient:
    return library.asked_by("librarian")


def edges(staff: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = staff.get(EDGES).json()["data"]
    return found


def fields(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    found: dict[str, list[str]] = answer.json()["error"]["details"]["fields"]
    return found


def test_lanes_are_read_changed_and_read_again(staff: TestClient) -> None:
    wanted = edges(staff)
    wanted[0] |= {"one_way": True, "closed_from": "2026-08-01T20:00:00+02:00"}
    answer = staff.put(EDGES, json={"edges": wanted})
    assert answer.status_code == 200, answer.text
    wanted[0]["closed_from"] = "2026-08-01T18:00:00.000Z"
    assert answer.json()["data"] == edges(staff) == wanted


def test_a_stale_editor_of_the_lanes_loses_nobodys_work(staff: TestClient) -> None:
    read = staff.get(EDGES)
    wanted, stale = read.json()["data"], {"If-Match": read.headers["ETag"]}
    wanted[0]["closed"] = True
    written = staff.put(EDGES, json={"edges": wanted}, headers=stale)
    assert written.status_code == 200
    assert written.headers["ETag"] == staff.get(EDGES).headers["ETag"] != read.headers["ETag"]
    refused = staff.put(EDGES, json={"edges": []}, headers=stale)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert edges(staff) == wanted
    assert "If-Match" in fields(staff.put(EDGES, json={"edges": []}, headers={"If-Match": "x"}))


def test_lanes_that_contradict_are_refused_as_a_whole_with_both_named(staff: TestClient) -> None:
    before = edges(staff)
    other = before[0] | {"id": "other", "speed_limit_m_s": 0.2}
    (said,) = fields(staff.put(EDGES, json={"edges": [*before, other]}))["edges.2"]
    assert "l1 (DESK1 to R1) and other (DESK1 to R1)" in said
    assert "speed limit 0.5 and 0.2" in said
    assert edges(staff) == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"length_m": 1.0}, "length_m"),
        ({"width_m": 0}, "width_m"),
        ({"speed_limit_m_s": -1}, "speed_limit_m_s"),
        ({"end": "desk"}, "end"),
        ({"end": "nowhere"}, "end"),
        ({"closed_from": "tomorrow"}, "closed_from"),
    ],
)
def test_a_lane_that_cannot_be_right_is_refused(
    staff: TestClient, changes: dict[str, Any], field: str
) -> None:
    before = edges(staff)
    answer = staff.put(EDGES, json={"edges": [before[0] | changes, before[1]]})
    assert f"edges.0.{field}" in fields(answer)
    assert edges(staff) == before


def test_what_is_not_a_number_is_refused(staff: TestClient) -> None:
    """JSON has no NaN, but many programs write it."""
    body = '{"edges": [{"start": "desk", "end": "room", "length_m": NaN, "width_m": 1, "speed_limit_m_s": 1}]}'
    headers = {"Content-Type": "application/json"}
    assert fields(staff.put(EDGES, content=body, headers=headers))
    for value in ("NaN", "Infinity", "-Infinity"):
        text = f'{{"name": "x", "kind": "junction", "x_coordinate": {value}, "y_coordinate": 1}}'
        assert fields(staff.post(WAYPOINTS, content=text, headers=headers))


def test_a_place_off_the_map_is_refused(staff: TestClient) -> None:
    made = staff.post(WAYPOINTS, json=HALL)
    assert made.status_code == 201, made.text
    path = f"{WAYPOINTS}/{made.json()['data']['id']}"
    away = HALL | {"x_coordinate": 9.1}
    assert set(fields(staff.post(WAYPOINTS, json=away))) == {"x_coordinate", "y_coordinate"}
    assert fields(staff.put(path, json=away))
    assert staff.put(path, json=HALL | {"x_coordinate": 8.9}).status_code == 200


def test_a_place_inside_of_a_wall_is_refused(staff: TestClient) -> None:
    said = fields(staff.post(WAYPOINTS, json=HALL | {"y_coordinate": 5.5}))
    assert "inside of a wall" in said["y_coordinate"][0]


def test_a_stale_change_of_a_place_is_refused(staff: TestClient) -> None:
    made = staff.post(WAYPOINTS, json=HALL).json()["data"]
    path, stale = f"{WAYPOINTS}/{made['id']}", {"If-Match": f'"{made["version"]}"'}
    first = staff.put(path, json=HALL | {"theta": 1.0}, headers=stale)
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    second = staff.put(path, json=HALL | {"theta": 2.0}, headers=stale)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "CONFLICT")
    places = staff.get(WAYPOINTS, params={"limit": 100}).json()["data"]
    (found,) = [place for place in places if place["id"] == made["id"]]
    assert (found["theta"], found["version"]) == (1.0, 2)


def test_lanes_are_measured_anew_where_a_place_moves(staff: TestClient) -> None:
    places = staff.get(WAYPOINTS).json()["data"]
    (dock,) = [place for place in places if place["id"] == "dock"]
    names = ("name", "location_code", "kind", "y_coordinate")
    moved = {name: dock[name] for name in names} | {"x_coordinate": -0.5}
    before = staff.get(EDGES).headers["ETag"]
    assert staff.put(f"{WAYPOINTS}/dock", json=moved).status_code == 200
    after = staff.get(EDGES)
    assert after.headers["ETag"] != before
    assert {lane["id"]: lane["length_m"] for lane in after.json()["data"]} == {
        "l1": LANES[0].length_m,
        "l2": 3.354,
    }


def test_only_a_place_where_nobody_goes_needs_no_sign(staff: TestClient) -> None:
    assert "location_code" in fields(staff.post(WAYPOINTS, json=HALL | {"kind": "room"}))
    assert staff.post(WAYPOINTS, json=HALL | {"kind": "lift"}).status_code == 201
