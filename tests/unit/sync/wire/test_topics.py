"""Topics and filters."""

import pytest

from sync.wire.topics import ANY, Topics, matches, parse


def test_a_topic_tells_whose_it_is() -> None:
    topics = Topics("demo", "luna-01")

    assert parse(topics.events_up_ack) == (topics, "events/up/ack")
    assert parse(topics.state) == (topics, "state")


@pytest.mark.parametrize(
    "topic",
    ["", "luna", "luna/v2/demo/luna-01/state", "uagv/v2/LUNA/luna-01/state", "luna/v1//x/y"],
)
def test_a_topic_of_others_is_none_of_ours(topic: str) -> None:
    assert parse(topic) is None


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("#", "luna/v1/demo/luna-01/state", True),
        ("#", "$SYS/broker/uptime", False),
        (Topics("demo", ANY).commands, Topics("demo", "luna-01").commands, True),
        (Topics("demo", ANY).commands, Topics("demo", "luna-01").commands_ack, False),
        ("luna/v1/demo/#", "luna/v1/demo", True),
        ("luna/v1/demo/#", "luna/v1/other/x", False),
        ("luna/v1/demo/#", "luna/v1/demo/+/state", True),
        ("luna/v1/demo/luna-01/state", "luna/v1/demo/+/state", False),
        ("luna/v1/demo/luna-01/state", "#", False),
        ("a/+", "a/#", False),
        ("a/#", "a/#", True),
    ],
)
def test_a_filter_covers_what_falls_under_it(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected
