"""What a process tells the others of its connections, for people who ask whether the robot is well."""

from edge.store.commands import Switches
from edge.store.database import Reader, Transaction

_MQTT = "mqtt_connected"


def mqtt_connected(reader: Reader) -> bool:
    """Whether sync last said that it is connected to the broker."""
    return _MQTT in Switches(reader).on(_MQTT)


def set_mqtt_connected(tx: Transaction, on: bool) -> None:
    """Said by sync at its start (False) and at each change. No history, and nothing for the other side."""
    Switches(tx).set(_MQTT, on)
