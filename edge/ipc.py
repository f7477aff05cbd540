"""Local sockets between the robot's processes, and systemd's readiness protocol. Standard library only.

The sockets are SOCK_SEQPACKET: connected, ordered, and each message arrives whole or not at all.
"""

import os
import socket
from pathlib import Path

BACKLOG = 16
MAX_MESSAGE_BYTES = 128 * 1024
"""Largest message taken. Below Linux' default socket buffer (208 KiB), which a packet has to fit into."""


def listen(path: Path, *, mode: int = 0o600) -> socket.socket:
    """Listen at `path`, in place of whatever a dead predecessor left there. Non-blocking."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with _Directory(path) as directory:
        server.bind(f"{directory}/{path.name}")
    path.chmod(mode)
    server.listen(BACKLOG)
    server.setblocking(False)
    return server


def connect(path: Path, *, timeout_s: float | None = 0.5) -> socket.socket:
    """Connect to the listener at `path`.

    Raises OSError (FileNotFoundError, ConnectionRefusedError, TimeoutError) where nobody answers.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(timeout_s)
    try:
        with _Directory(path) as directory:
            client.connect(f"{directory}/{path.name}")
    except OSError:
        client.close()
        raise
    return client


def notify(state: str) -> None:
    """Tell the service manager `READY=1`, `WATCHDOG=1` or `STATUS=…` (sd_notify); nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            # A manager that is gone or busy must never hold up the one that reports to it.
            return


class _Directory:
    """A short name for a socket's directory: sun_path holds only 108 bytes, and data directories lie deep."""

    def __init__(self, path: Path) -> None:
        self._path = path.parent

    def __enter__(self) -> str:
        self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
