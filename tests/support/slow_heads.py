"""Clients that never get to the end of their request's head: `python -m tests.support.slow_heads PORT COUNT`.

Each sends a byte of it now and then, and comes again as soon as it is sent away. Says when all are in. Ends with its
parent, or on SIGTERM, when it prints how many were in at the same time at most, and how many were sent away.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass

BYTE_S = 0.5
HEAD = b"GET /api/v1/books HTTP/1.1\r\nHost: robot\r\nX-Slow: "


@dataclass
class Crowd:
    inside: int = 0
    most_inside: int = 0
    sent_away: int = 0


async def dawdle(port: int, crowd: Crowd, count: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            crowd.inside += 1
            if crowd.inside > crowd.most_inside:
                crowd.most_inside = crowd.inside
                if crowd.inside == count:
                    print("at it", flush=True)
            try:
                writer.write(HEAD)
                while True:
                    await writer.drain()
                    await asyncio.sleep(BYTE_S)
                    writer.write(b"x")
            finally:
                crowd.inside -= 1
                writer.close()
        crowd.sent_away += 1
        await asyncio.sleep(BYTE_S)


async def run(port: int, count: int) -> Crowd:
    ended, parent, crowd = asyncio.Event(), os.getppid(), Crowd()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    tasks = [asyncio.create_task(dawdle(port, crowd, count)) for _ in range(count)]
    while not ended.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), BYTE_S)
    for task in tasks:
        task.cancel()
    return crowd


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(int(sys.argv[1]), int(sys.argv[2]))))))
