"""The tables of stops: complete, and each rule as the design has it."""

import itertools

import pytest

from edge.domain.errors import InvalidTransitionError
from edge.domain.stops import (
    ASKED_BY_PEOPLE,
    EFFECTS,
    LATCH,
    STANDING_STATES,
    Effect,
    LatchEvent,
    LatchState,
    MotionState,
    StopCause,
    StopSource,
    cause_of,
    motion_state,
    next_latch,
)

ALLOWED = {
    ("CLEAR", "STOP"): "LATCHED",
    ("CLEAR", "RESUME"): "CLEAR",
    ("LATCHED", "STOP"): "LATCHED",
    ("LATCHED", "RESET"): "RESET",
    ("RESET", "STOP"): "LATCHED",
    ("RESET", "RESET"): "RESET",
    ("RESET", "RESUME"): "CLEAR",
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(LatchState, LatchEvent)))
def test_each_state_answers_each_event_or_refuses_it(state: LatchState, event: LatchEvent) -> None:
    if (state, event) in ALLOWED:
        assert next_latch(state, event) == ALLOWED[state, event]
    else:
        with pytest.raises(InvalidTransitionError):
            next_latch(state, event)


def test_every_state_is_in_the_table() -> None:
    assert set(LATCH) == set(LatchState)


def test_every_cause_has_its_effect() -> None:
    assert set(EFFECTS) == set(StopCause)


@pytest.mark.parametrize("source", StopSource)
def test_every_source_shows_a_cause_that_latches(source: StopSource) -> None:
    assert EFFECTS[cause_of(source)] is Effect.LATCH


@pytest.mark.parametrize(
    "cause", ["LINK_LOST", "ROS_SILENT", "SUPERVISOR_SILENT", "PROTECTIVE_ZONE", "LOW_VOLTAGE"]
)
def test_trouble_of_the_chain_only_holds(cause: str) -> None:
    assert EFFECTS[StopCause(cause)] is Effect.HOLD


def test_clients_may_not_claim_what_the_gate_finds_out_itself() -> None:
    assert {"BUTTON", "BUMPER", "TILT", "LIFTED", "RUNAWAY", "LATCH_FILE"}.isdisjoint(
        ASKED_BY_PEOPLE
    )


@pytest.mark.parametrize(
    ("latch", "held", "state"),
    [
        ("CLEAR", False, "RUNNING"),
        ("CLEAR", True, "HOLD"),
        ("LATCHED", False, "LATCHED"),
        ("LATCHED", True, "LATCHED"),
        ("RESET", False, "RESET"),
        ("RESET", True, "RESET"),
    ],
)
def test_the_latch_wins_over_a_hold(latch: str, held: bool, state: str) -> None:
    assert motion_state(LatchState(latch), held=held) is MotionState(state)


def test_the_robot_stands_until_a_person_acts_as_long_as_the_latch_is_not_clear() -> None:
    latched = {motion_state(latch, held=False) for latch in LatchState if latch != "CLEAR"}
    assert latched == STANDING_STATES
