"""Offers logins to an API at a steady rate, whatever becomes of them: `python -m tests.support.logins PORT RATE`.

Each is sent when it is due, on a connection of its own, and none waits for the one before. Says when it begins. Ends
with its parent, or on SIGTERM, when it prints how many there were of each status; 0 is one that got no answer.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter

from tests.support.served import PASSWORD

WHO = ("student@example.org", "librarian@example.org", "nobody@example.org")
"""The last one is unknown, which takes as long."""
PATIENCE_S = 20.0


async def login(port: int, who: str, answers: Counter[int]) -> None:
    body = json.dumps({"email": who, "password": PASSWORD}).encode()
    head = (
        f"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status = 0
    with contextlib.suppress(OSError, TimeoutError, ValueError, IndexError):
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head.encode() + body)
                status = int((await reader.readline()).split()[1])
                await reader.read()
            finally:
                writer.close()
    answers[status] += 1


async def offer(port: int, rate: float) -> Counter[int]:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    print("at it", flush=True)
    answers: Counter[int] = Counter()
    parent, tasks, began, n = os.getppid(), set(), loop.time(), 0
    while not ended.is_set() and os.getppid() == parent:
        task = asyncio.create_task(login(port, WHO[n % len(WHO)], answers))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        n += 1
        await asyncio.sleep(max(0.0, began + n / rate - loop.time()))
    answers[0] += len(tasks)
    return answers


if __name__ == "__main__":
    print(json.dumps(asyncio.run(offer(int(sys.argv[1]), float(sys.argv[2])))))
