"""Live events on their way to many clients: encoded once, numbered, and never buffered without bound.

Two kinds. What *happened* is kept for clients that come back, and a client that cannot take it is dropped.
What is *shown* (pose, scan, status) is only ever the newest: an old one that was not sent yet is replaced.
"""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from api import envelope

KEPT = 1000
"""Events that a client may have missed and still get."""
QUEUE_LIMIT = 256
"""Events waiting for one client; one that has more to come is too slow, and comes back with its last id."""


@dataclass(frozen=True, slots=True)
class Event:
    """`user_id`: whom alone it is for; None: everyone on the channel."""

    id: int
    channel: str
    user_id: str | None
    text: str


@dataclass(eq=False)
class Subscriber:
    """One client's share: what waits for it, and whether it has to go."""

    user_id: str
    channels: frozenset[str] = frozenset()
    too_slow: bool = False
    _events: deque[str] = field(default_factory=deque)
    _newest: dict[str, str] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, event: Event) -> bool:
        return event.channel in self.channels and event.user_id in (None, self.user_id)

    def happened(self, text: str) -> None:
        if len(self._events) >= QUEUE_LIMIT:
            self.too_slow = True
        else:
            self._events.append(text)
        self._wake.set()

    def shown(self, key: str, text: str) -> None:
        self._newest[key] = text
        self._wake.set()

    async def next(self) -> list[str]:
        """Everything that waits now, oldest first; waits until there is something."""
        await self._wake.wait()
        self._wake.clear()
        waiting = [*self._events, *self._newest.values()]
        self._events.clear()
        self._newest.clear()
        return waiting


class Hub:
    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._newest: dict[tuple[str, str], str] = {}
        # Ids go on rising over a restart, because the clock does; below 2**53, so that JavaScript can count them.
        self._first = self._last = int(time.time() * 1_000_000)

    @property
    def last_id(self) -> int:
        return self._last

    def __len__(self) -> int:
        return len(self._subscribers)

    def join(self, subscriber: Subscriber) -> None:
        self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def happened(self, channel: str, kind: str, data: Any, *, user_id: str | None = None) -> None:
        """Tell everyone on `channel` (or only one user there) of a fact, and keep it for those who come back."""
        number, text = self._encode(channel, kind, data)
        event = Event(number, channel, user_id, text)
        self._kept.append(event)
        for one in self._subscribers:
            if one.wants(event):
                one.happened(text)

    def shows(self, channel: str, kind: str, data: Any) -> None:
        """Let everyone on `channel` see how something is now."""
        _, text = self._encode(channel, kind, data)
        self._newest[channel, kind] = text
        for one in self._subscribers:
            if channel in one.channels:
                one.shown(f"{channel} {kind}", text)

    def newest(self, channels: Collection[str]) -> Iterator[tuple[str, str]]:
        """What a newcomer to `channels` should see at once: keys and texts for `shown`."""
        return (
            (f"{channel} {kind}", text)
            for (channel, kind), text in self._newest.items()
            if channel in channels
        )

    def missed(self, subscriber: Subscriber, last_id: int) -> list[str] | None:
        """What happened for this client after `last_id`; None where that is too long ago to know."""
        oldest = self._kept[0].id if len(self._kept) == KEPT else self._first
        if not oldest - 1 <= last_id <= self._last:
            return None
        return [one.text for one in self._kept if one.id > last_id and subscriber.wants(one)]

    def resync(self) -> str:
        return self._encode("", "resync", {})[1]

    def _encode(self, channel: str, kind: str, data: Any) -> tuple[int, str]:
        self._last += 1
        body = {
            "type": kind,
            "channel": channel,
            "id": self._last,
            "at": envelope.now(),
            "data": data,
        }
        return self._last, orjson.dumps(body).decode()
