"""When each trip will be there. Times are on the first of January 2026."""

from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from edge.domain.arrivals import expect
from edge.domain.experience import SLOWER, WAIT_S, Experience
from edge.domain.tasks import Phase, Priority, Task, TaskType
from edge.domain.times import later, seconds_between
from edge.domain.travel import OFF_LANES_M_S, ROUND_ABOUT, Travel
from edge.domain.trips import Outlook
from edge.domain.waypoints import Waypoint

NOW = "2026-01-01T12:00:00.000Z"
PLACES = {"DESK": (0.0, 0.0), "ROOM": (20.0, 0.0), "HALL": (0.0, 10.0)}
AT = (0.0, 5.0)
GUESS = Experience(Travel([Waypoint(code, code, code, x, y) for code, (x, y) in PLACES.items()]))
PACE_S_PER_M = SLOWER * ROUND_ABOUT / OFF_LANES_M_S


def task(phase: Phase = Phase.QUEUED, **more: Any) -> Task:
    given: dict[str, Any] = {
        "id": "one",
        "task_type": TaskType.TRANSFER,
        "priority": Priority.NORMAL,
        "phase": phase,
        "source_location": "DESK",
        "destination_location": "ROOM",
        "attempts": 0,
        "phase_since": NOW,
        "created_at": NOW,
        **more,
    }
    required = [one.name for one in fields(Task) if one.default is one.default_factory is MISSING]
    return Task(**{**dict.fromkeys(required), **given})


def seconds_until(eta: str | None) -> float:
    assert eta is not None
    return seconds_between(NOW, eta)


def arrival(
    one: Task, experience: Experience = GUESS, at: tuple[float, float] | None = AT
) -> float:
    return seconds_until(expect([one], Outlook(at, NOW, experience))[0].eta)


def about(seconds: float) -> Any:
    """ETAs are told to ten seconds."""
    return pytest.approx(seconds, abs=10.0)


def test_a_trip_in_the_queue_counts_both_drives_and_the_loading() -> None:
    assert arrival(task()) == about(25 * PACE_S_PER_M + WAIT_S)


def test_the_next_begins_where_the_last_has_ended() -> None:
    first, second = task(), task(id="two", source_location="ROOM", destination_location="DESK")
    etas = [seconds_until(one.eta) for one in expect([first, second], Outlook(AT, NOW, GUESS))]
    assert etas[1] - etas[0] == about(2 * WAIT_S + 20 * PACE_S_PER_M)


def test_who_wants_it_later_gets_it_later() -> None:
    assert arrival(task(not_before=later(NOW, 3600))) == about(3600 + 25 * PACE_S_PER_M + WAIT_S)


@pytest.mark.parametrize(
    ("phase", "at", "seconds"),
    [
        (Phase.TO_SOURCE, AT, 25 * PACE_S_PER_M + WAIT_S),
        (Phase.WAITING_FOR_LOAD, AT, 20 * PACE_S_PER_M + WAIT_S),
        (Phase.TO_DESTINATION, (15.0, 0.0), 5 * PACE_S_PER_M),
    ],
)
def test_what_is_done_is_not_counted_again(phase: Phase, at: Any, seconds: float) -> None:
    assert arrival(task(phase), at=at) == about(seconds)


def test_who_has_waited_long_is_expected_any_moment() -> None:
    loading = task(Phase.WAITING_FOR_LOAD, phase_since=later(NOW, -10 * WAIT_S))
    assert arrival(loading) == about(20 * PACE_S_PER_M)


def test_what_has_arrived_says_since_when() -> None:
    there = task(Phase.WAITING_FOR_HANDOVER, phase_since=later(NOW, -30))
    assert arrival(there) == -30


def test_what_goes_back_arrives_nowhere_but_the_next_waits_for_it() -> None:
    back, then = task(Phase.RETURNING_LOAD), task(id="two")
    first, second = expect([back, then], Outlook((20.0, 0.0), NOW, GUESS))
    assert first.eta is None
    assert seconds_until(second.eta) == about(20 * PACE_S_PER_M + WAIT_S + 20 * PACE_S_PER_M)


def test_drives_and_waits_that_were_measured_count_more_than_guesses() -> None:
    measured = replace(GUESS, legs={("DESK", "ROOM"): 200.0}, waits={Phase.WAITING_FOR_LOAD: 10.0})
    assert arrival(task(Phase.WAITING_FOR_LOAD), measured) == about(210)
    halfway = arrival(task(Phase.TO_DESTINATION), measured, (10.0, 0.0))
    assert halfway == about(100)


def test_one_measured_drive_teaches_the_pace_of_all() -> None:
    measured = replace(GUESS, legs={("DESK", "ROOM"): 200.0})
    assert measured.drive_s((0.0, 0.0), "HALL") == pytest.approx(100.0)


def test_a_place_that_is_gone_and_an_unknown_pose_count_nothing() -> None:
    assert arrival(task(destination_location="GONE"), at=None) == about(WAIT_S)
