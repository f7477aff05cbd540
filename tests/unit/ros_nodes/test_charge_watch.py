"""What the battery told, kept in mind."""

import pytest

from edge.domain.power import Power, PowerLimits
from ros_nodes.charge_watch import ChargeWatch


@pytest.fixture
def watch() -> ChargeWatch:
    return ChargeWatch(PowerLimits(0.20, 0.08, 0.35), patience_s=20.0)


def test_nothing_is_known_before_the_battery_was_heard(watch: ChargeWatch) -> None:
    assert watch.look(0.0, None, charging=False, on_dock=True).power is None


def test_time_on_the_dock_without_charge_counts_from_its_beginning(watch: ChargeWatch) -> None:
    def look(now: float, *, charging: bool = False, on_dock: bool = True) -> float:
        return watch.look(now, 0.5, charging=charging, on_dock=on_dock).uncharged_s

    assert look(0, on_dock=False) == 0
    assert look(5) == 0
    assert look(25) == 20
    assert look(26, charging=True) == 0
    assert look(30) == 0
    assert look(31, on_dock=False) == 0


def test_a_full_battery_need_not_charge(watch: ChargeWatch) -> None:
    for now in (0.0, 60.0):
        charge = watch.look(now, 0.97, charging=False, on_dock=True)
    assert not charge.is_missed and charge.power is Power.OK


def test_it_docks_again_once_until_it_charged_or_was_elsewhere(watch: ChargeWatch) -> None:
    def docked_again(charging: bool = False) -> bool:
        return watch.look(0.0, 0.5, charging=charging, on_dock=False).docked_again

    watch.back_off()
    assert docked_again()
    watch.leave()
    assert not docked_again()
    watch.back_off()
    assert not docked_again(charging=True)
    assert not docked_again()
