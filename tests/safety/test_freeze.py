"""S11, for the gate: frozen for a while (SIGSTOP) and thawed (SIGCONT), it emits no motion without a fresh command.

Three stories in turn: the source of velocity dies with the freeze; it commands on into the frozen gate's socket and
dies with the thaw, so that what the gate finds is a queue of old commands; it lives on. The trace judges every frame of
all three by when it was decided. One that the freeze caught between decision and write has an old stamp, for which the
board refuses it (S7).
"""

import signal
import time
from pathlib import Path
from random import Random

import pytest

from firmware_bridge import authority
from tests.safety.conftest import Counts
from tests.support.board import until
from tests.support.closed_loop import ClosedLoop
from tests.support.figures import Figures
from tests.support.wired_gate import WiredGate, wired_gate

SHORTEST_S = 0.1
WATCHED_S = 0.4
"""After the thaw: more than any command's age."""
COMMAND_S = 0.15


def test_a_thawed_gate_moves_nothing_without_a_fresh_command(
    tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    random = Random(11)
    moved, longest = 0, 0.0
    with wired_gate(tmp_path) as gate:
        for n in range(counts.freezes):
            # As many short ones as long ones: from one missed deadline to all of them.
            frozen_s = SHORTEST_S * (counts.longest_freeze_s / SHORTEST_S) ** random.random()
            longest = max(longest, frozen_s)
            moved += freeze_and_thaw(gate, frozen_s, story=n % 3)
        trace = gate.trace
    figures.note(
        "S11 gate frozen and thawed",
        n=counts.freezes,
        longest_s=round(longest, 2),
        moved_without_command=moved,
        breaches=sum(trace.counts.values()),
        moving_frames=trace.moving,
    )
    assert moved == 0 and not trace.breaches


def freeze_and_thaw(gate: WiredGate, frozen_s: float, story: int) -> int:
    """Gives how many frames moved the robot without a fresh command."""
    gate.beating = True
    gate.drive()
    gate.signal(signal.SIGSTOP)
    until(lambda: state_of(gate) == "T", "the gate is frozen")
    gate.pump(0.001)
    last_command = time.monotonic()
    if story == 0:
        gate.command = None
    gate.pump_for(frozen_s)
    if story == 1:
        gate.command, last_command = None, time.monotonic()
    gate.frames.clear()
    gate.signal(signal.SIGCONT)
    gate.pump_for(WATCHED_S)
    if story == 2:
        return 0
    return sum(
        read - frame.age_s(read) > last_command + COMMAND_S for read, frame in gate.moving_frames()
    )


def state_of(gate: WiredGate) -> str:
    """Of the process: R, S, T and so on."""
    stat = Path(f"/proc/{gate.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0]


def test_a_gate_that_goes_on_after_a_freeze_as_if_nothing_was_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, with the deadline of commands out and the gate's own notice of its pauses too."""
    loop = ClosedLoop(tmp_path / "port", monkeypatch)
    loop.forward(1.0)
    monkeypatch.setattr(authority, "COMMAND_S", 1e9)
    monkeypatch.setattr(authority, "LONGEST_STEP_S", 1e9)
    loop.command = None
    loop.freeze(0.2)
    loop.step()
    loop.forward(0.1)
    loop.close()
    assert loop.trace.counts["I2"] > 0


def test_with_either_protection_the_thawed_gate_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patched in ("COMMAND_S", "LONGEST_STEP_S"):
        with monkeypatch.context() as patch:
            loop = ClosedLoop(tmp_path / patched, patch)
            loop.forward(1.0)
            patch.setattr(authority, patched, 1e9)
            loop.command = None
            loop.freeze(0.2)
            loop.step()
            loop.forward(0.1)
            loop.close()
            assert not loop.trace.breaches, patched
