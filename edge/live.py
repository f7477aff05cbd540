"""The live socket of the ROS side: pose, plan and scan for whoever draws them, and hints that the store changed.

Nothing that comes this way is a fact to keep: a message lost costs a moment, and the store is asked again.
"""

import contextlib
import json
import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge import ipc

SOCKET_NAME = "live.sock"
MAX_CLIENTS = 32


class LiveServer:
    """Publishes to every client; newcomers get the newest of each type at once. Has a thread of its own.

    `on_hint(what)` is called in that thread for each hint that a client gives; hints go on to all other clients.
    """

    def __init__(self, path: Path, on_hint: Callable[[str], None] = lambda what: None) -> None:
        self._path = path
        self._on_hint = on_hint
        self._lock = threading.Lock()
        self._latest: dict[str, bytes] = {}
        self._clients: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = ipc.listen(path)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def publish(self, kind: str, **data: Any) -> None:
        """Send a message of type `kind` to all; a client that does not read is dropped."""
        packet = _encode(kind, data)
        with self._lock:
            self._latest[kind] = packet
            self._broadcast(packet)

    def hint(self, what: str) -> None:
        """Tell all clients that the store changed."""
        with self._lock:
            self._broadcast(_encode("hint", {"what": what}))

    @property
    def listened_to(self) -> bool:
        """Whether anybody would get what is published, so that costly messages can be left out."""
        return bool(self._clients)

    def close(self) -> None:
        self._waker.send(b"x")
        self._thread.join()
        for client in self._clients | {self._listener, self._wake, self._waker}:
            client.close()
        self._selector.close()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wake:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        client.setblocking(False)
        with self._lock:
            if len(self._clients) >= MAX_CLIENTS:
                client.close()
                return
            self._clients.add(client)
            self._selector.register(client, selectors.EVENT_READ)
            for packet in self._latest.values():
                self._send(client, packet)

    def _read(self, client: socket.socket) -> None:
        try:
            packet = client.recv(ipc.MAX_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if not packet:
            with self._lock:
                self._drop(client)
            return
        message = _decode(packet)
        if message is not None and message.get("type") == "hint":
            with self._lock:
                self._broadcast(packet, but=client)
            self._on_hint(str(message.get("what", "")))

    def _broadcast(self, packet: bytes, but: socket.socket | None = None) -> None:
        for client in [one for one in self._clients if one is not but]:
            self._send(client, packet)

    def _send(self, client: socket.socket, packet: bytes) -> None:
        try:
            client.send(packet, socket.MSG_NOSIGNAL)
        except OSError:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if client not in self._clients:
            return
        self._clients.discard(client)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client)
        client.close()


class LiveClient:
    """Listens to the live socket; comes back by itself when connect() is called again. Not thread safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def connect(self) -> bool:
        """True where it is connected (now or already)."""
        if self._socket is None:
            try:
                self._socket = ipc.connect(self._path)
                self._socket.setblocking(False)
            except OSError:
                return False
        return True

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def fileno(self) -> int:
        """Raises OSError where it is not connected."""
        if self._socket is None:
            raise OSError("not connected")
        return self._socket.fileno()

    def receive(self) -> list[dict[str, Any]]:
        """All messages that have come; never waits. Empty also where the other side is gone: see `connected`."""
        messages = []
        while self._socket is not None:
            try:
                packet = self._socket.recv(ipc.MAX_MESSAGE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                packet = b""
            if not packet:
                self.close()
                break
            if (message := _decode(packet)) is not None:
                messages.append(message)
        return messages

    def hint(self, what: str) -> None:
        """Say that the store changed: `tasks`, `commands`, `outbox`, `notifications`, `robot`."""
        if self.connect() and self._socket is not None:
            try:
                self._socket.send(_encode("hint", {"what": what}), socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError:
                self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _encode(kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, **data}, separators=(",", ":")).encode()


def _decode(packet: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(packet)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
