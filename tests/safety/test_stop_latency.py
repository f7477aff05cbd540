"""S1: from a stop to the zero on the wire, with every core busy.

The clock runs from before the client connects to the stop's socket until the test has read the last byte of the
MOTION of zero that follows the first STOP, so it holds the whole of the gate's work: accept, read, decide, write.
The robot is moving at each stop. Behind each stop comes a real reset and resume, with the latch synced to disk.

A figure of time is the machine's as well. So before each stop a bare process that gives a byte back is timed, under
the same load: the full run, on a machine of its own, asserts the promised figures as they are; the small one, which may
share its cores with strangers, asserts the 99th percentile less that of the bare process.

Twice: with the gate's end of the line on a socket pair, which shows the gate itself, and on a pty, whose bytes go
through a worker of the kernel with a priority of its own. pyserial writes in both (`tests/support/socket_gate.py`).
"""

import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from edge.domain.stops import StopSource
from tests.safety.conftest import Counts
from tests.support.busy import Echo, all_cores_busy
from tests.support.figures import Figures, percentile
from tests.support.wire_format import MOTION, STOP
from tests.support.wired_gate import WiredGate, wired_gate

PROMISED: dict[str, tuple[float, float]] = {"socket": (0.005, 0.025), "pty": (0.040, 0.120)}
"""s: 99th percentile, maximum."""
SETTLE_S = 0.02
"""Stops come at any moment of the gate's tick."""


@pytest.mark.parametrize("transport", ["socket", "pty"])
def test_a_stop_is_on_the_wire_in_time_on_a_busy_machine(
    transport: Literal["socket", "pty"], tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    n = counts.socket_stops if transport == "socket" else counts.pty_stops
    random = Random(1)
    took, bare = [], []
    with wired_gate(tmp_path, transport) as gate, all_cores_busy(), closing(Echo()) as echo:
        gate.command = (0.3, 0.1)
        for _ in range(n):
            bare.append(echo.round_trip())
            took.append(time_a_stop(gate, random))
    figures.note_times(f"S1 stop to zero, {transport}", took)
    figures.note_times(f"S1 bare process, {transport}", bare)
    assert not gate.trace.breaches
    promised_p99, promised_max = PROMISED[transport]
    if counts.full:
        assert percentile(took, 99) <= promised_p99
        assert max(took) <= promised_max
    else:
        assert percentile(took, 99) <= promised_p99 + percentile(bare, 99)


def time_a_stop(gate: WiredGate, random: Random) -> float:
    """One stop of a robot that moves, and its end; gives s."""
    gate.frames.clear()
    gate.until(lambda: moves(gate), "the robot moves")
    gate.pump_for(random.uniform(0.0, SETTLE_S))
    gate.frames.clear()
    began = time.monotonic()
    client = gate.post("stop", {"type": "stop", "source": "API", "who": "test", "reason": ""})
    gate.until(lambda: zero_after_stop(gate) is not None, "a zero after STOP")
    read = zero_after_stop(gate)
    assert read is not None
    event_id = gate.answer(client)["event_id"]
    gate.trace.stop(event_id, time.monotonic())
    gate.end_stop(event_id)
    return read - began


def moves(gate: WiredGate) -> bool:
    """Whether the gate lets it. A board that this process left without a turn for 300 ms may come back with its latch,
    which the gate then takes for a stop that it lost."""
    state = gate.state
    if state is not None and state.source is StopSource.BOARD and state.event_id is not None:
        gate.trace.stop(state.event_id, time.monotonic())
        gate.end_stop(state.event_id)
        gate.state = None
    return bool(gate.moving_frames())


def zero_after_stop(gate: WiredGate) -> float | None:
    """When the first zero behind the first STOP was read."""
    stopped = False
    for read, frame in gate.frames:
        stopped = stopped or frame.type == STOP
        if stopped and frame.type == MOTION:
            assert frame.motion() == (0, 0)
            return read
    return None
