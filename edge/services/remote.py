"""What sync has to know again after its restart: central's stream, remote orders under way, the fleet's order."""

from typing import Any

from edge.store.database import Reader, Transaction
from edge.store.memory import Memory

_DOWN, _ORDERS, _FLEET = "sync.down", "sync.orders", "sync.vda5050"


def down_stream(reader: Reader) -> str:
    """The stream that central last told us by; empty where it never did."""
    return str(Memory(reader).get(_DOWN).get("stream", ""))


def set_down_stream(tx: Transaction, stream: str) -> None:
    if down_stream(tx) != stream:
        Memory(tx).put(_DOWN, {"stream": stream})


def orders(reader: Reader) -> dict[str, str]:
    """The orders to the robot that a remote command gave and that are not answered yet: command by order."""
    return {str(order): str(command) for order, command in Memory(reader).get(_ORDERS).items()}


def expect(tx: Transaction, order_id: str, command_id: str) -> None:
    """The end of this order is the answer to this command."""
    Memory(tx).put(_ORDERS, orders(tx) | {order_id: command_id})


def answered(tx: Transaction, order_id: str) -> None:
    Memory(tx).put(
        _ORDERS, {order: command for order, command in orders(tx).items() if order != order_id}
    )


def fleet_order(reader: Reader) -> dict[str, Any]:
    """The VDA 5050 order as it was last saved; empty where there was none."""
    return Memory(reader).get(_FLEET)


def save_fleet_order(tx: Transaction, order: dict[str, Any]) -> None:
    Memory(tx).put(_FLEET, order)
