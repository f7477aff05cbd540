"""How every state machine here is written: one full table, state × event → next state.

An event that the table does not have for a state raises and changes nothing. Timers are events from outside.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from edge.domain.errors import InvalidTransitionError

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def follow(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> State:
    """The state after `event`. Raises InvalidTransitionError, naming what is possible instead."""
    try:
        return table[state][event]
    except KeyError:
        # People think in states: what the event leads to elsewhere, and what can be reached from here.
        wanted = min(row[event] for row in table.values() if event in row)
        raise InvalidTransitionError(state, wanted, sorted(set(table[state].values()))) from None
