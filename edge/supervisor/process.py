"""One child process: starting it so that it cannot outlive us, hearing from it, and ending it."""

import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from edge.supervisor.roster import Program

PR_SET_PDEATHSIG = 1
LOG_BYTES = 5_000_000
"""A log that is larger at the start of its process is put aside first."""
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """A program and its process, if it has one now. Times are s of the caller's monotonic clock."""

    def __init__(
        self, program: Program, facts: Mapping[str, str], environment: Mapping[str, str], logs: Path
    ) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.ready = False
        self.started_at = 0.0
        self.heard_at = 0.0
        self.status = ""
        self.arguments = program.command(facts)
        """What the interpreter is started with; may be added to before the start."""
        self._notices = _listen_for_notices()
        address = self._notices.getsockname().decode().replace("\0", "@", 1)
        self._environment = {**environment, **program.environment, "NOTIFY_SOCKET": address}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None where it does not run."""
        return None if self._process is None else self._process.pid

    def fileno(self) -> int:
        """What is readable when the child has said something."""
        return self._notices.fileno()

    def start(self, now: float) -> None:
        """Start the process. Raises OSError."""
        self._forget_notices()
        self.ready, self.status = False, ""
        self.started_at = self.heard_at = now
        with _opened_log(self.log) as log:
            self._process = spawn(self.arguments, self._environment, stdout=log, stderr=log)

    def poll(self) -> int | None:
        """The exit code (negative: the signal) of a process that has just ended, once."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        self._signal_group(signal.SIGKILL)  # whatever it left behind in its session
        self._process = None
        self.ready = False
        return code

    def listen(self, now: float) -> None:
        """Take what the child has said since."""
        while (notice := self._receive()) is not None:
            self.heard_at = now
            for line in notice.splitlines():
                name, _, value = line.partition("=")
                if name == "READY":
                    self.ready = value == "1"
                elif name == "STATUS":
                    self.status = value

    def hung(self, now: float) -> bool:
        """Whether it has been silent, or getting ready, for longer than it may."""
        if self._process is None:
            return False
        if not self.ready:
            return now - self.started_at > self.program.start_s
        silence_s = self.program.silence_s
        return silence_s is not None and now - self.heard_at > silence_s

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def abort(self) -> None:
        """Make it say where it hangs (Python's fault handler does, into the log) and die."""
        if self._process is not None:
            self._process.send_signal(signal.SIGABRT)

    def kill(self) -> None:
        """End it and all that it started, now. Also works on a frozen one."""
        self._signal_group(signal.SIGKILL)

    def close(self) -> None:
        """Have done with it: kill it if it still runs."""
        if self._process is not None:
            self.kill()
            self._process.wait()
            self._process = None
        self._notices.close()

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def _receive(self) -> str | None:
        try:
            data, ancillary, _, _ = self._notices.recvmsg(
                4096, socket.CMSG_SPACE(_CREDENTIALS.size)
            )
        except BlockingIOError:
            return None
        return data.decode(errors="replace") if _from_us(ancillary) else ""

    def _forget_notices(self) -> None:
        while self._receive() is not None:
            pass


def spawn(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: int | BinaryIO,
    stderr: int | BinaryIO,
) -> subprocess.Popen[bytes]:
    """Start the interpreter with `arguments`, in a session of its own, to die with us.

    Raises OSError.
    """
    supervisor = os.getpid()
    return subprocess.Popen(
        [sys.executable, "-P", *arguments],  # -P: never import what happens to lie around here
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,  # the terminal's Ctrl-C is for us alone
        preexec_fn=lambda: _die_with(supervisor),  # noqa: PLW1509 - we have one thread
    )


def _listen_for_notices() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # An abstract name that the kernel chooses: no path, so none too long, and none left behind.
    listener.bind("")
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    listener.setblocking(False)
    return listener


def _from_us(ancillary: list[tuple[int, int, bytes]]) -> bool:
    # Abstract names have no permissions: anybody on the machine can write to one.
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            _, uid, _ = _CREDENTIALS.unpack_from(data)
            return bool(uid == os.getuid())
    return False


def _opened_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab", buffering=0)


def _die_with(supervisor: int) -> None:
    """In the child, before it becomes its program: die when the supervisor does, by kill -9 too."""
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        os._exit(126)
    if os.getppid() != supervisor:  # it died in between
        os._exit(126)
