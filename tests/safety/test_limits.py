"""S6: whatever is commanded, nothing goes over the caps of speed, turn and acceleration; and each of gate and board
holds them without the other."""

import json
import math
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from edge import ipc
from firmware_bridge import limiter
from firmware_bridge.messages import Limits
from tests.safety.conftest import Counts
from tests.support.closed_loop import LIMITS, TICK_S, ClosedLoop
from tests.support.figures import Figures
from tests.support.wired_gate import WiredGate, wired_gate

NUMBERS = (
    *(math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -5e-324, 2.2e-308, 0.0, -0.0),
    *(0.31, -0.31, 0.3100001, 32.767, 32.768, -32.769, 1e6, -1e19),
)
NO_CAPS = Limits(32.0, 32.0, 65.0, 65.0, 65.0, 65.0)
"""What the fields of the protocol can say at most."""
STEP = 0.0011
"""m/s: velocities go over the line in whole mm/s."""
LEAST_MOVING = 0.3


def any_number(random: Random) -> float:
    return random.choice(NUMBERS) if random.random() < 0.2 else random.uniform(-1.0, 1.0) * 3.0


def fuzz(loop: ClosedLoop, n: int, random: Random) -> int:
    """Offer `n` pairs of any numbers, one a cycle; gives how many the gate refused."""
    loop.command, refused = None, 0
    v = w = 0.0
    for _ in range(n):
        if random.randrange(4) == 0:
            v, w = any_number(random), any_number(random)
        if math.isfinite(v) and math.isfinite(w):
            assert loop.offer(v, w, loop.now)
        else:
            assert not loop.authority.command(v, w, loop.now, loop.at)
            refused += 1
        loop.step(random.uniform(0.001, 0.03))
    return refused


def test_no_command_puts_a_frame_over_a_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures
) -> None:
    loop = ClosedLoop(tmp_path / "port", monkeypatch)
    refused = fuzz(loop, counts.fuzzed_commands, Random(6))
    loop.close()
    figures.note(
        "S6 fuzzed commands",
        n=counts.fuzzed_commands,
        refused=refused,
        moving_frames=loop.trace.moving,
        over_a_cap=loop.trace.counts["I4"],
    )
    assert not loop.trace.breaches and not loop.breaches
    assert loop.trace.moving > LEAST_MOVING * counts.fuzzed_commands


def wheels(loop: ClosedLoop, random: Random, n: int) -> Iterator[tuple[float, float]]:
    """The wheels' speeds, m/s, before and after each cycle of wild commands."""
    loop.command = None
    v = 0.0
    for _ in range(n):
        if random.randrange(20) == 0:
            v = random.uniform(-2.0, 2.0)
        loop.offer(v, 0.0, loop.now)
        before = loop.board.velocity[0]
        loop.step()
        yield before, loop.board.velocity[0]


def judge_wheels(loop: ClosedLoop, figures: Figures, name: str, n: int) -> None:
    fastest = steepest = 0.0
    for before, after in wheels(loop, Random(66), n):
        fastest = max(fastest, abs(after))
        start = abs(before) if before * after > 0.0 else 0.0
        steepest = max(steepest, (abs(after) - start - STEP) / TICK_S)
    loop.close()
    figures.note(name, n=n, fastest_m_s=round(fastest, 3), steepest_m_s2=round(steepest, 3))
    assert fastest <= LIMITS.speed and steepest <= LIMITS.acceleration + 1e-6
    assert fastest > 0.9 * LIMITS.speed and steepest > 0.5 * LIMITS.acceleration


def test_the_gate_alone_holds_the_caps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures
) -> None:
    """Before a board that drives 32 m/s, jumps there at once, and is told of no limits."""
    loop = ClosedLoop(tmp_path / "port", monkeypatch, board_caps=NO_CAPS)
    loop.limits_told = False
    judge_wheels(loop, figures, "S6 the gate alone", counts.fuzzed_commands // 5)
    assert not loop.trace.breaches


def test_the_board_alone_holds_the_caps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures
) -> None:
    """Behind a gate that passes on whatever it is told: the board refuses what is too fast, and ramps."""
    loop = ClosedLoop(tmp_path / "port", monkeypatch)
    monkeypatch.setattr(limiter, "_clamp", lambda value, _: value)
    monkeypatch.setattr(limiter, "ramp", lambda _, target, *__: target)
    judge_wheels(loop, figures, "S6 the board alone", counts.fuzzed_commands // 5)
    assert loop.trace.counts["I4"] > 0


def test_with_neither_the_wheels_go_over_the_caps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the two tests above can see it."""
    loop = ClosedLoop(tmp_path / "port", monkeypatch, board_caps=NO_CAPS)
    loop.limits_told = False
    monkeypatch.setattr(limiter, "_clamp", lambda value, _: value)
    monkeypatch.setattr(limiter, "ramp", lambda _, target, *__: target)
    fastest = max(abs(after) for _, after in wheels(loop, Random(66), 1000))
    loop.close()
    assert fastest > 1.0


def odd_packet(random: Random) -> tuple[bytes, bool]:
    """A packet for the motion socket, and whether it is a command at all."""
    v, w = any_number(random), any_number(random)
    good = {"type": "velocity", "linear": v, "angular": w, "sent": time.monotonic()}
    kind = random.randrange(8)
    if kind < 4:
        return json.dumps(good).encode(), math.isfinite(v) and math.isfinite(w)
    if kind == 4:
        return json.dumps(good).encode()[: random.randrange(1, 60)], False
    if kind == 5:
        return random.randbytes(random.randrange(1, 6000)), False
    name = random.choice(["linear", "angular", "sent"])
    if kind == 6:
        wrong = random.choice([None, [], {}, "fast", [0.3], {"m": 1}, "1e999"])
        return json.dumps({**good, name: wrong}).encode(), False
    del good[name]
    return json.dumps(good).encode(), False


def test_no_packet_brings_the_gate_down_or_over_a_cap(
    tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    """Through the socket of a real gate: broken JSON, wrong types, missing fields, too long, and no numbers."""
    random = Random(666)
    with wired_gate(tmp_path) as gate:
        gate.until_state("RUNNING")
        with ipc.connect(gate.run_dir / "motion.sock") as source:
            source.setblocking(False)
            for _ in range(counts.fuzzed_packets):
                packet, is_command = odd_packet(random)
                send(gate, source, packet)
                if is_command:
                    gate.trace.command(time.monotonic())
            gate.pump_for(0.2)
        state = gate.until_state("RUNNING")
        trace = gate.trace
    figures.note(
        "S6 fuzzed packets",
        n=counts.fuzzed_packets,
        malformed=state.counters["motion_malformed"],
        moving_frames=trace.moving,
        breaches=sum(trace.counts.values()),
    )
    assert not trace.breaches and trace.moving > 0
    assert state.counters["motion_malformed"] > 0


def send(gate: WiredGate, source: socket.socket, packet: bytes) -> None:
    """As fast as the gate takes it; all else lives on. What the gate says is thrown away."""
    while True:
        gate.pump(0.0)
        try:
            source.send(packet)
        except BlockingIOError:
            continue
        break
    try:
        while True:
            source.recv(1 << 16)
    except BlockingIOError:
        return


@pytest.mark.parametrize(
    ("door", "message"),
    [
        ("motion", {"type": "velocity", "linear": 10**400, "angular": 0, "sent": 0}),
        ("state", {"type": "heartbeat", "process": "ros", "sent": 10**400}),
        ("reset", {"type": "resume", "who": "test", "sent": 10**400}),
    ],
)
def test_an_integer_that_no_float_holds_is_malformed(
    tmp_path: Path, door: str, message: dict[str, object]
) -> None:
    with wired_gate(tmp_path) as gate:
        gate.until_state("RUNNING")
        with gate.post(door, message):
            gate.until(
                lambda: gate.state and gate.state.counters.get(f"{door}_malformed"),
                "it is counted",
            )
