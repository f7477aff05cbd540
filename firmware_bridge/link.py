"""The serial line to the board, and the only user of pyserial.

Opening it, for the first time or again, is a cold start: both buffers are flushed and a new session
is shaken hands on. What was written or read before belongs to another session and counts for
nothing. No method here blocks or raises: the line is up or it is not, and `why` says why not.
"""

import contextlib
import errno
import os
import termios
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import serial

from edge.domain.line_faults import LineFault
from firmware_bridge import frames
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.messages import (
    FromBoard,
    Hello,
    MessageError,
    MessageType,
    Stop,
    ToBoard,
    Welcome,
    parse,
)

BAUD = 115_200
SILENT_S = 0.3
"""Longest silence of the board: fifteen odometry frames."""
REOPEN_S = 0.25
"""Time between attempts to open the port."""
HELLO_S = 0.2
"""Time between two HELLO while the board does not answer; each has its own nonce, and only the
newest is answered."""
HANDSHAKE_S = 2.0
"""After this long without WELCOME the port is opened anew: a USB bridge sometimes needs it."""
BACKLOG_BYTES = 256
"""Most bytes that wait in the driver, 22 ms of line: with more, a frame would be stale before it is
sent."""
READ_BYTES = 4096
MOST_BYTES_S = 1_000_000
"""More than any serial line or USB bridge carries: whoever sends that is no board, or a broken one."""

_PORT_FAULTS = {
    errno.ENOENT: LineFault.PORT_MISSING,
    errno.ENODEV: LineFault.PORT_MISSING,
    errno.ENXIO: LineFault.PORT_MISSING,
    errno.EACCES: LineFault.PORT_DENIED,
    errno.EPERM: LineFault.PORT_DENIED,
    errno.EAGAIN: LineFault.PORT_IN_USE,
    errno.EBUSY: LineFault.PORT_IN_USE,
}

_TTL_MS = {MessageType.MOTION: 200, MessageType.HEARTBEAT: 200, MessageType.CLEAR: 500}
"""For how long a message is good. The board's own deadline for motion is 200 ms too. A STOP is
never too late."""


class BoardLink:
    """The line. Call `service` at 50 Hz and whenever `fileno()` is readable; its messages are the
    board's."""

    def __init__(self, port: Path, *, new_nonce: Callable[[], int]) -> None:
        """`new_nonce`: 32 random bits, never 0."""
        self.counters: Counter[str] = Counter()
        self.fault: LineFault | None = LineFault.NO_ANSWER
        self.why = "not opened yet"
        self._port = port
        self._new_nonce = new_nonce
        self._serial: serial.Serial | None = None
        self._retry_at = 0.0
        self._opened = 0.0
        self._heard = 0.0
        self._second = 0.0
        self._hello_at = 0.0
        self._forget()

    @property
    def up(self) -> bool:
        """A session with the board is open, and the board talks."""
        return self._session != 0

    def fileno(self) -> int | None:
        """The port to wait on for reading, or None while it is not open."""
        return None if self._serial is None else self._serial.fileno()

    def service(self, now: float) -> list[FromBoard]:
        """Open, shake hands, read, notice silence. Gives the messages of the open session, oldest
        first."""
        if self._serial is None:
            self._open(now)
            return []
        messages = self._read(now)
        if self.up and now - self._heard > SILENT_S:
            self._lose(LineFault.SILENT, "the board is silent", now)
        elif self._full_since is not None and now - self._full_since > SILENT_S:
            self._lose(LineFault.TAKES_NOTHING, "the board takes nothing", now)
        elif not self.up and now - self._opened > HANDSHAKE_S:
            self._lose(self._why_no_answer(), "the board does not answer", now)
        elif not self.up and now >= self._hello_at:
            self._hello_at = now + HELLO_S
            self._nonce = self._new_nonce()
            self._write(Hello(self._nonce), now)
        return messages

    def send(self, message: ToBoard, now: float) -> bool:
        """Write one message. False where it was not: no session, a full line (counted), or a broken
        one."""
        return self.up and self._write(message, now)

    def flush_output(self) -> None:
        """Throw away what waits in the driver, so that what comes next is out at once."""
        if self._serial is not None:
            with contextlib.suppress(OSError, termios.error, serial.SerialException):
                self._serial.reset_output_buffer()

    def close(self) -> None:
        """Close the port; what is written already still goes out. May be called twice."""
        if self._serial is not None:
            with contextlib.suppress(OSError, serial.SerialException):
                self._serial.close()
        self._serial = None
        self._forget()

    def _open(self, now: float) -> None:
        if now < self._retry_at:
            return
        self._retry_at = now + REOPEN_S
        try:
            if _is_leftover(self._port):
                left = f"{self._port} is left over from a simulator that was killed"
                raise FileNotFoundError(errno.ENOENT, left)
            # An inter-byte time-out, even of 0, sets VMIN to 1: without that a read gives "no bytes"
            # for a quiet line and for a port that hung up alike.
            self._serial = serial.Serial(
                str(self._port), BAUD, timeout=0, inter_byte_timeout=0, exclusive=True
            )
            self._serial.reset_input_buffer()
            self._serial.reset_output_buffer()
        except (OSError, ValueError, termios.error) as error:  # SerialException is an OSError
            self.close()
            code = error.errno if isinstance(error, OSError) else None
            self.fault = _PORT_FAULTS.get(code or 0, LineFault.NOT_A_PORT)
            self.why = f"the port cannot be opened: {error}"
            self.counters["link_open_failures"] += 1
            return
        if self.fault in (*_PORT_FAULTS.values(), LineFault.NOT_A_PORT):
            self.fault = LineFault.NO_ANSWER
        self.why = "waiting for the board's answer"
        self._opened = now

    def _forget(self) -> None:
        self._decoder = FrameDecoder()
        self._session = 0
        self._nonce = 0
        self._sequence = 0
        self._board_sequence = 0
        self._hello_at = 0.0
        self._full_since: float | None = None
        self._waiting = 0
        self._cut = False
        self._foreign = False
        self._bytes = 0

    def _why_no_answer(self) -> LineFault:
        """What the other side is, to go by what it sent instead of a WELCOME."""
        if self._decoder.dropped["version"]:
            return LineFault.OTHER_VERSION
        if self._foreign or self._decoder.dropped:
            return LineFault.NOT_A_BOARD
        return LineFault.NO_ANSWER

    def _lose(self, fault: LineFault, why: str, now: float) -> None:
        self.counters["link_losses"] += 1
        self.counters[f"link_{fault.lower()}"] += 1
        self.flush_output()  # or the driver would still send it, and close() wait for that
        self.close()
        self.fault, self.why = fault, why
        self._retry_at = now + REOPEN_S

    def _read(self, now: float) -> list[FromBoard]:
        try:
            data = self._take_in()
        except (OSError, TypeError) as error:
            self._lose(LineFault.BROKEN, f"the line broke: {error}", now)
            return []
        if not data or self._floods(len(data), now):
            return []
        decoder = self._decoder  # losing the line in between replaces it
        dropped = decoder.dropped.total()
        messages = [
            message
            for frame in decoder.feed(data)
            if (message := self._take(frame, now)) is not None
        ]
        self.counters["frames_broken"] += decoder.dropped.total() - dropped
        return messages if self._session else []

    def _take_in(self) -> bytes:
        """What has come in, without waiting. Raises OSError where the port has hung up, which shows
        as an end of file, as EIO, or on some drivers as a closed descriptor."""
        assert self._serial is not None
        try:
            data = os.read(self._serial.fileno(), READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.EIO, "the port hung up")
        return data

    def _floods(self, count: int, now: float) -> bool:
        """Whether the other side sends so much that reading it would be all that we do."""
        if now - self._second >= 1.0:
            self._second, self._bytes = now, 0
        self._bytes += count
        if self._bytes > MOST_BYTES_S:
            self._lose(LineFault.TOO_MUCH, "the board sends too much", now)
            return True
        return False

    def _take(self, frame: Frame, now: float) -> FromBoard | None:
        try:
            message = parse(frame)
        except MessageError:
            self.counters["frames_unknown"] += 1
            self._foreign = True
            return None
        if isinstance(message, Welcome):
            self._begin(frame.session, message, now)
        elif not self._session:
            self._foreign = self._foreign or not isinstance(message, FromBoard)
            return None
        elif frame.session != self._session:
            self._lose(LineFault.RESTARTED, "the board has started anew", now)
        elif frame.sequence <= self._board_sequence:
            self.counters["frames_repeated"] += 1
        elif isinstance(message, FromBoard):
            self._heard = now
            self._board_sequence = frame.sequence
            return message
        else:
            self.counters["frames_unknown"] += 1  # an echo of our own: this port is no board
        return None

    def _begin(self, session: int, welcome: Welcome, now: float) -> None:
        unasked = self._nonce == 0 or welcome.nonce != self._nonce
        if self.up or unasked or session == 0:
            self.counters["frames_unknown"] += 1
            return
        self._session, self._heard, self._board_sequence = session, now, 0
        self.fault, self.why = None, ""

    def _write(self, message: ToBoard, now: float) -> bool:
        if self._serial is None:
            return False
        self._sequence += 1
        stamp, ttl = int(now * 1e3) & 0xFFFF_FFFF, _TTL_MS.get(message.TYPE, 0)
        frame = Frame(message.TYPE, self._session, self._sequence, stamp, ttl, message.pack())
        data = frames.encode(frame)
        try:
            sent = self._has_room(len(data)) and self._put(data)
            if not sent and isinstance(message, Stop):
                self.flush_output()
                return self._put(data)
        except (OSError, TypeError, termios.error) as error:
            self._lose(LineFault.BROKEN, f"the line broke: {error}", now)
            return False
        if sent:
            self._full_since = None
        else:  # What repeats is dropped instead of queued; the next is fresher.
            self.counters["frames_not_sent"] += 1
            self._full_since = now if self._full_since is None else self._full_since
        return sent

    def _put(self, data: bytes) -> bool:
        """Into the driver at once, or not. A frame cut short is ended before the next, which would be
        lost with it."""
        assert self._serial is not None
        # Not by pyserial: its write gives up where the process slept longer than its time-out, even
        # though all was written, and without one it may wait for ever.
        data = b"\0" + data if self._cut else data
        try:
            written = os.write(self._serial.fileno(), data)
        except BlockingIOError:
            return False
        self._waiting += written
        self._cut = written < len(data) and (self._cut or written > 0)
        return written == len(data)

    def _has_room(self, count: int) -> bool:
        """Whether no more than `BACKLOG_BYTES` wait in the driver with these `count`. It is asked only
        where all that was written since it was asked could be too much."""
        assert self._serial is not None
        if self._waiting + count > BACKLOG_BYTES:
            self._waiting = self._serial.out_waiting
        return self._waiting + count <= BACKLOG_BYTES


def _is_leftover(port: Path) -> bool:
    """Whether a killed simulator left this link, and its pty's number belongs to a stranger by now.

    The simulator links a pty that it has just made, so one made after the link is another's. Raises
    OSError where there is no port.
    """
    target = port.resolve()
    if not port.is_symlink() or target.parent != Path("/dev/pts"):
        return False
    return target.stat().st_ctime_ns > port.lstat().st_ctime_ns
