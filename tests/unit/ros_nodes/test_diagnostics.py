"""What `/diagnostics` makes of what is known."""

from dataclasses import replace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from edge import words
from edge.domain.line_faults import LineFault
from edge.domain.stops import MotionState, StopCause
from firmware_bridge.gate_state import BatteryState, Cause, GateState
from ros_nodes.diagnostics import Seen, statuses

WELL = Seen(
    GateState(MotionState.RUNNING, link="ok", battery=BatteryState(0.8, False, 14.0)),
    scan_age_s=0.1,
    scan_limit_s=0.5,
    scan_fault=None,
    localised=True,
    heard=frozenset({"navigator"}),
    silent=(),
)


def found(seen: Seen) -> dict[str, DiagnosticStatus]:
    return {one.name.removeprefix("luna: "): one for one in statuses(seen, "luna-01").status}


def gate(**changes: object) -> Seen:
    assert WELL.gate is not None
    return replace(WELL, gate=replace(WELL.gate, **changes))  # type: ignore[arg-type]


def test_a_robot_that_is_well_has_no_fault() -> None:
    assert {one.level for one in found(WELL).values()} == {DiagnosticStatus.OK}


@pytest.mark.parametrize("fault", LineFault)
def test_each_fault_of_the_line_is_named_with_its_remedy(fault: LineFault) -> None:
    line = found(gate(link="lost", link_fault=fault, counters={"link_losses": 3}))["serial line"]
    assert line.level == DiagnosticStatus.ERROR
    assert line.message == words.text("line", fault)
    values = {pair.key: pair.value for pair in line.values}
    assert values == {"fault": fault, "link_losses": "3"}


@pytest.mark.parametrize("cause", StopCause)
def test_each_cause_to_stand_is_said_in_words(cause: StopCause) -> None:
    seen = gate(state=MotionState.HOLD, causes=(Cause(cause, 0.0),))
    status = found(seen)["motion gate"]
    assert status.level == DiagnosticStatus.WARN and status.message == words.text("cause", cause)


@pytest.mark.parametrize(
    ("part", "seen", "level"),
    [
        ("motion gate", replace(WELL, gate=None), DiagnosticStatus.STALE),
        ("serial line", replace(WELL, gate=None), DiagnosticStatus.STALE),
        ("battery", gate(battery=None), DiagnosticStatus.STALE),
        (
            "battery",
            gate(causes=(Cause(StopCause.LOW_VOLTAGE, 0.0),)),
            DiagnosticStatus.ERROR,
        ),
        ("laser", replace(WELL, scan_age_s=None), DiagnosticStatus.ERROR),
        ("laser", replace(WELL, scan_age_s=0.6), DiagnosticStatus.ERROR),
        ("localisation", replace(WELL, localised=False), DiagnosticStatus.ERROR),
        ("localisation", replace(WELL, localised=None), DiagnosticStatus.STALE),
        ("nodes", replace(WELL, silent=("navigator",)), DiagnosticStatus.ERROR),
    ],
)
def test_what_is_not_well_shows(part: str, seen: Seen, level: bytes) -> None:
    assert found(seen)[part].level == level
