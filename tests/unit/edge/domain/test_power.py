"""The battery has its say: what is taken, given back, finished, and told."""

from dataclasses import replace
from typing import Any

import pytest

from edge.domain.errands import (
    ARRIVED,
    BACK_OFF,
    HOME,
    Answer,
    Claim,
    Drive,
    Forget,
    Go,
    Halt,
    Situation,
    Step,
    Tell,
    Wait,
    next_act,
)
from edge.domain.power import Alarm, Charge, Power, PowerLimits, power_after
from edge.domain.robots import CommandStatus, CommandType
from edge.domain.tasks import LOADED, Phase, TaskEvent
from tests.unit.edge.domain.test_errands import GO_TO_DESK, IDLE, busy, driving, order

LIMITS = PowerLimits(low=0.20, critical=0.08, charged=0.35)
ALARM = {
    Power.OK: frozenset(),
    Power.LOW: frozenset({Alarm.BATTERY_LOW}),
    Power.CRITICAL: frozenset({Alarm.BATTERY_CRITICAL}),
}


def with_power(now: Situation, power: Power, **charge: Any) -> Situation:
    """Staff know of it already."""
    return replace(now, charge=Charge(power, **charge), told=ALARM[power], approach="in-front")


def test_the_battery_is_low_until_it_is_well_charged() -> None:
    state: Power | None = None
    seen = []
    for level in (0.5, 0.2, 0.19, 0.21, 0.34, 0.35, 0.21, 0.19, 0.07, 0.1, 0.2, 0.36):
        state = power_after(state, level, LIMITS, charging=False)
        seen.append(state.value)
    low, critical = "LOW", "CRITICAL"
    assert seen == ["OK", "OK", low, low, low, "OK", "OK", low, critical, critical, low, "OK"]


def test_a_robot_that_starts_on_its_charger_charges_on_before_it_works() -> None:
    assert power_after(None, 0.3, LIMITS, charging=True) is Power.LOW
    assert power_after(None, 0.3, LIMITS, charging=False) is Power.OK


def test_with_a_low_battery_no_task_is_taken_and_it_goes_home_at_once() -> None:
    waiting = replace(IDLE, queued=True, at_home=False)
    assert next_act(with_power(waiting, Power.OK)) == Claim()
    for power in (Power.LOW, Power.CRITICAL):
        assert next_act(with_power(waiting, power)) == Go(HOME, "DOCK-1")
        at_home = replace(waiting, at_home=True)
        assert next_act(with_power(at_home, power)) == Wait()


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.ASSIGNED}))
def test_with_a_low_battery_what_is_begun_is_finished(phase: Phase) -> None:
    low = next_act(with_power(busy(phase), Power.LOW))
    assert low == next_act(with_power(busy(phase), Power.OK))


def test_with_a_low_battery_what_is_not_begun_is_given_back() -> None:
    act = next_act(with_power(busy(Phase.ASSIGNED), Power.LOW))
    assert act == Step("task-1", TaskEvent.RELEASE)


@pytest.mark.parametrize("phase", [Phase.ASSIGNED, Phase.TO_SOURCE, Phase.WAITING_FOR_LOAD])
def test_nearly_empty_it_gives_back_what_is_not_loaded_once_it_stands(phase: Phase) -> None:
    if phase is Phase.TO_SOURCE:
        assert next_act(with_power(driving(phase), Power.CRITICAL)) == Halt()
    act = next_act(with_power(busy(phase), Power.CRITICAL))
    assert act == Step("task-1", TaskEvent.RELEASE)


@pytest.mark.parametrize("phase", sorted(LOADED))
def test_nearly_empty_a_load_on_the_tray_is_still_delivered(phase: Phase) -> None:
    act = next_act(with_power(busy(phase), Power.CRITICAL))
    assert act == next_act(with_power(busy(phase), Power.OK))


def test_nearly_empty_it_can_be_sent_to_its_dock_alone_but_under_maintenance() -> None:
    ordered = replace(IDLE, orders=(GO_TO_DESK,))
    refused = Answer("order-1", CommandStatus.FAILED, "BATTERY")
    assert next_act(with_power(ordered, Power.CRITICAL)) == refused
    assert next_act(with_power(ordered, Power.LOW)) == Go("order-1", "DESK-2")
    maintained = replace(ordered, maintenance=True)
    assert next_act(with_power(maintained, Power.CRITICAL)) == Go("order-1", "DESK-2")
    dock = replace(IDLE, orders=(order(CommandType.DOCK),))
    assert next_act(with_power(dock, Power.CRITICAL)) == Go("order-1", "DOCK-1")


def test_without_charge_on_its_dock_it_backs_off_and_docks_again_once() -> None:
    ok = Power.OK
    assert next_act(with_power(IDLE, ok, uncharged_s=19.9)) == Wait()
    assert next_act(with_power(IDLE, ok, uncharged_s=20)) == Go(BACK_OFF, "in-front")
    backing = replace(IDLE, at_home=False, drive=Drive(BACK_OFF, "in-front"))
    assert next_act(with_power(backing, ok, docked_again=True)) == Wait()
    off = replace(backing, drive=Drive(BACK_OFF, "in-front", ARRIVED))
    assert next_act(with_power(off, ok, docked_again=True)) == Forget()
    away = replace(IDLE, at_home=False)
    assert next_act(with_power(away, ok, docked_again=True)) == Go(HOME, "DOCK-1")
    again = with_power(IDLE, ok, docked_again=True, uncharged_s=20)
    assert next_act(again) == Tell(frozenset({Alarm.NOT_CHARGING}))
    assert next_act(replace(again, told=frozenset({Alarm.NOT_CHARGING}))) == Wait()


@pytest.mark.parametrize("cause", ["paused", "maintenance", "stopped"])
def test_standing_for_another_cause_it_does_not_dock_again(cause: str) -> None:
    standing: dict[str, Any] = {cause: True}
    assert next_act(with_power(replace(IDLE, **standing), Power.OK, uncharged_s=99)) == Wait()


def test_alarms_are_told_once_also_while_stopped_and_taken_back() -> None:
    low = replace(IDLE, charge=Charge(Power.LOW), stopped=True)
    assert next_act(low) == Tell(frozenset({Alarm.BATTERY_LOW}))
    assert next_act(replace(low, told=frozenset({Alarm.BATTERY_LOW}))) == Wait()
    well = replace(low, charge=Charge(Power.OK), told=frozenset({Alarm.BATTERY_LOW}))
    assert next_act(well) == Tell(frozenset())


def test_before_the_battery_was_heard_alarms_stay_as_they_are() -> None:
    assert next_act(replace(IDLE, told=frozenset({Alarm.BATTERY_LOW}))) == Wait()


def test_where_the_dock_cannot_be_reached_it_tries_again_and_says_so() -> None:
    failed = with_power(replace(IDLE, at_home=False, home_failed=True), Power.LOW)
    both = frozenset({Alarm.BATTERY_LOW, Alarm.CANNOT_DOCK})
    assert next_act(failed) == Tell(both)
    told = replace(failed, told=both)
    assert next_act(replace(told, idle_s=29.9)) == Wait()
    assert next_act(replace(told, idle_s=30)) == Go(HOME, "DOCK-1")
