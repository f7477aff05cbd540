"""Runs `luna-gate` on a line that is a local stream socket: `python -m tests.support.socket_gate …`, with the
listening socket as its `--port`.

A pty hands its bytes to a worker of the kernel, which on a busy machine is slower than the gate itself; a socket does
not. Everything is the product's, pyserial's own reading and writing too; only what a socket cannot do is replaced:
opening it as a file, and the terminal's settings. Like a pty it tells of no waiting bytes.
"""

import os
import socket
import sys
from unittest import mock

import serial

from firmware_bridge import gate


class SocketPort(serial.Serial):
    """pyserial's port, connected instead of opened."""

    def open(self) -> None:
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(self.portstr))
        line.setblocking(False)
        self.fd = line.detach()
        self.pipe_abort_read_r, self.pipe_abort_read_w = os.pipe()
        self.pipe_abort_write_r, self.pipe_abort_write_w = os.pipe()
        self.is_open = True

    @property
    def out_waiting(self) -> int:
        return 0

    def reset_input_buffer(self) -> None:
        """A new connection has nothing in it."""

    def reset_output_buffer(self) -> None:
        """What a socket has taken cannot be taken back."""

    def _reconfigure_port(self, force_update: bool = False) -> None:
        pass


if __name__ == "__main__":
    with mock.patch.object(serial, "Serial", SocketPort):
        sys.exit(gate.main())
