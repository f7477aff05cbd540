"""What a fleet manager sends, read leniently, and the header of what we send. Names on the wire are the standard's."""

import math
from collections import Counter
from datetime import datetime
from typing import Any

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

VERSION = "2.1.0"


class Incoming(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, validate_by_name=True
    )


class NodePosition(Incoming):
    x: float
    y: float
    theta: float | None = None
    map_id: str = ""
    allowed_deviation: float = Field(
        0.0,
        ge=0,
        validation_alias=AliasChoices("allowedDeviationXY", "allowedDeviationXy"),
        description="m",
    )


class ActionParameter(Incoming):
    key: str
    value: Any = None


class Action(Incoming):
    action_id: str = Field(min_length=1, max_length=64)
    action_type: str
    action_parameters: list[ActionParameter] = Field(default_factory=list, max_length=100)

    def number(self, key: str) -> float:
        """A parameter; NaN where it is none, or no number."""
        value = next((one.value for one in self.action_parameters if one.key == key), None)
        return float(value) if isinstance(value, int | float) else math.nan

    def text(self, key: str) -> str:
        return next((str(one.value) for one in self.action_parameters if one.key == key), "")


class Node(Incoming):
    node_id: str
    sequence_id: int = Field(ge=0)
    released: bool
    node_position: NodePosition | None = None
    actions: list[Action] = Field(default_factory=list)


class Edge(Incoming):
    edge_id: str
    sequence_id: int = Field(ge=0)
    released: bool
    start_node_id: str = ""
    end_node_id: str = ""
    actions: list[Action] = Field(default_factory=list)


class Order(Incoming):
    order_id: str = Field(min_length=1, max_length=64)
    order_update_id: int = Field(ge=0)
    nodes: list[Node] = Field(min_length=1, max_length=1000)
    edges: list[Edge] = Field(max_length=1000)


class InstantActions(Incoming):
    actions: list[Action] = Field(
        validation_alias=AliasChoices("actions", "instantActions"), max_length=100
    )


class Headers:
    """Makes our messages: each topic counts its own."""

    def __init__(self, manufacturer: str, serial_number: str) -> None:
        self._fixed = {
            "version": VERSION,
            "manufacturer": manufacturer,
            "serialNumber": serial_number,
        }
        self._sent: Counter[str] = Counter()

    def dress(self, topic: str, body: dict[str, Any], now: datetime) -> bytes:
        header = {"headerId": self._sent[topic], "timestamp": vda_time(now), **self._fixed}
        self._sent[topic] = (self._sent[topic] + 1) % 2**32
        return orjson.dumps({**header, **body})


def vda_time(now: datetime) -> str:
    """`now` is UTC."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 10000:02d}Z"
