"""VDA 5050 and a robot that is stopped: nothing it sends lets the robot move."""

from pathlib import Path

from edge.domain.stops import StopSource
from edge.services import robot
from tests.integration.test_sync_vda5050 import (
    PREFIX,
    act,
    errors,
    node,
    order,
    send,
    wait_action,
    wait_state,
)
from tests.support import gates
from tests.support.gates import gate, reset
from tests.support.site import site


def test_neither_an_order_nor_an_action_ends_a_stop(tmp_path: Path) -> None:
    with site(tmp_path / "robot") as here, gate(here.data_dir):
        fleet = here.probe()
        here.start_sync()
        fleet.wait_message(f"{PREFIX}/connection")
        stop = gates.stop(here.data_dir / "run", source=StopSource.CLI, who="test", reason="test")
        wait_state(
            fleet, lambda state: state["safetyState"]["eStop"] == "MANUAL", "the stop in the state"
        )
        reset(here.data_dir / "run", stop.event_id)

        send(fleet, "order", order(node("ROOM-101", 0)))
        wait_state(fleet, lambda state: errors(state) == ["orderError"], "the order's refusal")
        wait_action(fleet, act(fleet, "stopPause"), "FAILED")

        assert here.library.do(robot.next_command) is None
