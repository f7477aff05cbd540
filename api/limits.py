"""How much one client may ask, send, and take its time for."""

import asyncio
import time
from collections import OrderedDict

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

MAX_BODY_BYTES = 64 * 1024
MAX_FILE_BYTES = 256 << 20
"""A catalogue of 100,000 records has some 150 MB."""
BODY_S, FILE_S = 30.0, 900.0
"""How long a client may take to send one."""
UPLOADS = frozenset({"/api/v1/books/bulk-import"})

MAX_CLIENTS = 4096
"""Addresses that are remembered; beyond it the longest silent is forgotten."""
BURST_S = 4.0
"""So many seconds' worth may come at once."""


class Buckets:
    """A budget for each client that fills up at `rate` (1/s); 0: no limit."""

    def __init__(self, rate: float, *, burst: float | None = None) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_S if burst is None else burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, now: float | None = None) -> float:
        """Take one from the client's budget; 0, or how long there is none yet, s."""
        if self._rate <= 0:
            return 0.0
        now = time.monotonic() if now is None else now
        left, then = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._left[client] = (left if wait else left - 1, now)
        if len(self._left) > MAX_CLIENTS:
            self._left.popitem(last=False)
        return wait


def limited(receive: Receive, scope: Scope) -> Receive:
    """The same, but a body that is too long ends in a 413 as soon as it is, and one that does not come in a 400."""
    is_file = scope["path"] in UPLOADS
    most, patience_s = (MAX_FILE_BYTES, FILE_S) if is_file else (MAX_BODY_BYTES, BODY_S)
    read, deadline, more = 0, 0.0, True

    async def limited() -> Message:
        nonlocal read, deadline, more
        if not more:
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + patience_s
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(400, "BODY_LATE", {"Connection": "close"}) from None
        if message["type"] == "http.request":
            more = message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, "BODY_TOO_LARGE")
        return message

    return limited
