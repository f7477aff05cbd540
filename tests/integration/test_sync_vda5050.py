"""The VDA 5050 face over a real broker: its messages keep the standard, and orders drive the robot."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from edge.domain.robots import CommandStatus, CommandType, RobotCommand
from edge.live import SOCKET_NAME, LiveServer
from edge.services import robot
from ros_nodes.navigation.maps import save_map
from ros_nodes.simulation.demo_library import draw_library
from tests.support.broker import Probe
from tests.support.gates import gate
from tests.support.shared import shared_data
from tests.support.site import Site, site, wait_for

PREFIX = "uagv/v2/LUNA/luna-01"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path / "robot") as made, gate(made.data_dir):
        yield made


@pytest.fixture
def fleet(here: Site) -> Probe:
    """A fleet manager, once the robot listens and knows that it may drive."""
    manager = here.probe()
    here.start_sync()
    manager.wait_message(f"{PREFIX}/connection")
    wait_state(
        manager,
        lambda state: state["safetyState"]["eStop"] != "MANUAL",
        "a robot that is not stopped",
    )
    return manager


def schema(topic: str) -> Draft202012Validator:
    folder = shared_data() / "vda5050-schemas" / "2.1.0"
    return Draft202012Validator(json.loads((folder / f"{topic}.schema").read_text()))


def header() -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.00Z")
    return {
        "headerId": 1,
        "timestamp": now,
        "version": "2.1.0",
        "manufacturer": "LUNA",
        "serialNumber": "luna-01",
    }


def node(node_id: str, sequence: int, *, released: bool = True, **more: Any) -> dict[str, Any]:
    return {"nodeId": node_id, "sequenceId": sequence, "released": released, "actions": [], **more}


def edge(start: str, end: str, sequence: int, *, released: bool = True) -> dict[str, Any]:
    return {
        "edgeId": f"{start}-{end}",
        "sequenceId": sequence,
        "released": released,
        "startNodeId": start,
        "endNodeId": end,
        "actions": [],
    }


def order(*nodes: dict[str, Any], update: int = 0, order_id: str = "") -> dict[str, Any]:
    edges = [
        edge(one["nodeId"], other["nodeId"], one["sequenceId"] + 1, released=other["released"])
        for one, other in pairwise(nodes)
    ]
    body = {
        "orderId": order_id or str(uuid4()),
        "orderUpdateId": update,
        "nodes": list(nodes),
        "edges": edges,
    }
    return header() | body


def send(fleet: Probe, topic: str, body: dict[str, Any]) -> None:
    fleet.publish(f"{PREFIX}/{topic}", json.dumps(body).encode(), qos=0)


def act(fleet: Probe, action_type: str, **parameters: Any) -> str:
    """Send an instant action; its id."""
    given = [{"key": key, "value": value} for key, value in parameters.items()]
    action_id = str(uuid4())
    action = {"actionId": action_id, "actionType": action_type, "blockingType": "NONE"}
    send(fleet, "instantActions", header() | {"actions": [action | {"actionParameters": given}]})
    return action_id


def wait_state(fleet: Probe, condition: Any, what: str) -> dict[str, Any]:
    topic = f"{PREFIX}/state"

    def newest(me: Probe) -> dict[str, Any] | None:
        said = me.payloads(topic)
        return json.loads(said[-1]) if said else None

    fleet.wait_for(lambda me: (newest(me) or {}) != {} and bool(condition(newest(me))), what)
    found = newest(fleet)
    assert found is not None
    return found


def wait_action(fleet: Probe, action_id: str, status: str) -> None:
    def ended(state: dict[str, Any]) -> bool:
        return any(
            one["actionId"] == action_id and one["actionStatus"] == status
            for one in state["actionStates"]
        )

    wait_state(fleet, ended, f"the action to be {status}")


def errors(state: dict[str, Any]) -> list[str]:
    return [error["errorType"] for error in state["errors"]]


def claim(here: Site) -> RobotCommand:
    return wait_for(lambda: here.library.do(robot.next_command), "an order to the robot")


def finish(
    here: Site, drive: RobotCommand, status: CommandStatus = CommandStatus.DONE, **result: str
) -> None:
    here.library.do(lambda tx: robot.finish_command(tx, drive.id, status, result))


def test_an_order_is_refused_under_maintenance(here: Site, fleet: Probe) -> None:
    here.library.do(lambda tx: robot.set_maintenance(tx, True))

    send(fleet, "order", order(node("ROOM-101", 0)))

    refused = wait_state(fleet, errors, "the refusal")
    assert "maintenance" in refused["errors"][0]["errorDescription"]
    assert here.library.do(robot.next_command) is None


def test_a_drive_that_does_not_begin_within_a_minute_is_not_begun(here: Site, fleet: Probe) -> None:
    sent = datetime.now(UTC)
    send(fleet, "order", order(node("ROOM-101", 0)))

    drive = wait_for(lambda: here.library.do(robot.next_command), "the drive")

    assert drive.expires_at is not None
    left = datetime.fromisoformat(drive.expires_at) - sent
    assert timedelta(seconds=55) < left < timedelta(seconds=90)


def test_every_message_keeps_the_official_schema(here: Site, fleet: Probe) -> None:
    live = LiveServer(here.data_dir / "run" / SOCKET_NAME)
    live.publish("pose", x=1.0, y=2.0, theta=0.5, frame="map")
    send(
        fleet,
        "order",
        order(node("DESK-1", 0), node("ROOM-101", 2), node("ROOM-102", 4, released=False)),
    )
    act(fleet, "factsheetRequest")
    act(fleet, "dance")
    send(fleet, "order", {"nodes": 7})
    wait_state(
        fleet, lambda state: "validationError" in errors(state), "the malformed order's error"
    )
    fleet.wait_message(f"{PREFIX}/visualization")
    fleet.wait_message(f"{PREFIX}/factsheet")
    here.stop_sync()
    fleet.wait_for(
        lambda me: b'"OFFLINE"' in me.payloads(f"{PREFIX}/connection")[-1],
        "the goodbye on connection",
    )
    live.close()

    for topic in ("connection", "state", "visualization", "factsheet"):
        check = schema(topic)
        messages = [json.loads(payload) for payload in fleet.payloads(f"{PREFIX}/{topic}")]
        assert messages, topic
        for message in messages:
            check.validate(message)


def test_header_ids_count_the_messages_of_each_topic(fleet: Probe) -> None:
    for _ in range(3):
        wait_action(fleet, act(fleet, "stateRequest"), "FINISHED")

    ids = [json.loads(payload)["headerId"] for payload in fleet.payloads(f"{PREFIX}/state")]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_an_order_is_driven_and_its_nodes_go_as_they_are_done(here: Site, fleet: Probe) -> None:
    send(fleet, "order", order(node("DESK-1", 0), node("ROOM-101", 2), order_id="o-1"))
    state = wait_state(fleet, lambda state: state["orderId"] == "o-1", "the order to be taken")
    assert [one["nodeId"] for one in state["nodeStates"]] == ["ROOM-101"]
    assert (state["lastNodeId"], state["lastNodeSequenceId"]) == ("DESK-1", 0)
    drive = claim(here)
    assert (drive.type, drive.params) == (CommandType.GO_TO, {"location": "ROOM-101"})

    finish(here, drive)

    state = wait_state(fleet, lambda state: not state["nodeStates"], "the order to be done")
    assert (state["orderId"], state["lastNodeId"], state["lastNodeSequenceId"]) == (
        "o-1",
        "ROOM-101",
        2,
    )
    assert state["edgeStates"] == [] and state["errors"] == []


def test_a_node_may_be_a_position_near_a_place(here: Site, fleet: Probe) -> None:
    position = {"x": 17.8, "y": 5.1, "mapId": "", "allowedDeviationXY": 0.4}
    send(fleet, "order", order(node("anything", 0, nodePosition=position)))

    assert claim(here).params == {"location": "ROOM-102"}


def test_an_order_survives_a_restart(here: Site, fleet: Probe) -> None:
    send(fleet, "order", order(node("DESK-1", 0), node("ROOM-101", 2), order_id="o-1"))
    drive = claim(here)
    wait_state(fleet, lambda state: state["orderId"] == "o-1", "the order in the state")
    here.kill_sync()
    seen = len(fleet.payloads(f"{PREFIX}/state"))
    here.start_sync()
    fleet.wait_for(
        lambda me: len(me.payloads(f"{PREFIX}/state")) > seen, "a state after the restart"
    )
    first = json.loads(fleet.payloads(f"{PREFIX}/state")[seen])
    assert first["orderId"] == "o-1" and len(first["nodeStates"]) == 1

    finish(here, drive)

    wait_state(fleet, lambda state: state["lastNodeId"] == "ROOM-101", "the order to be done")


def test_an_update_prolongs_the_order(here: Site, fleet: Probe) -> None:
    send(fleet, "order", order(node("DESK-1", 0), node("ROOM-101", 2), order_id="o-1"))
    first = claim(here)

    send(fleet, "order", order(node("ROOM-101", 2), node("ROOM-102", 4), update=1, order_id="o-1"))

    second = claim(here)
    assert second.params == {"location": "ROOM-102"}
    finish(here, first, CommandStatus.FAILED, reason="REPLACED")
    finish(here, second)
    state = wait_state(
        fleet, lambda state: state["lastNodeId"] == "ROOM-102", "the prolonged order to be done"
    )
    assert state["orderUpdateId"] == 1 and state["errors"] == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (order(node("NOWHERE", 0)), "noRouteError"),
        (order(node("ROOM-101", 1)), "validationError"),
        (order(node("DESK-1", 0), node("ROOM-101", 4)), "validationError"),
        (order(node("DESK-1", 0, released=False)), "validationError"),
        (order(node("DESK-1", 0), node("ROOM-101", 2)) | {"edges": []}, "validationError"),
        (
            order(node("ROOM-101", 0, actions=[{"actionId": "a", "actionType": "pick"}])),
            "orderError",
        ),
        (order(node("x", 0, nodePosition={"x": 2, "y": 5, "mapId": "moon"})), "orderError"),
        (order(node("DESK-1", 0)) | {"orderUpdateId": -1}, "validationError"),
    ],
)
def test_a_wrong_order_changes_nothing_but_the_errors(
    here: Site, fleet: Probe, wrong: dict[str, Any], error: str
) -> None:
    send(fleet, "order", wrong)

    state = wait_state(fleet, lambda state: bool(state["errors"]), "the error")
    assert errors(state) == [error]
    assert state["orderId"] == "" and state["nodeStates"] == []
    assert here.library.do(robot.next_command) is None


def test_another_order_while_one_is_under_way_and_an_old_one_again_are_rejected(
    here: Site, fleet: Probe
) -> None:
    first = order(node("DESK-1", 0), node("ROOM-101", 2), order_id="o-1")
    send(fleet, "order", first)
    drive = claim(here)
    send(fleet, "order", order(node("ROOM-102", 0), order_id="o-2"))
    wait_state(fleet, lambda state: "orderError" in errors(state), "the second order's refusal")
    finish(here, drive)
    wait_state(fleet, lambda state: not state["nodeStates"], "the first order to be done")
    send(fleet, "order", order(node("ROOM-102", 0), order_id="o-3"))
    finish(here, claim(here))
    wait_state(
        fleet,
        lambda state: state["orderId"] == "o-3" and not state["nodeStates"],
        "the third order",
    )

    send(fleet, "order", first)

    wait_state(fleet, lambda state: "orderError" in errors(state), "the replayed order's refusal")
    assert here.library.do(robot.next_command) is None


def test_cancelling_halts_the_robot(here: Site, fleet: Probe) -> None:
    send(fleet, "order", order(node("ROOM-101", 0), order_id="o-1"))
    claim(here)
    action = act(fleet, "cancelOrder")
    wait_action(fleet, action, "RUNNING")
    halt = claim(here)
    assert halt.type is CommandType.CANCEL_MOTION

    finish(here, halt)

    wait_action(fleet, action, "FINISHED")
    state = wait_state(fleet, lambda state: not state["nodeStates"], "no order")
    assert state["orderId"] == "o-1"


def test_cancelling_without_an_order_fails_with_a_warning(fleet: Probe) -> None:
    wait_action(fleet, act(fleet, "cancelOrder"), "FAILED")
    state = wait_state(fleet, lambda state: bool(state["errors"]), "the warning")
    assert errors(state) == ["noOrderToCancel"]


def test_a_pause_by_the_fleet_is_a_pause_of_the_robot(here: Site, fleet: Probe) -> None:
    wait_action(fleet, act(fleet, "startPause"), "FINISHED")
    assert here.library.see(robot.get_state).paused
    wait_state(fleet, lambda state: state["paused"], "paused in the state")

    wait_action(fleet, act(fleet, "stopPause"), "FINISHED")
    assert not here.library.see(robot.get_state).paused
    wait_state(fleet, lambda state: not state["paused"], "not paused in the state")


def test_an_action_that_is_not_offered_fails(fleet: Probe) -> None:
    wait_action(fleet, act(fleet, "dance"), "FAILED")


def test_a_fleet_manager_says_where_the_robot_is_and_nonsense_is_refused(
    here: Site, fleet: Probe
) -> None:
    save_map(draw_library(), here.data_dir / "map")
    for x, map_id in ((-30.0, ""), ("here", ""), (12.0, "another")):
        wrong = act(fleet, "initPosition", x=x, y=10.5, theta=0.5, mapId=map_id)
        wait_action(fleet, wrong, "FAILED")
    assert here.library.do(robot.next_command) is None

    right = act(fleet, "initPosition", x=12.0, y=10.5, theta=0.5, mapId="demo", lastNodeId="")

    wait_action(fleet, right, "FINISHED")
    order = claim(here)
    assert order.type is CommandType.INITIAL_POSE
    assert order.params == {"x": 12.0, "y": 10.5, "theta": 0.5}
