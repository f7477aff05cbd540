"""S1: from a stop to the zero on the wire, with every core busy.

The clock runs from before the client connects to the stop's socket until the test has read the last byte of the
MOTION of zero that follows the first STOP, so it holds the whole of the gate's work: accept, read, decide, write. For
the red button it runs from before the board writes that it is pressed. The robot is moving at each stop. Behind each
stop comes a real reset and resume, with the latch synced to disk.

A figure of time is the machine's as well. So before each stop a bare process that gives a byte back is timed, under
the same load. Gate, bare process and this test run at real-time priority where that is allowed. The full run, on a
machine of its own, asserts the promised figures as they are. The small one may share its cores with strangers: it
asserts that half of the stops are as quick as the promise for 99 of 100, beside what the bare process takes in the
median; a gate that waits for its next tick is not.

With the gate's end of the line on a socket, which shows the gate itself, and on a pty, whose bytes go through a worker
of the kernel with a priority of its own. pyserial is the product's in both (`tests/support/socket_gate.py`).
"""

import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from edge.domain.stops import StopSource
from tests.safety.conftest import Counts
from tests.support.busy import Echo, all_cores_busy, reads_first
from tests.support.figures import Figures, percentile
from tests.support.wire_format import MOTION, STOP, WireReader
from tests.support.wired_gate import WiredGate, wired_gate

PROMISED: dict[str, tuple[float, float]] = {"socket": (0.005, 0.025), "pty": (0.040, 0.120)}
"""s: 99th percentile, maximum."""
PATIENCE_S = 0.05
"""After so long without a byte the board has to live on."""
SETTLE_S = 0.02
"""Stops come at any moment of the gate's tick."""


@pytest.mark.parametrize(
    ("by", "transport"), [("door", "socket"), ("button", "socket"), ("door", "pty")]
)
def test_a_stop_is_on_the_wire_in_time_on_a_busy_machine(
    by: Literal["door", "button"],
    transport: Literal["socket", "pty"],
    tmp_path: Path,
    counts: Counts,
    figures: Figures,
) -> None:
    n = counts.socket_stops if (by, transport) == ("door", "socket") else counts.pty_stops
    random = Random(1)
    took, bare = [], []
    with wired_gate(tmp_path, transport) as gate, all_cores_busy(), closing(Echo()) as echo:
        gate.command = (0.3, 0.1)
        with reads_first():
            for _ in range(n):
                bare.append(echo.round_trip())
                took.append(time_a_stop(gate, by, random))
    figures.note_times(f"S1 stop by {by} to zero, {transport}", took)
    figures.note_times(f"S1 bare process beside {by}, {transport}", bare)
    assert not gate.trace.breaches
    promised_p99, promised_max = PROMISED[transport]
    if counts.full:
        assert percentile(took, 99) <= promised_p99
        assert max(took) <= promised_max
    else:
        assert percentile(took, 50) <= promised_p99 + percentile(bare, 50)


def time_a_stop(gate: WiredGate, by: str, random: Random) -> float:
    """One stop of a robot that moves, and its end; gives s."""
    gate.frames.clear()
    gate.until(lambda: moves(gate), "the robot moves")
    gate.pump_for(random.uniform(0.0, SETTLE_S))
    gate.frames.clear()
    began = time.monotonic()
    if by == "button":
        gate.button = True
        gate.step_board(began)
        read = until_zero(gate)
        gate.button = False
        event_id = gate.until_state("LATCHED").event_id
    else:
        stop = {"type": "stop", "source": "API", "who": "test", "reason": ""}
        client = gate.post("stop", stop)
        read = until_zero(gate)
        event_id = gate.answer(client)["event_id"]
    gate.trace.stop(str(event_id), time.monotonic())
    gate.end_stop(str(event_id))
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


def until_zero(gate: WiredGate) -> float:
    """When the first zero behind the first STOP was read. Until then nothing else is done, but for long."""
    reader, stopped = WireReader(), False
    for _ in range(1000):
        read, data = gate.take(PATIENCE_S)
        for frame in reader.feed(data):
            stopped = stopped or frame.type == STOP
            if stopped and frame.type == MOTION:
                assert frame.motion() == (0, 0)
                return read
        if not data:
            gate.pump()
    raise AssertionError("no zero after STOP")
