"""A real gate process whose every byte on the line is read by the test, stamped and judged by the trace.

One thread plays the board, the base node and the watched processes, so that the moment at which a byte was read
is known without another thread's turn in between.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Literal

from edge import ipc
from firmware_bridge.messages import Odometry
from firmware_bridge.simulated_firmware import Sensors, SimulatedFirmware
from firmware_bridge.sockets import GateState, MotionLink, StateWatcher
from tests.support.board import LIMITS, PATIENCE_S, START_S
from tests.support.trace import Caps, Trace
from tests.support.wire_format import MOTION, WireFrame

CAPS = Caps(0.31, 1.5, 0.5, 2.0)
"""What `LIMITS` says."""
STEP_S = 0.005
BEAT_S, COMMAND_S = 0.05, 0.02
READ_BYTES = 1 << 16


class WiredGate:
    """Call `pump` all the time: nothing lives without it.

    `command`: the velocity that is sent at 50 Hz, or None. `beating`: whether heartbeats are sent. `deaf`: the board
    does not read. `button`: it is pressed. `frames`: the newest that the gate wrote, each with the moment at which it
    was read. `said`, `heard`: the newest bytes that the board wrote and read. `stepped`: when the board last moved on.
    """

    def __init__(
        self, data_dir: Path, transport: Literal["pty", "socket"] = "pty", seed: int = 1
    ) -> None:
        self.data_dir, self.run_dir = data_dir, data_dir / "run"
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.command: tuple[float, float] | None = None
        self.beating, self.deaf, self.button = True, False, False
        self.frames: deque[tuple[float, WireFrame]] = deque(maxlen=10_000)
        self.said, self.heard = bytearray(), bytearray()
        self.trace = Trace(CAPS)
        self.state: GateState | None = None
        self.stepped = 0.0
        self.motion, self.watcher = MotionLink(self.run_dir), StateWatcher(self.run_dir)
        self.firmware = SimulatedFirmware(
            time.monotonic(), new_nonce=lambda: self._random.randrange(1, 2**32)
        )
        self._random = Random(seed)
        self._transport = transport
        self._process: subprocess.Popen[bytes] | None = None
        self._taken: deque[tuple[float, bytes]] = deque()
        self._line = self._far = -1
        self._listener: socket.socket | None = None
        self._next_step = self._next_beat = self._next_command = 0.0
        self.plug()

    # The line and the process

    def plug(self) -> None:
        """A new line, with the same board at this end of it."""
        name = self.run_dir / "line"
        name.unlink(missing_ok=True)
        if self._transport == "pty":
            self._line, self._far = os.openpty()
            tty.setraw(self._far)
            os.set_blocking(self._line, False)
            name.symlink_to(os.ttyname(self._far))
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(name))
            self._listener.listen()
            self._listener.setblocking(False)

    def unplug(self) -> None:
        """The cable is out: the port hangs up and its name is gone."""
        (self.run_dir / "line").unlink(missing_ok=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for fd in (self._far, self._line):
            if fd >= 0:
                os.close(fd)
        self._line = self._far = -1

    def start(self) -> None:
        """Start the process and wait until all its sockets listen."""
        self.launch()
        self.until(lambda: self.state, "the gate tells its state", within_s=START_S)

    def launch(self) -> None:
        """Start the process."""
        program = {"pty": "firmware_bridge.gate", "socket": "tests.support.socket_gate"}
        self.trace.gate_started(time.monotonic())
        with (self.data_dir / "gate.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", program[self._transport]),
                    *("--data-dir", str(self.data_dir)),
                    *("--port", str(self.run_dir / "line"), "--holds-to-latch", "0", *LIMITS),
                ],
                stderr=log,
                start_new_session=True,  # as under the supervisor: it shares a core by sessions
            )
        self.state = None

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.motion.close()
        self.watcher.close()

    def close(self) -> None:
        self.kill()
        self.unplug()

    # Life

    def take(self, wait_s: float) -> tuple[float, bytes]:
        """What the gate writes next, and when it was read, with nothing else done; the next `pump` judges it. No bytes
        after `wait_s`."""
        select.select([self._line], [], [], wait_s)
        try:
            data = os.read(self._line, READ_BYTES)
        except BlockingIOError:
            data = b""
        now = time.monotonic()
        self._taken.append((now, data))
        return now, data

    def pump(self, wait_s: float = STEP_S) -> None:
        """Everything that is due, waiting for the line no longer than `wait_s`."""
        self._accept()
        now = time.monotonic()
        wait_s = max(0.0, min(wait_s, self._next_step - now))
        reading = [] if self.deaf or self._line < 0 else [self._line]
        select.select(reading, [], [], wait_s)
        self._read_line()
        now = time.monotonic()
        if now >= self._next_step:
            self._next_step = now + STEP_S
            self.step_board(now)
        self._live(now)

    def until(
        self, condition: Callable[[], object], what: str, *, within_s: float = PATIENCE_S
    ) -> float:
        """Pump until `condition`; gives how long it took, s. Fails, saying `what`, after `within_s`."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                raise AssertionError(f"not within {within_s} s: {what}; {self.state}")
            self.pump()
        return time.monotonic() - began

    def pump_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump()

    def step_board(self, now: float) -> None:
        """Move the board on to `now`, and write what it says."""
        self.stepped = now
        odometry = Odometry(0.0, 0.0, 0.0, *self.firmware.velocity)
        self.firmware.sensors = Sensors(odometry, button=self.button)
        out = self.firmware.tick(now)
        if self._line >= 0 and out:
            self.trace.board_wrote(out)
            self.said += out
            del self.said[:-READ_BYTES]
            self.write(out)

    def write(self, data: bytes) -> None:
        """To the gate; what a full line does not take is lost."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._line, data)

    def drive(self, linear_m_s: float = 0.3) -> None:
        """Have the base node command, and wait until the wheels turn so."""
        self.until_state("RUNNING")
        self.command = (linear_m_s, 0.0)
        self.until(lambda: self.firmware.velocity[0] > 0.9 * linear_m_s, "the wheels turn")

    def until_state(self, name: str) -> GateState:
        self.until(lambda: self.state is not None and self.state.state == name, f"it is {name}")
        assert self.state is not None
        return self.state

    def moving_frames(self) -> list[tuple[float, WireFrame]]:
        """Those of `frames` that command motion."""
        return [one for one in self.frames if one[1].type == MOTION and any(one[1].motion())]

    # What people do

    def post(self, door: str, message: dict[str, Any]) -> socket.socket:
        """Send `message` to a door of the gate, on a connection of its own, which comes back."""
        client = ipc.connect(self.run_dir / f"{door}.sock")
        client.setblocking(False)
        client.send(json.dumps(message).encode())
        return client

    def answer(self, client: socket.socket) -> dict[str, Any]:
        """The answer on that connection. Nothing is pumped meanwhile, so that the trace hears of what was asked
        before it sees what came of it."""
        with client:
            client.settimeout(PATIENCE_S)
            answer = json.loads(client.recv(READ_BYTES))
        assert isinstance(answer, dict)
        return answer

    def ask(self, door: str, message: dict[str, Any]) -> dict[str, Any]:
        return self.answer(self.post(door, message))

    def stop(self) -> str:
        """Gives the id of the stop, which is confirmed."""
        answer = self.ask("stop", {"type": "stop", "source": "API", "who": "test", "reason": ""})
        self.trace.stop(answer["event_id"], time.monotonic())
        return str(answer["event_id"])

    def end_stop(self, event_id: str) -> None:
        """Reset it as soon as the gate lets us, and resume."""
        self.until(lambda: self.reset(event_id), "the gate takes the reset")
        self.resume()

    def resume(self) -> None:
        """As soon as the gate lets us."""
        self.until(lambda: self._order(type="resume"), "the gate takes the resume")
        self.trace.resume(time.monotonic())

    def reset(self, event_id: str) -> bool:
        """Whether the gate took it."""
        taken = self._order(type="reset", event_id=event_id)
        if taken:
            self.trace.reset(event_id, time.monotonic())
        return taken

    def _order(self, **what: str) -> bool:
        answer = self.ask("reset", {**what, "who": "test", "sent": time.monotonic()})
        return answer == {"type": "done"}

    def _accept(self) -> None:
        if self._listener is not None and not self.deaf:
            with contextlib.suppress(BlockingIOError):
                line, _ = self._listener.accept()
                line.setblocking(False)
                if self._line >= 0:
                    self._read_line()  # what the gate wrote before it opened the line anew
                    os.close(self._line)
                self._line = line.detach()

    def _digest(self, now: float, data: bytes) -> None:
        self.heard += data
        del self.heard[:-READ_BYTES]
        self.firmware.receive(data, now)
        self.frames.extend((now, frame) for frame in self.trace.gate_wrote(data, now))

    def _read_line(self) -> None:
        while self._taken:
            self._digest(*self._taken.popleft())
        if self.deaf or self._line < 0:
            return
        try:
            data = os.read(self._line, READ_BYTES)
        except (BlockingIOError, ConnectionResetError):
            return
        self._digest(time.monotonic(), data)

    def _live(self, now: float) -> None:
        if now >= self._next_beat:
            self._next_beat = now + BEAT_S
            self._beat()
        if self.command is not None and now >= self._next_command:
            self._next_command = now + COMMAND_S
            if self.motion.send(*self.command):
                self.trace.command(time.monotonic())
            else:
                self.motion.connect()
        self.motion.receive()
        self.state = self.watcher.receive() or self.state

    def _beat(self) -> None:
        if not self.beating:
            return
        for process in ("ros", "supervisor"):
            if self.watcher.heartbeat(process):
                self.trace.heartbeat(process, time.monotonic())
            else:
                self.watcher.connect()


@contextlib.contextmanager
def wired_gate(
    data_dir: Path, transport: Literal["pty", "socket"] = "pty", seed: int = 1
) -> Iterator[WiredGate]:
    """A gate that runs."""
    made = WiredGate(data_dir, transport, seed)
    try:
        made.start()
        yield made
    finally:
        made.close()
