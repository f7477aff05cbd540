"""S7: what is old, early, repeated, reordered or of another session moves nothing, nor does the clock on the wall.

The gate looks at the stamps of commands (oldest 100 ms, so all beyond the promised 150), the board at the session,
sequence and age of frames (oldest 200 ms after their stamp).
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from firmware_bridge import authority, frames
from firmware_bridge.authority import Moment
from firmware_bridge.frames import Frame
from firmware_bridge.messages import Heartbeat, Hello, Motion
from firmware_bridge.simulated_firmware import SimulatedFirmware
from tests.safety.conftest import Counts
from tests.support.closed_loop import ClosedLoop
from tests.support.figures import Figures
from tests.support.trouble import JUMPS_S

Flaw = Callable[[Random, ClosedLoop], float]
FLAWS: dict[str, Flaw] = {
    "older than 150 ms": lambda random, loop: loop.now - 0.15 - random.uniform(1e-6, 100.0),
    "over 50 ms ahead": lambda random, loop: loop.now + 0.05 + random.uniform(1e-6, 100.0),
    "not rising": lambda random, loop: loop.now - random.choice((0.0, random.uniform(0.0, 0.1))),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_the_gate_refuses_every_command_of_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures, flaw: str
) -> None:
    """While good commands come at 50 Hz, so that there is one that each of these could overtake."""
    loop, random = ClosedLoop(tmp_path / "port", monkeypatch), Random(7)
    loop.command = (0.1, 0.0)
    loop.forward(1.0)
    refused = 0
    for n in range(counts.stale_commands):
        sent = FLAWS[flaw](random, loop)
        refused += not loop.authority.command(0.31, 1.5, sent, loop.at)
        if n % 20 == 0:
            loop.step()
            assert loop.board.target() == (0.1, 0.0)
    loop.close()
    figures.note(f"S7 gate: {flaw}", n=counts.stale_commands, refused=refused)
    assert refused == counts.stale_commands and not loop.trace.breaches


def test_without_its_deadline_the_gate_would_take_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authority, "COMMAND_S", 1e9)
    loop = ClosedLoop(tmp_path / "port", monkeypatch)
    loop.command = None
    assert loop.authority.command(0.31, 0.0, loop.now - 0.2, loop.at)
    loop.close()


class Sender:
    """The gate's end of the line: frames as good as can be, but for what a test makes wrong."""

    def __init__(self) -> None:
        self.now = 100.0
        nonces = count(0x1111)
        self.board = SimulatedFirmware(self.now, new_nonce=lambda: next(nonces))
        self.sequence = 0
        self.write(Hello(1), session=0)

    def write(self, message: Hello | Motion | Heartbeat, **wrong: Any) -> None:
        self.sequence += 1
        stamp, ttl_ms = int(self.now * 1e3), 0 if isinstance(message, Hello) else 200
        frame = Frame(
            message.TYPE, self.board.session, self.sequence, stamp, ttl_ms, message.pack()
        )
        self.board.receive(frames.encode(frame._replace(**wrong)), self.now)

    def step(self) -> None:
        """A good motion, and then 20 ms pass."""
        self.write(Heartbeat())
        self.write(Motion(0.1, 0.0))
        self.now += 0.02
        self.board.tick(self.now)

    def wrong(self, flaw: str, random: Random) -> dict[str, int]:
        return {
            "older than 200 ms": {
                "stamp_ms": int(self.now * 1e3) - 200 - random.randrange(21, 90_000)
            },
            "not rising": {"sequence": self.sequence - random.randrange(1, 100)},
            "wrong session": {"session": random.randrange(1 << 32)},
        }[flaw]


@pytest.mark.parametrize("flaw", ["older than 200 ms", "not rising", "wrong session"])
def test_the_board_refuses_every_frame_of_another_time(
    counts: Counts, figures: Figures, flaw: str
) -> None:
    sender, random = Sender(), Random(77)
    for _ in range(200):
        sender.step()
    refused = 0
    for _ in range(counts.stale_commands):
        before = sender.board.faults.total()
        sender.write(Motion(0.3, 1.0), **sender.wrong(flaw, random))
        refused += sender.board.faults.total() - before
        sender.step()
        assert sender.board.target() == (0.1, 0.0)
    figures.note(f"S7 board: {flaw}", n=counts.stale_commands, refused=refused)
    assert refused == counts.stale_commands


def drive(port: Path, jumps_s: list[float]) -> list[tuple[float, float]]:
    """What the wheels are driven at, cycle by cycle, with a jump of the wall clock every 10 cycles: commands come and
    go, a stop is made and ended."""
    with pytest.MonkeyPatch.context() as patch:
        loop = ClosedLoop(port, patch)
        driven = []
        for cycle in range(10 * len(jumps_s)):
            if cycle % 10 == 5:
                loop.wall_shift += jumps_s[cycle // 10]
            loop.command = None if cycle % 70 > 60 else (0.3, 0.1)
            if cycle % 250 == 100:
                loop.stop()
            if loop.latch.event_id is not None and loop.reset(loop.latch.event_id):
                loop.resume()
            loop.step()
            driven.append(loop.board.velocity)
        loop.close()
        assert not loop.trace.breaches and any(v for v, _ in driven)
        return driven


def test_jumps_of_the_wall_clock_change_nothing(
    tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    random = Random(777)
    jumps_s = [random.choice(JUMPS_S) for _ in range(counts.clock_jumps)]
    as_ever = drive(tmp_path / "a", [0.0] * counts.clock_jumps)
    jumping = drive(tmp_path / "b", jumps_s)
    changed = sum(one != other for one, other in zip(as_ever, jumping, strict=True))
    figures.note("S7 wall clock jumps", n=counts.clock_jumps, changed_ms=changed * 20)
    assert changed == 0


def test_a_gate_that_lived_by_the_wall_clock_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_ever = drive(tmp_path / "a", [0.0] * 10)

    def by_the_wall(loop: ClosedLoop) -> Moment:
        return Moment(loop.now + loop.wall_shift, 0.0)

    monkeypatch.setattr(ClosedLoop, "at", property(by_the_wall))
    assert drive(tmp_path / "b", [JUMPS_S[0], *[0.0] * 9]) != as_ever
