"""Live events are numbered, kept for a while, and never pile up."""

import json

import pytest

from api.hub import KEPT, QUEUE_LIMIT, Hub, Subscriber


def listening(hub: Hub, *channels: str, user_id: str = "ada") -> Subscriber:
    one = Subscriber(user_id, frozenset(channels))
    hub.join(one)
    return one


async def heard(one: Subscriber) -> list[tuple[str, object]]:
    return [(said["type"], said["data"]) for said in map(json.loads, await one.next())]


@pytest.mark.asyncio
async def test_everyone_on_the_channel_hears_what_happened() -> None:
    hub = Hub()
    one, two = listening(hub, "tasks"), listening(hub, "robot")
    hub.happened("tasks", "task.changed", 1)
    hub.happened("robot", "emergency_stop", 2)
    assert await heard(one) == [("task.changed", 1)]
    assert await heard(two) == [("emergency_stop", 2)]


@pytest.mark.asyncio
async def test_what_is_for_one_user_reaches_nobody_else() -> None:
    hub = Hub()
    ada = listening(hub, "notifications")
    bob = listening(hub, "notifications", user_id="bob")
    hub.happened("notifications", "notification.created", "for ada", user_id="ada")
    hub.happened("notifications", "notification.created", "for all")
    assert [data for _, data in await heard(ada)] == ["for ada", "for all"]
    assert [data for _, data in await heard(bob)] == ["for all"]


@pytest.mark.asyncio
async def test_what_is_shown_is_only_the_newest() -> None:
    hub = Hub()
    one = listening(hub, "robot")
    for number in range(50):
        hub.shows("robot", "pose", number)
    assert await heard(one) == [("pose", 49)]


@pytest.mark.asyncio
async def test_a_newcomer_sees_how_things_are() -> None:
    hub = Hub()
    hub.shows("robot", "pose", 1)
    hub.shows("tasks", "queue", [])
    assert [key for key, _ in hub.newest({"robot"})] == ["robot pose"]


@pytest.mark.asyncio
async def test_ids_rise_also_over_a_restart() -> None:
    hub = Hub()
    one = listening(hub, "tasks")
    hub.happened("tasks", "a", None)
    hub.happened("tasks", "b", None)
    first, second = (json.loads(text)["id"] for text in await one.next())
    assert first < second == hub.last_id < Hub().last_id < 2**53


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_given_up() -> None:
    hub = Hub()
    one = listening(hub, "tasks")
    for number in range(QUEUE_LIMIT):
        hub.happened("tasks", "a", number)
    before = one.too_slow
    hub.happened("tasks", "a", QUEUE_LIMIT)
    assert (before, one.too_slow) == (False, True)
    assert len(await one.next()) == QUEUE_LIMIT


def test_who_comes_back_gets_what_was_missed() -> None:
    hub = Hub()
    hub.happened("tasks", "a", 1)
    last_id = hub.last_id
    hub.happened("tasks", "b", 2)
    hub.happened("robot", "c", 3)
    hub.happened("notifications", "d", 4, user_id="bob")
    one = listening(hub, "tasks", "notifications")
    missed = hub.missed(one, last_id)
    assert missed is not None
    assert [json.loads(text)["data"] for text in missed] == [2]
    assert hub.missed(one, hub.last_id) == []


@pytest.mark.parametrize("since", [0, 2**60])
def test_who_was_away_too_long_is_told_so(since: int) -> None:
    hub = Hub()
    assert hub.missed(listening(hub, "tasks"), since) is None


def test_only_so_many_events_are_kept() -> None:
    hub = Hub()
    one = listening(hub, "tasks")
    start = hub.last_id
    for number in range(KEPT):
        hub.happened("robot", "a", number)
    assert hub.missed(one, start) == []
    hub.happened("robot", "a", KEPT)
    assert hub.missed(one, start) is None
