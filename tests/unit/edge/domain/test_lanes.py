"""Lanes: when they are closed, and what they may not say."""

from dataclasses import replace

import pytest

from edge.domain.lane_rules import lane_faults
from edge.domain.waypoints import Lane, Waypoint

SIX, SEVEN, EIGHT = (f"2026-01-31T0{hour}:00:00.000Z" for hour in (6, 7, 8))
PLACES = {
    "a": Waypoint("a", "Desk", "DESK", 0.0, 0.0),
    "b": Waypoint("b", "Hall", "", 3.0, 4.0),
    "c": Waypoint("c", "Ramp", "", 3.0, 4.0, 2.0),
}
LANE = Lane("ab", "a", "b", 5.0, 1.2, 0.5)


@pytest.mark.parametrize(
    ("closed_from", "closed_until", "seen"),
    [
        (None, None, (False, False, False)),
        (SEVEN, None, (False, True, True)),
        (None, SEVEN, (True, False, False)),
        (SEVEN, EIGHT, (False, True, False)),
    ],
)
def test_a_lane_is_closed_from_a_time_until_before_another(
    closed_from: str | None, closed_until: str | None, seen: tuple[bool, ...]
) -> None:
    lane = replace(LANE, closed_from=closed_from, closed_until=closed_until)
    times = (SIX, SEVEN, EIGHT)
    assert tuple(lane.is_closed(at) for at in times) == seen
    assert [lane.as_at(at) for at in times] == [replace(LANE, closed=closed) for closed in seen]
    assert all(replace(lane, closed=True).is_closed(at) for at in times)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"start": "x"}, "start", "no such waypoint"),
        ({"end": "a"}, "end", "same waypoint"),
        ({"width_m": 0.0}, "width_m", "above 0"),
        ({"speed_limit_m_s": -0.5}, "speed_limit_m_s", "above 0"),
        ({"speed_limit_m_s": float("nan")}, "speed_limit_m_s", "above 0"),
        ({"length_m": 4.9}, "length_m", "5.00 m apart"),
        ({"length_m": 50.0}, "length_m", "only 5.00 m apart"),
        ({"closed_from": EIGHT, "closed_until": SEVEN}, "closed_until", "before it closes"),
    ],
)
def test_a_lane_that_cannot_be_right_is_named(
    changes: dict[str, object], field: str, said: str
) -> None:
    wrong = replace(LANE, **changes)  # type: ignore[arg-type]
    (fault,) = lane_faults([wrong], PLACES)
    assert (fault.index, fault.field) == (0, field)
    assert said in fault.message and fault.message.startswith("The lane ab (")


def test_a_ramp_is_as_long_as_it_rises() -> None:
    ramp = Lane("ac", "a", "c", 5.0, 1.2, 0.5)
    (fault,) = lane_faults([ramp], PLACES)
    assert "5.39 m apart" in fault.message
    assert lane_faults([replace(ramp, length_m=5.39)], PLACES) == []


def test_two_lanes_that_contradict_each_other_are_both_named_with_what_they_say() -> None:
    back = replace(LANE, id="ba", start="b", end="a", speed_limit_m_s=0.3, closed=True)
    (fault,) = lane_faults([LANE, back], PLACES)
    assert fault.index == 1
    assert "ab (DESK to Hall) and ba (Hall to DESK)" in fault.message
    assert "speed limit 0.5 and 0.3, closed no and yes" in fault.message


def test_a_lane_given_twice_is_named() -> None:
    (fault,) = lane_faults([LANE, replace(LANE, id="again")], PLACES)
    assert "ab (" in fault.message and "again (" in fault.message and "the same" in fault.message
    (fault,) = lane_faults([LANE, LANE, replace(LANE, start="c", length_m=2.0)][::2], PLACES)
    assert (fault.index, fault.field) == (1, "id")


def test_a_lane_each_way_is_no_contradiction() -> None:
    there = replace(LANE, one_way=True)
    back = replace(there, id="ba", start="b", end="a", speed_limit_m_s=0.3)
    assert lane_faults([there, back], PLACES) == []
