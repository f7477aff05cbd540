"""The board in C and the board in Python, side by side: the same bytes, clocks and sensors, and the same results."""

import itertools
import os
from collections import Counter
from random import Random

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Frame
from firmware_bridge.messages import (
    Clear,
    FaultCode,
    Heartbeat,
    Hello,
    InputsNow,
    Limits,
    Motion,
    Odometry,
    Stop,
    StopKind,
    ToBoard,
)
from firmware_bridge.simulated_firmware import Sensors, SimulatedFirmware
from tests.support.c_board import CBoard, Reference
from tests.support.peer import Board

SEEDS = range(200 if os.environ.get("LUNA_SOAK") else 8)
STEPS = 2_500


class Adversary:
    """A gate, a line and a world that do all they can, by a seed, to two boards at once."""

    def __init__(self, reference: Reference, seed: int) -> None:
        self.random = Random(seed)
        self.ms = 0
        nonces = itertools.count(77), itertools.count(77)
        self.python = SimulatedFirmware(self.now, new_nonce=lambda: next(nonces[0]))
        self.c = CBoard(reference, self.now, new_nonce=lambda: next(nonces[1]))
        self.boards: tuple[Board, Board] = (self.python, self.c)
        self.clock_ms = self.random.choice([3_000, 2**32 - 20_000])
        self.sequence = 0
        self.sent: list[bytes] = []

    @property
    def now(self) -> float:
        return 100.0 + self.ms / 1e3

    def step(self) -> None:
        action = self.random.choices(
            [
                *(self.drives, self.says, self.dawdles, self.repeats, self.babbles),
                *(self.touches, self.restarts),
            ],
            [50, 30, 5, 4, 6, 4, 0.5],
        )[0]
        action()
        self.passes(self.random.choice([1, 5, 10, 10, 20, 20, 50, 120]))

    def drives(self) -> None:
        """As a good gate does, so that the robot moves in most of the run."""
        if not self.python.session:
            self.say(Hello(self.random.getrandbits(32)), 0)
        if self.python.causes and self.random.random() < 0.3:
            self.say(Clear(self.python.latch), 500)
        v, w = self.random.choice([(0.3, 0.0), (-0.3, 0.5), (0.1, -2.0), (0.0, 0.0)])
        self.say(Motion(v, w), 200)
        self.say(Heartbeat(), 200)

    def says(self) -> None:
        r = self.random
        limits = [r.choice([0.0, 0.1, 0.31, 0.9, 2.5, 9.0]) for _ in range(6)]
        messages: list[ToBoard] = [
            Hello(r.getrandbits(32)),
            Heartbeat(),
            *[Motion(r.uniform(-0.55, 0.55), r.uniform(-2.1, 2.1)) for _ in range(5)],
            Stop(r.choice(list(StopKind))),
            *[Clear((self.python.latch + r.choice([-1, 0, 0, 0, 1])) & 0xFFFF)] * 2,
            Limits(*limits),
        ]
        self.say(
            r.choice(messages),
            r.choice([0, 50, 200, 200, 500, 1000]),
            late_ms=r.choice([0, 0, 30, 250]),
        )

    def dawdles(self) -> None:
        """As late as a frame may be, give or take some ms, and with clocks that drift meanwhile."""
        self.passes(self.random.choice([10, 900, 1_000, 2_500]))
        for message in (Heartbeat(), Motion(0.2, 0.0)):
            self.say(message, 200, late_ms=200 + self.random.randrange(-3, 4))

    def say(self, message: ToBoard, ttl_ms: int, late_ms: int = 0) -> None:
        r = self.random
        self.sequence += r.choice([1, 1, 1, 1, 1, 1, 2, 7, 0, -1])
        session = self.python.session + (r.random() < 0.02)
        stamp = (self.clock_ms - late_ms - r.choice([0, 0, 1, 4])) & 0xFFFF_FFFF
        payload = message.pack()
        if r.random() < 0.02:
            payload = bytes([r.randrange(8)]) + payload[1:]
        kind = (
            r.choice([0x07, InputsNow.TYPE, Odometry.TYPE]) if r.random() < 0.02 else message.TYPE
        )
        data = frames.encode(Frame(kind, session, max(0, self.sequence), stamp, ttl_ms, payload))
        self.sent.append(data)
        if r.random() < 0.03:
            flipped = bytearray(data)
            flipped[r.randrange(len(data))] ^= 1 << r.randrange(8)
            data = bytes(flipped)
        cut = r.randrange(len(data)) if r.random() < 0.1 else 0
        self.receive(data[:cut])
        self.receive(data[cut:])

    def repeats(self) -> None:
        if self.sent:
            self.receive(b"".join(self.random.choices(self.sent[-50:], k=3)))

    def babbles(self) -> None:
        noise = self.random.randbytes(self.random.choice([1, 10, 100]))
        self.receive(noise + b"\0" * self.random.randrange(2))

    def touches(self) -> None:
        r = self.random
        steps = [r.randrange(-30_000, 30_000) for _ in range(5)]
        sensors = Sensors(
            Odometry(*(step / 1e3 for step in steps)),
            fraction=r.choice([1.0, 0.5, 0.11, 0.09, 0.03, 0.01]),
            charging=r.random() < 0.5,
            button=r.random() < 0.1,
            bumper=r.random() < 0.1,
            lifted=r.random() < 0.1,
            tilt=r.choice([0.0, 0.0, 0.259, -0.26, 0.261, -0.3]),
            tray_grams=r.randrange(-500, 20_000),
        )
        for board in self.boards:
            board.sensors = sensors

    def restarts(self) -> None:
        """The board, or only the gate; after a quiet time. A latch is not always in the way."""
        self.passes(self.random.choice([300, 1_000, 5_000]))
        self.sequence = self.random.choice([0, self.sequence])
        for board in self.boards:
            if self.ms % 2:
                board.boot(self.now)
            board.sensors = Sensors()
        self.say(Hello(self.random.getrandbits(32)), 0)

    def receive(self, data: bytes) -> None:
        for board in self.boards:
            board.receive(data, self.now)

    def passes(self, ms: int) -> None:
        self.ms += ms
        # The gate's clock is wrong by up to 0.1 %.
        self.clock_ms += ms + self.random.choice([0, 0, 0, 0, -1, 1]) * (ms >= 1000)
        python, c = (board.tick(self.now) for board in self.boards)
        assert c == python
        assert state(self.c) == state(self.python)


def state(board: Board) -> tuple[object, ...]:
    faults = {code: count for code, count in board.faults.items() if count}
    now = board.target(), board.velocity, board.session, board.latch, board.causes
    return *now, faults, tuple(round(value * 1e3) for value in board.limits.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_both_boards_do_the_same_whatever_happens(reference: Reference, seed: int) -> None:
    both = Adversary(reference, seed)
    moved = latched = 0
    refused: Counter[FaultCode] = Counter()
    for _ in range(STEPS):
        both.step()
        moved += both.python.velocity[0] != 0.0
        latched += bool(both.python.causes)
        refused |= both.python.faults
    # A run in which nothing happens would say nothing.
    assert moved > STEPS / 20 and latched > STEPS / 20
    assert set(+refused) == set(FaultCode) - {FaultCode.MOTOR_STUCK}
