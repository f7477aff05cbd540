"""The table of processes: what it promises whoever starts them."""

import itertools

import pytest

from edge.supervisor.roster import SIMULATION, Death, Program, Restart

FACTS = {
    "data_dir": "/data dir",
    "board": "/data dir/run/board",
    "max_speed_m_s": "0.5",
    "max_turn_rad_s": "1.5",
    "max_acceleration_m_s2": "0.5",
    "max_turn_acceleration_rad_s2": "3",
    "announce_s": "2",
    "holds_to_latch": "3",
    "central_port": "9000",
    "central_email": "central@library.example.org",
    "mqtt_host": "127.0.0.1",
    "mqtt_port": "1883",
    "site": "demo",
}


@pytest.mark.parametrize("program", SIMULATION, ids=lambda program: program.name)
def test_every_process_can_be_recognised_by_the_data_directory_in_its_arguments(
    program: Program,
) -> None:
    assert any(word.startswith("/data dir") for word in program.command(FACTS))


@pytest.mark.parametrize("program", SIMULATION, ids=lambda program: program.name)
def test_a_template_without_its_fact_is_an_error_and_not_an_empty_argument(
    program: Program,
) -> None:
    with pytest.raises(KeyError):
        program.command({})


def test_names_are_unique_and_needs_name_others() -> None:
    names = [program.name for program in SIMULATION]
    assert len(set(names)) == len(names)
    assert all(set(program.needs) < set(names) for program in SIMULATION)


def test_whatever_says_goodbye_through_another_ends_before_it() -> None:
    last = {program.name for program in SIMULATION if program.ends_last}
    assert last == {"gate", "body", "broker"}


def test_the_chain_that_moves_the_robot_is_what_stops_it_when_it_dies() -> None:
    chain = {program.name for program in SIMULATION if program.death is Death.STOPS}
    assert chain == {"gate", "body", "ros"}


def test_the_first_restart_is_at_once_and_later_ones_wait_ever_longer_up_to_a_limit() -> None:
    rule = Restart(backoff_s=0.5, longest_s=30)
    delays = [rule.delay_s(deaths) for deaths in range(1, 12)]
    assert delays[:5] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert all(a <= b for a, b in itertools.pairwise(delays))
    assert delays[-1] == 30
    assert rule.delay_s(100_000) == 30
