"""What is wrong with the robot's power: told once, and remembered."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from edge import words
from edge.domain.power import Alarm
from edge.services import alarms
from edge.store.memory import Memory
from tests.support.store import Library, small_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def test_staff_are_told_of_an_alarm_once_and_readers_never(library: Library) -> None:
    low, both = [Alarm.BATTERY_LOW], [Alarm.BATTERY_LOW, Alarm.NOT_CHARGING]
    for wanted in (low, low, both, low, [], low):
        library.do(partial(alarms.set_alarms, wanted=wanted))
    titles = [words.texts("alarm", one)[0] for one in (Alarm.BATTERY_LOW, Alarm.NOT_CHARGING)]
    assert library.told(library.librarian) == [*titles, titles[0]]
    assert library.told(library.student) == []


def test_an_alarm_keeps_its_time_and_stays_over_a_restart(library: Library) -> None:
    library.do(lambda tx: alarms.set_alarms(tx, [Alarm.BATTERY_LOW]))
    began = library.see(alarms.raised)
    library.clock.advance(60)
    library.do(lambda tx: alarms.set_alarms(tx, [Alarm.BATTERY_LOW, Alarm.CANNOT_DOCK]))
    now = library.see(alarms.raised)
    assert now[Alarm.BATTERY_LOW] == began[Alarm.BATTERY_LOW] < now[Alarm.CANNOT_DOCK]
    library.do(lambda tx: alarms.set_alarms(tx, []))
    assert library.see(alarms.raised) == {}


def test_an_alarm_of_another_program_is_left_out(library: Library) -> None:
    library.do(lambda tx: Memory(tx).put("alarms", {"TOO_LOUD": tx.now}))
    assert library.see(alarms.raised) == {}
