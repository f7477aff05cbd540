"""Somebody at the board's line: a gate that says what a test wants it to."""

import itertools
from collections.abc import Callable
from typing import Protocol

from firmware_bridge import frames
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.messages import FaultCode, Heartbeat, Hello, Message, Motion, ToBoard, parse
from firmware_bridge.simulated_firmware import SimulatedFirmware
from tests.support.c_board import CBoard

Board = SimulatedFirmware | CBoard


class MakeBoard(Protocol):
    """Switches a board on at `now`, in s."""

    def __call__(self, now: float, *, new_nonce: Callable[[], int]) -> Board: ...


class Peer:
    """Whoever is at the other end of the line. Time is moved by hand, in steps of 10 ms."""

    def __init__(self, make_board: MakeBoard) -> None:
        self.now = 100.0
        nonces = itertools.count(77)
        self.board = make_board(self.now, new_nonce=lambda: next(nonces))
        self.decoder = FrameDecoder()
        self.told: list[Message] = []
        self.session = 0
        self.sequence = 0
        self.clock_s = 3.0  # starts anywhere
        self.driving: Motion | None = None

    def bytes_of(self, message: ToBoard, ttl_ms: int = 200, late_s: float = 0.0) -> bytes:
        self.sequence += 1
        stamp = int((self.clock_s - late_s) * 1e3) % 2**32
        return frames.encode(
            Frame(message.TYPE, self.session, self.sequence, stamp, ttl_ms, message.pack())
        )

    def send(self, message: ToBoard, ttl_ms: int = 200, late_s: float = 0.0) -> bytes:
        data = self.bytes_of(message, ttl_ms, late_s)
        self.board.receive(data, self.now)
        return data

    def hello(self) -> None:
        self.session = 0
        self.send(Hello(5), ttl_ms=0)
        self.forward(0.01)
        self.session = self.board.session

    def forward(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.01)):
            self.now += 0.01
            self.clock_s += 0.01
            if self.driving is not None:
                self.send(self.driving)
                self.send(Heartbeat())
            self.told += [parse(frame) for frame in self.decoder.feed(self.board.tick(self.now))]

    def later(self, ms: int) -> list[Message]:
        """What the board says in one tick, so much later."""
        self.now += ms / 1e3
        self.clock_s += ms / 1e3
        return [parse(frame) for frame in self.decoder.feed(self.board.tick(self.now))]

    def last(self, kind: type[Message]) -> Message:
        return next(message for message in reversed(self.told) if isinstance(message, kind))

    def refused(self, code: FaultCode) -> int:
        return self.board.faults[code]
