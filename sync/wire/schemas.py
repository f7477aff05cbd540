"""JSON Schemas and the AsyncAPI document of LUNA sync, made from the message classes.

`python -m sync.wire.schemas` prints the document.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sync.wire import envelope
from sync.wire.topics import Topics


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic: who sends, what, and how. `robot_sends` is from the robot's point of view."""

    topic: str
    message: type[envelope.Message]
    robot_sends: bool
    qos: int
    retained: bool
    item: type[envelope.Message] | None = None


_T = Topics("{site}", "{robot}")
_UP, _DOWN = True, False

CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        "connection": Channel(_T.connection, envelope.Connection, _UP, 1, retained=True),
        "state": Channel(_T.state, envelope.State, _UP, 0, retained=True),
        "events_up": Channel(
            _T.events_up, envelope.Batch, _UP, 1, retained=False, item=envelope.Event
        ),
        "events_up_ack": Channel(_T.events_up_ack, envelope.Ack, _DOWN, 1, retained=True),
        "events_down": Channel(
            _T.events_down, envelope.Batch, _DOWN, 1, retained=False, item=envelope.Event
        ),
        "events_down_ack": Channel(_T.events_down_ack, envelope.Ack, _UP, 1, retained=True),
        "commands": Channel(_T.commands, envelope.Command, _DOWN, 1, retained=False),
        "commands_ack": Channel(_T.commands_ack, envelope.Answer, _UP, 1, retained=False),
    }
)


def json_schema(channel: Channel) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what goes over `channel`."""
    schema = channel.message.model_json_schema(by_alias=True)
    if channel.item is not None:
        item = channel.item.model_json_schema(by_alias=True)
        schema.setdefault("$defs", {}).update(
            {**item.pop("$defs", {}), channel.item.__name__: item}
        )
        schema["properties"]["events"]["items"] = {"$ref": f"#/$defs/{channel.item.__name__}"}
    return schema


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document, as the robot sees it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "LUNA sync", "version": "1", "description": envelope.__doc__},
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()},
        "operations": {name: _operation(name, channel) for name, channel in CHANNELS.items()},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    name = channel.message.__name__
    return {
        "address": channel.topic,
        "parameters": {"site": {}, "robot": {}},
        "messages": {name: {"contentType": "application/json", "payload": json_schema(channel)}},
    }


def _operation(name: str, channel: Channel) -> dict[str, Any]:
    return {
        "action": "send" if channel.robot_sends else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retained}},
    }


if __name__ == "__main__":
    json.dump(asyncapi(), sys.stdout, indent=2)
