"""The gate's side of its local sockets: who may come in, and what of theirs is a message at all."""

import json
import socket
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from selectors import EVENT_READ, BaseSelector
from typing import Any

from edge import ipc

MESSAGE_BYTES = 4096
"""Longest message of a client; ours have 200 bytes. A longer one is cut by the kernel, and then is
no JSON."""
MOST_AT_ONCE = 16
"""Messages of one client in one pass, so that a chatterbox cannot keep the loop from its deadlines.
"""

Answer = dict[str, Any] | None
Handler = Callable[[dict[str, Any], int], Answer]
"""Takes a client's message and its process id; gives the answer, if there is one."""


class Door:
    """One listening socket with its clients, in the gate's selector: `data` of each key is what to
    call."""

    def __init__(
        self,
        selector: BaseSelector,
        path: Path,
        handle: Handler,
        *,
        most: int,
        greet: Callable[[], Answer] = lambda: None,
        on_leave: Callable[[], None] = lambda: None,
    ) -> None:
        """`most`: clients at a time; one more is told so and sent away. Raises OSError where it
        cannot listen."""
        self.counters: Counter[str] = Counter()
        self._selector = selector
        self._path = path
        self._name = path.stem
        self._handle = handle
        self._most = most
        self._greet = greet
        self._on_leave = on_leave
        self._clients: set[socket.socket] = set()
        self._listener = ipc.listen(path)
        selector.register(self._listener, EVENT_READ, self._accept)

    def tell(self, message: dict[str, Any]) -> None:
        """Give `message` to all clients. Who does not read misses it: nobody holds up the gate."""
        if self._clients:
            data = json.dumps(message).encode()
            for client in list(self._clients):
                self._send(client, data)

    def close(self) -> None:
        """Send all away and take the name off the disk."""
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # it left again already, or there are no descriptors left
        client.setblocking(False)
        if len(self._clients) >= self._most:
            self.counters[f"{self._name}_turned_away"] += 1
            self._send(
                client,
                json.dumps({"type": "refused", "refused": "somebody else is connected"}).encode(),
            )
            client.close()
            return
        self._clients.add(client)
        pid = _pid_of(client)
        self._selector.register(client, EVENT_READ, lambda: self._read(client, pid))
        if (greeting := self._greet()) is not None:
            self._send(client, json.dumps(greeting).encode())

    def _read(self, client: socket.socket, pid: int) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                data = client.recv(MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop(client)
                return
            answer = self._answer(data, pid)
            if answer is not None:
                self._send(client, json.dumps(answer).encode())
            if client not in self._clients:
                return

    def _answer(self, data: bytes, pid: int) -> Answer:
        try:
            message = json.loads(data)
            if isinstance(message, dict):
                return self._handle(message, pid)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            pass
        self.counters[f"{self._name}_malformed"] += 1
        return {"type": "refused", "refused": "this is not a message of this socket"}

    def _send(self, client: socket.socket, data: bytes) -> None:
        try:
            client.send(data)
        except BlockingIOError:
            self.counters[f"{self._name}_missed"] += 1
        except OSError:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._selector.unregister(client)
            client.close()
            self._on_leave()


def _pid_of(client: socket.socket) -> int:
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid
