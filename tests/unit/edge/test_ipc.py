"""Local sockets: whole messages, deep directories, and the readiness protocol."""

import socket
import stat
from pathlib import Path

import pytest

from edge import ipc


def deep(directory: Path) -> Path:
    """A directory whose sockets have names far longer than the 108 bytes of sun_path."""
    path = directory.joinpath(*["a-directory-with-a-long-name"] * 8)
    path.mkdir(parents=True)
    assert len(str(path)) > 200
    return path


def test_a_message_arrives_whole_in_a_deep_directory(tmp_path: Path) -> None:
    path = deep(tmp_path) / "test.sock"
    with ipc.listen(path) as server, ipc.connect(path) as client:
        there, _ = server.accept()
        with there:
            client.send(b"one")
            client.send(b"two")
            assert (there.recv(100), there.recv(100)) == (b"one", b"two")


def test_the_largest_message_fits_into_a_packet(tmp_path: Path) -> None:
    path = tmp_path / "test.sock"
    with ipc.listen(path) as server, ipc.connect(path) as client:
        there, _ = server.accept()
        with there:
            client.send(bytes(ipc.MAX_MESSAGE_BYTES))
            assert len(there.recv(ipc.MAX_MESSAGE_BYTES)) == ipc.MAX_MESSAGE_BYTES


def test_a_listener_takes_the_place_of_a_dead_one(tmp_path: Path) -> None:
    path = tmp_path / "test.sock"
    ipc.listen(path).close()
    with pytest.raises(ConnectionRefusedError):
        ipc.connect(path)
    with ipc.listen(path), ipc.connect(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nobody_there_is_an_error_and_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(FileNotFoundError):
            ipc.connect(tmp_path / "none.sock")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        ipc.notify("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"luna-test-{tmp_path.name}-{id(tmp_path)}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        ipc.notify("WATCHDOG=1")
        assert manager.recv(100) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_or_was_never_there_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    ipc.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    ipc.notify("READY=1")
