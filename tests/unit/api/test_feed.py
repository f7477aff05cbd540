"""The feed of live events: much that is written must not keep the loop from everybody else."""

import asyncio
import itertools
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.feed import REST_S, REST_SHARE, Feed
from edge.settings import Settings


def feed_of(look: Any, monkeypatch: pytest.MonkeyPatch) -> Feed:
    made: Any = SimpleNamespace(read=lambda _: 0)
    live: Any = SimpleNamespace()
    feed = Feed(Settings(data_dir=Path("nowhere")), made, live)
    monkeypatch.setattr(feed, "_look", look)
    return feed


def test_after_each_look_the_loop_is_free_for_longer_than_the_look_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[tuple[float, float]] = []

    def look() -> None:
        began = time.monotonic()
        time.sleep(0.05)  # the work of a look
        looks.append((began, time.monotonic()))
        feed._changed.set()  # and somebody wrote again

    async def watch() -> None:
        feed.start()
        while len(looks) < 4:
            feed._changed.set()
            await asyncio.sleep(0.001)
        await feed.close()

    feed = feed_of(look, monkeypatch)
    asyncio.run(watch())
    rests = [after[0] - before[1] for before, after in itertools.pairwise(looks)]
    assert min(rests) >= 0.9 * REST_SHARE * 0.05
    assert min(rests) > REST_S
