"""Gate and board in one process on one clock moved by hand: the product's decisions, link, frames and firmware, with a
line in memory between them. Each byte on the line is judged by the trace.

`ClosedLoop` plays the processes and people around them; a test takes away, breaks or forges what it likes.
"""

import contextlib
import socket
from pathlib import Path
from random import Random

import pytest
import serial

from edge.domain.stops import LatchState, StopSource
from firmware_bridge.authority import Authority, Moment, RefusedError
from firmware_bridge.latch import Latch
from firmware_bridge.link import BoardLink
from firmware_bridge.messages import Clear, Heartbeat, Limits, Motion, Odometry, Stop, StopKind
from firmware_bridge.simulated_firmware import OWN_CAPS, Sensors, SimulatedFirmware
from tests.support.trace import Caps, Trace

CAPS = Caps(0.31, 1.5, 0.5, 2.0)
LIMITS = Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0)
TICK_S, BEAT_S, LIMITS_S = 0.02, 0.05, 1.0
BACKLOG = 1 << 16


class Port:
    """What the link uses of pyserial, on one end of a socket pair."""

    def __init__(self, cable: "Cable", near: socket.socket) -> None:
        self._cable, self._near = cable, near

    def fileno(self) -> int:
        return self._near.fileno()

    @property
    def out_waiting(self) -> int:
        return BACKLOG if self._cable.full else 0

    def read(self, size: int) -> bytes:
        try:
            data = self._near.recv(size)
        except BlockingIOError:
            return b""
        if not data:
            raise serial.SerialException("ready to read but no data")
        return data

    def write(self, data: bytes) -> int:
        return self._near.send(data)

    def reset_input_buffer(self) -> None:
        """A new line has nothing in it."""

    def reset_output_buffer(self) -> None:
        """What was written is told to the trace all the same, but does not reach the board."""
        self._cable.flushed = True

    def close(self) -> None:
        self._near.close()


class Cable:
    """The line, the far end of which is here. `full`: the driver tells of waiting bytes."""

    def __init__(self) -> None:
        self.plugged = True
        self.full = self.flushed = False
        self._far: socket.socket | None = None

    def port(self, *_: object, **__: object) -> Port:
        """In place of `serial.Serial`."""
        if not self.plugged:
            raise serial.SerialException("no such port")
        self._hang_up()
        near, self._far = socket.socketpair()
        near.setblocking(False)
        self._far.setblocking(False)
        return Port(self, near)

    def unplug(self) -> None:
        self.plugged = False
        self._hang_up()

    def close(self) -> None:
        """The end."""
        self._hang_up()

    def read(self) -> bytes:
        """What the gate wrote."""
        if self._far is None:
            return b""
        try:
            return self._far.recv(1 << 16)
        except (BlockingIOError, ConnectionResetError):
            return b""

    def write(self, data: bytes) -> None:
        """To the gate; lost where it does not read."""
        if self._far is not None and data:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                self._far.send(data)

    def _hang_up(self) -> None:
        if self._far is not None:
            self._far.close()
            self._far = None


class ClosedLoop:
    """`step` is one control cycle. What a test sets: `command` (m/s, rad/s, or None), `beating`, `cable`, `wall_shift`
    (s, added to the wall clock), `board.sensors`, `board_silent`, `board_deaf`, `limits_told` (to the board)."""

    def __init__(
        self, port: Path, patch: pytest.MonkeyPatch, seed: int = 1, board_caps: Limits = OWN_CAPS
    ) -> None:
        port.touch()
        self.random = Random(seed)
        self.now, self.wall_shift = 1000.0, 0.0
        self.command: tuple[float, float] | None = (0.3, 0.0)
        self.beating = {"ros", "supervisor"}
        self.cable = Cable()
        self.board_silent = self.board_deaf = False
        self.board_said = b""
        self.limits_told = True
        self._waiting = bytearray()
        self.trace = Trace(CAPS, by_stamp=False)
        self.breaches: list[str] = []
        self.latch = Latch()
        self._port = port
        self._ids = iter(range(1 << 60))
        patch.setattr(serial, "Serial", self.cable.port)
        self.board = SimulatedFirmware(self.now, new_nonce=self._nonce, caps=board_caps)
        self._stood_since = float("inf")
        self.link = BoardLink(port, new_nonce=self._nonce)
        self.start_gate()

    @property
    def at(self) -> Moment:
        return Moment(self.now, self.now + 1.7e9 + self.wall_shift)

    def start_gate(self) -> None:
        """A new gate, from what the last one saved."""
        self.authority = Authority(
            LIMITS,
            self.latch,
            self.at,
            new_id=lambda _: f"id-{next(self._ids)}",
            holds_to_latch=0,
            announce_s=0.0,
        )
        self.link.close()
        self.link = BoardLink(self._port, new_nonce=self._nonce)
        self._up = False
        self._next_beat = self._next_limits = 0.0
        self.trace.gate_started(self.now)

    # What happens to it

    def step(self, dt_s: float = TICK_S) -> None:
        """Let `dt_s` pass, and have everybody do what they do."""
        self.now += dt_s
        self._step_board()
        for process in self.beating:
            self.heartbeat(process, self.now)
        if self.command is not None:
            self.offer(*self.command, self.now)
        self._serve_line()
        self._tick()
        self._deliver()
        self._judge_board()

    def forward(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.step()

    def freeze(self, seconds: float) -> None:
        """The gate gets no turn, and the board goes on."""
        for _ in range(int(seconds / TICK_S)):
            self.now += TICK_S
            self._step_board()

    def offer(self, linear_m_s: float, angular_rad_s: float, sent: float) -> bool:
        """A command of the base node; whether the gate took it."""
        self.trace.command(sent)
        return self.authority.command(linear_m_s, angular_rad_s, sent, self.at)

    def heartbeat(self, process: str, sent: float) -> None:
        self.trace.heartbeat(process, sent)
        self.authority.heartbeat(process, sent, self.at)

    def stop(self, source: StopSource = StopSource.API) -> str:
        """As the gate's stop door: latched and written at once."""
        event_id, _ = self.authority.stop(source, "test", "", self.at)
        self.trace.stop(event_id, self.now)
        self.link.send(Stop(StopKind.LATCH), self.now)
        self.link.send(Motion(0.0, 0.0), self.now)
        self._follow_latch()
        self._deliver()
        return event_id

    def reset(self, event_id: str, age_s: float = 0.0) -> bool:
        """Whether the gate took it."""
        try:
            latch = self.authority.plan_reset(event_id, self.now - age_s, self.at)
        except RefusedError:
            return False
        self.trace.reset(event_id, self.now)
        self.authority.adopt(latch, "test", self.at)
        self._follow_latch()
        return True

    def resume(self, age_s: float = 0.0) -> bool:
        """Whether the gate took it."""
        try:
            latch = self.authority.plan_resume(self.now - age_s, self.at)
        except RefusedError:
            return False
        self.trace.resume(self.now)
        self.authority.adopt(latch, "test", self.at)
        self._follow_latch()
        return True

    def close(self) -> None:
        self.link.close()
        self.cable.close()

    def moves(self) -> bool:
        return any(self.board.target())

    # How it is wired: what the gate's process does in each pass

    def _serve_line(self) -> None:
        messages = self.link.service(self.now)
        if self.link.up != self._up:
            self._up = self.link.up
            self._next_limits = 0.0
            if not self._up:
                self.trace.link_lost(self.now)
            self.authority.link(self._up)
        for message in messages:
            self.authority.board_said(message, self.at)
        self._follow_latch()

    def _tick(self) -> None:
        send, now = self.link.send, self.now
        decision = self.authority.tick(self.at)
        if decision.stop:
            send(Stop(StopKind.LATCH), now)
        send(Motion(decision.linear_m_s, decision.angular_rad_s), now)
        if now >= self._next_beat:
            self._next_beat = now + BEAT_S
            send(Heartbeat(), now)
            if decision.clear is not None:
                send(Clear(decision.clear), now)
        if self.limits_told and now >= self._next_limits and send(LIMITS, now):
            self._next_limits = now + LIMITS_S
        self._follow_latch()

    def _follow_latch(self) -> None:
        """Save it, and tell the trace of the stops that the gate found by itself."""
        latch = self.latch = self.authority.latch
        self.authority.records.clear()
        if latch.state is LatchState.LATCHED and latch.event_id is not None:
            self.trace.stop(latch.event_id, self.now)
        if latch.state is LatchState.CLEAR:
            self._stood_since = float("inf")
        else:
            self._stood_since = min(self._stood_since, self.now)

    def _deliver(self) -> None:
        """What the gate wrote, to the trace and to the board, which may be deaf for a while."""
        data = self.cable.read()
        self.trace.gate_wrote(data, self.now)
        if self.cable.flushed:
            self.cable.flushed = False
            self._waiting.clear()
        self._waiting += data
        if self._waiting and not self.board_deaf:
            self.board.receive(bytes(self._waiting), self.now)
            self._waiting.clear()

    def _step_board(self) -> None:
        sensors = self.board.sensors
        self.board.sensors = Sensors(
            Odometry(0.0, 0.0, 0.0, *self.board.velocity),
            fraction=sensors.fraction,
            button=sensors.button,
            bumper=sensors.bumper,
        )
        out = self.board.tick(self.now)
        self.board_said = out or self.board_said
        if not self.board_silent:
            self.trace.board_wrote(out)
            self.cable.write(out)

    def _judge_board(self) -> None:
        """The wheels too: within the caps, and not driven under a stop once the board's own deadline passed."""
        v, w = self.board.velocity
        if abs(v) > LIMITS.speed or abs(w) > LIMITS.turn:
            self.breaches.append(f"{self.now:.3f}: the wheels turn at {v} m/s, {w} rad/s")
        if self.moves() and self.now > self._stood_since + 0.2 + TICK_S:
            self.breaches.append(f"{self.now:.3f}: driven under a stop")

    def _nonce(self) -> int:
        return self.random.randrange(1, 1 << 32)
