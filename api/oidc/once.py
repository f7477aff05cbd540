"""Things that are good once and for a while, each by a name that nobody can guess."""

import secrets
import time
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_THINGS = 1024
"""Beyond it the oldest is forgotten: somebody has to begin again."""


class Once(Generic[T]):
    """`life_s`: how long each is good. In memory: what was begun before a restart has to begin again."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._things: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def put(self, thing: T, now: float | None = None) -> str:
        """Its name."""
        now = time.monotonic() if now is None else now
        name = secrets.token_urlsafe(32)
        self._things[name] = (now + self._life_s, thing)
        if len(self._things) > MAX_THINGS:
            self._things.popitem(last=False)
        return name

    def take(self, name: str, now: float | None = None) -> T | None:
        """The thing, the first time and while it is good."""
        now = time.monotonic() if now is None else now
        ends_at, thing = self._things.pop(name, (0.0, None))
        return thing if now < ends_at else None
