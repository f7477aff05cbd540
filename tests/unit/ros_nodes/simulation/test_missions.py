"""Missions from seeds, on the three maps that `make bench-nav` uses."""

import math
from dataclasses import asdict

import pytest

from edge.domain.errors import SetupError
from ros_nodes.simulation.missions import (
    COURSES,
    DEMO,
    LIBRARY,
    MAZE,
    SHORTEST_M,
    Course,
    choose_mission,
    find_course,
    measure,
    real_map,
    run_mission,
)
from ros_nodes.simulation.rehearsal import Outcome


@pytest.fixture(scope="module", params=COURSES)
def course(request: pytest.FixtureRequest) -> Course:
    if request.param == LIBRARY and not real_map().is_file():
        pytest.skip(f"the real library's map is not at {real_map()} (set LUNA_SHARED)")
    return find_course(request.param)


def facts(outcome: Outcome) -> dict[str, object]:
    said = {key: value for key, value in asdict(outcome).items() if key != "route"}
    return said | {"path": outcome.route.points.tolist() if outcome.route else None}


def test_a_mission_among_people_is_done_without_help(course: Course) -> None:
    outcome = run_mission(course, 5)
    best = measure(course, choose_mission(course, 5))
    assert outcome.arrived, outcome.message
    assert outcome.collisions == 0
    assert outcome.goal_error_m < 0.10
    assert math.degrees(outcome.goal_error_rad) < 5
    assert outcome.driven_m < 1.2 * best.length_m
    assert outcome.seconds < 2 * best.time_s


def test_the_same_seed_gives_the_same_mission_exactly() -> None:
    course = find_course(MAZE)
    assert facts(run_mission(course, 73)) == facts(run_mission(find_course(MAZE), 73))
    assert facts(run_mission(course, 73)) != facts(run_mission(course, 173))


def test_missions_differ_and_none_is_too_short() -> None:
    course = find_course(DEMO)
    missions = [choose_mission(course, seed) for seed in range(50)]
    ends = {(mission.origin.id, mission.goal.id) for mission in missions}
    assert len(ends) > 30
    for mission in missions:
        apart = mission.start.distance(mission.goal.x, mission.goal.y)
        assert apart > SHORTEST_M - 0.1
        assert measure(course, mission).length_m >= apart - 0.1


def test_what_a_mission_is_measured_against_counts_speed_limits_and_acceleration() -> None:
    course = find_course(DEMO)
    best = measure(course, choose_mission(course, 1))
    assert best.time_s == pytest.approx(best.length_m / 0.5 + 1.0, rel=0.02)


def test_a_map_that_is_not_there_is_said_in_words() -> None:
    with pytest.raises(SetupError, match="There is no map"):
        find_course("nowhere.yaml")
