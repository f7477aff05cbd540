"""The messages are what the samples and the schemas say."""

import json
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sync.wire.envelope import Event
from sync.wire.schemas import CHANNELS, asyncapi, json_schema

SAMPLES = resources.files("sync.wire") / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_has_a_sample_that_is_read_and_written_unchanged(name: str) -> None:
    channel, wanted = CHANNELS[name], sample(name)

    message = channel.message.model_validate(wanted)

    assert json.loads(message.to_json()) == wanted
    Draft202012Validator(json_schema(channel)).validate(wanted)


@pytest.mark.parametrize("name", CHANNELS)
def test_unknown_fields_are_kept_and_passed_on(name: str) -> None:
    wanted = sample(name) | {"of_tomorrow": {"a": [1, 2]}}

    message = CHANNELS[name].message.model_validate(wanted)

    assert json.loads(message.to_json())["of_tomorrow"] == {"a": [1, 2]}


def test_the_events_of_the_samples_are_events() -> None:
    for name in ("events_up", "events_down"):
        for raw in sample(name)["events"]:
            assert json.loads(Event.model_validate(raw).to_json()) == raw


def test_the_schema_of_a_batch_refuses_an_event_without_a_number() -> None:
    wrong = sample("events_up")
    del wrong["events"][0]["seq"]

    assert not Draft202012Validator(json_schema(CHANNELS["events_up"])).is_valid(wrong)


def test_the_asyncapi_document_names_every_topic_once() -> None:
    document = asyncapi()

    addresses = [channel["address"] for channel in document["channels"].values()]
    assert len(addresses) == len(set(addresses)) == len(CHANNELS)
    assert "luna/v1/{site}/{robot}/events/up" in addresses
    assert json.dumps(document)
