"""The order under way: what may replace it, and what of it is done."""

import pytest

from sync.vda5050.messages import Order
from sync.vda5050.order import FleetOrder, RejectedError, Step, steps_of

PLACES = {"A": (0.0, 0.0), "B": (2.0, 0.0), "C": (4.0, 0.0)}


def order(
    *names: str, order_id: str = "o", update: int = 0, first: int = 0, base: int = 99
) -> Order:
    """An order along `names`; of its nodes, `base` are released."""
    nodes = [
        {"nodeId": name, "sequenceId": first + 2 * place, "released": place < base}
        for place, name in enumerate(names)
    ]
    edges = [
        {"edgeId": f"e{place}", "sequenceId": first + 2 * place + 1, "released": place + 1 < base}
        for place in range(len(names) - 1)
    ]
    body = {"orderId": order_id, "orderUpdateId": update, "nodes": nodes, "edges": edges}
    return Order.model_validate(body)


def taken(*orders: Order) -> FleetOrder:
    fleet = FleetOrder()
    for one in orders:
        assert fleet.check(one)
        fleet.take(one, steps(one), "drive")
    return fleet


def steps(one: Order) -> list[Step]:
    return steps_of(one, lambda node: PLACES.get(node.node_id))


def ids(fleet: FleetOrder) -> list[str]:
    return [step.id for step in fleet.steps]


def test_the_first_node_is_behind_the_robot_at_once() -> None:
    fleet = taken(order("A", "B", "C"))

    assert ids(fleet) == ["e0", "B", "e1", "C"]
    assert (fleet.last_node_id, fleet.last_sequence) == ("A", 0)


def test_a_single_node_is_still_to_be_reached() -> None:
    assert ids(taken(order("B"))) == ["B"]


def test_nodes_are_struck_off_as_they_are_passed_and_only_in_order() -> None:
    fleet = taken(order("A", "B", "C"))

    assert not fleet.moved_to(4.0, 0.0)
    assert fleet.moved_to(2.1, 0.1)
    assert ids(fleet) == ["e1", "C"]
    assert fleet.last_node_id == "B"


def test_arriving_ends_all_that_is_released() -> None:
    fleet = taken(order("A", "B", "C", base=2))

    fleet.arrived()

    assert ids(fleet) == ["e1", "C"]
    assert fleet.target is None and fleet.drive is None


def test_a_horizon_is_not_driven() -> None:
    fleet = taken(order("A", "B", "C", base=2))

    assert fleet.target is not None and fleet.target.id == "B"


def test_an_update_replaces_the_horizon() -> None:
    fleet = taken(order("A", "B", "C", base=2))
    more = order("B", "A", update=1, first=2)

    assert fleet.check(more)
    fleet.take(more, steps(more), "other drive")

    assert ids(fleet) == ["e0", "B", "e0", "A"]
    assert (fleet.update_id, fleet.drive) == (1, "other drive")


def test_an_update_of_a_finished_order_begins_at_its_last_node() -> None:
    fleet = taken(order("A", "B"))
    fleet.arrived()
    more = order("B", "C", update=1, first=2)

    assert fleet.check(more)
    fleet.take(more, steps(more), "drive")

    assert ids(fleet) == ["e0", "C"]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (order("B", "C", order_id="other"), "orderError"),
        (order("C", "A", update=2, first=2), "orderUpdateError"),
    ],
)
def test_what_does_not_follow_is_rejected(wrong: Order, kind: str) -> None:
    fleet = taken(order("A", "B"))

    with pytest.raises(RejectedError) as refusal:
        fleet.check(wrong)
    assert refusal.value.kind == kind


def test_an_older_update_is_rejected_and_the_same_one_ignored() -> None:
    fleet = taken(order("A", "B"), order("B", "C", update=3, first=2))

    assert not fleet.check(order("A", "B", update=3))
    with pytest.raises(RejectedError) as refusal:
        fleet.check(order("A", "B", update=2))
    assert refusal.value.kind == "orderUpdateError"


def test_a_finished_order_is_not_driven_again() -> None:
    fleet = taken(order("A", "B", order_id="o-1"))
    fleet.arrived()
    other = order("B", "A", order_id="o-2")
    fleet.take(other, steps(other), "drive")
    fleet.arrived()

    with pytest.raises(RejectedError):
        fleet.check(order("A", "B", order_id="o-1"))


def test_a_failed_drive_frees_the_robot_and_is_told() -> None:
    fleet = taken(order("A", "B"))

    fleet.failed("BLOCKED")

    assert fleet.steps == [] and fleet.order_id == "o"
    assert [error["errorLevel"] for error in fleet.errors] == ["FATAL"]
    assert fleet.check(order("A", "B", order_id="next"))


def test_it_is_the_same_after_being_written_down() -> None:
    fleet = taken(order("A", "B", "C", base=2))
    fleet.set_action("a", "startPause", "FINISHED")
    fleet.reject(RejectedError("orderError", "because", orderId="x"))

    assert FleetOrder.from_json(fleet.to_json()) == fleet


def test_actions_and_orders_that_are_remembered_do_not_pile_up() -> None:
    fleet = FleetOrder()
    for number in range(500):
        fleet.remember(f"action:{number}")
        fleet.set_action(str(number), "startPause", "FINISHED")

    assert len(fleet.seen) == len(fleet.actions) == 100
    assert not fleet.remember("action:499")
