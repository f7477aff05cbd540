"""Every state and every event of each state machine: what follows, or that nothing changes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from edge.domain import requests, returns, tasks
from edge.domain.errors import InvalidTransitionError
from edge.domain.requests import RequestEvent, RequestStatus
from edge.domain.returns import ReturnEvent, ReturnStatus
from edge.domain.tasks import DRIVING, FINAL, LOADED, Phase, TaskEvent, TaskStatus, next_phase
from edge.domain.transitions import follow

Table = Mapping[Any, Mapping[Any, Any]]

# Written out a second time, by hand: what is not here must be refused.
TASKS = """
PENDING queue QUEUED                        PENDING cancel CANCELLED
QUEUED assign ASSIGNED                      QUEUED fail FAILED
QUEUED cancel CANCELLED                     ASSIGNED start TO_SOURCE
ASSIGNED release QUEUED                     ASSIGNED fail FAILED
ASSIGNED cancel CANCELLED                   TO_SOURCE arrive WAITING_FOR_LOAD
TO_SOURCE release QUEUED                    TO_SOURCE fail FAILED
TO_SOURCE cancel CANCELLED                  WAITING_FOR_LOAD load TO_DESTINATION
WAITING_FOR_LOAD give_up_waiting FAILED     WAITING_FOR_LOAD fail FAILED
WAITING_FOR_LOAD cancel CANCELLED           WAITING_FOR_LOAD release QUEUED
TO_DESTINATION arrive WAITING_FOR_HANDOVER
TO_DESTINATION fail RETURNING_LOAD          TO_DESTINATION cancel RETURNING_LOAD
WAITING_FOR_HANDOVER hand_over COMPLETED    WAITING_FOR_HANDOVER give_up_waiting RETURNING_LOAD
WAITING_FOR_HANDOVER fail RETURNING_LOAD    WAITING_FOR_HANDOVER cancel RETURNING_LOAD
RETURNING_LOAD arrive CANCELLED             RETURNING_LOAD fail FAILED
"""
REQUESTS = """
PENDING approve APPROVED            PENDING cancel CANCELLED
APPROVED start IN_PROGRESS          APPROVED cancel CANCELLED
IN_PROGRESS start IN_PROGRESS       IN_PROGRESS complete COMPLETED
IN_PROGRESS cancel CANCELLED
"""
RETURNS = """
PENDING schedule PICKUP_SCHEDULED   PENDING cancel CANCELLED
PICKUP_SCHEDULED pick_up PICKED_UP  PICKUP_SCHEDULED cancel CANCELLED
PICKED_UP complete COMPLETED
"""


def every(table: Table, written: str, states: type[StrEnum], events: type[StrEnum]) -> list[Any]:
    words = written.split()
    known = dict(zip(zip(words[::3], words[1::3], strict=True), words[2::3], strict=True))
    return [
        pytest.param(table, state, event, known.get((state, event)), id=f"{state}-{event}")
        for state in states
        for event in events
    ]


@pytest.mark.parametrize(
    ("table", "state", "event", "expected"),
    [
        *every(tasks.TABLE, TASKS, Phase, TaskEvent),
        *every(requests.TABLE, REQUESTS, RequestStatus, RequestEvent),
        *every(returns.TABLE, RETURNS, ReturnStatus, ReturnEvent),
    ],
)
def test_every_event_in_every_state(
    table: Table, state: StrEnum, event: StrEnum, expected: str | None
) -> None:
    if expected is not None:
        assert follow(table, state, event) == expected
        return
    with pytest.raises(InvalidTransitionError) as refusal:
        follow(table, state, event)
    assert refusal.value.details == {
        "from": state.value,
        "to": min(row[event] for row in table.values() if event in row).value,
        "allowed": sorted({one.value for one in table[state].values()}),
    }


@pytest.mark.parametrize(
    ("table", "states"),
    [(tasks.TABLE, Phase), (requests.TABLE, RequestStatus), (returns.TABLE, ReturnStatus)],
)
def test_every_state_has_a_line_and_can_be_reached(table: Table, states: type[StrEnum]) -> None:
    assert set(table) == set(states)
    reached = {after for line in table.values() for after in line.values()}
    assert reached == set(states) - {next(iter(states))}


@pytest.mark.parametrize("phase", Phase)
def test_a_phase_is_a_status_and_a_step(phase: Phase) -> None:
    if phase.status is TaskStatus.IN_PROGRESS:
        assert phase.step is not None and phase.step.value == phase.value
    else:
        assert phase.step is None and phase.status.value == phase.value


def test_only_what_is_over_has_no_way_on() -> None:
    assert {phase for phase, line in tasks.TABLE.items() if not line} == FINAL


def test_a_load_on_board_is_handed_over_or_brought_back_and_never_forgotten() -> None:
    for phase in LOADED - {Phase.RETURNING_LOAD}:
        assert {next_phase(phase, event) for event in tasks.TABLE[phase]} <= LOADED | {
            Phase.COMPLETED
        }


def test_what_drives_can_arrive_and_can_fail() -> None:
    for phase in DRIVING:
        assert {TaskEvent.ARRIVE, TaskEvent.FAIL} <= set(tasks.TABLE[phase])
