"""S3: a latched stop lets nothing through until a person at the robot resets that very stop.

The steps run in one process under random trouble. The resets go to a real gate through its sockets; "remote" means
every door but the one for resets, which only the robot's own processes can open. That the API lets only a person at the
robot use it is the API's promise, and tested there.
"""

import json
import math
import socket
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.safety.conftest import Counts
from tests.support.board import PATIENCE_S
from tests.support.closed_loop import ClosedLoop
from tests.support.figures import Figures
from tests.support.trouble import Trouble
from tests.support.wired_gate import WiredGate, wired_gate

STEPS_A_STOP = 500


def test_nothing_moves_between_a_stop_and_its_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures
) -> None:
    loop = ClosedLoop(tmp_path / "port", monkeypatch, seed=3)
    trouble = Trouble(loop)
    moved = drives = stops = 0
    for _ in range(counts.steps_under_stop // STEPS_A_STOP):
        drives += drive(loop, trouble)
        event_id = loop.stop()
        stops += 1
        before = loop.trace.moving
        for _ in range(STEPS_A_STOP):
            trouble.step(may_reset=False)
        moved += loop.trace.moving - before
        trouble.recover()
        end_stop(loop, event_id)
    loop.close()
    figures.note(
        "S3 random steps under a stop",
        n=stops * STEPS_A_STOP,
        stops=stops,
        moving_frames=moved,
        breaches=sum(loop.trace.counts.values()) + len(loop.breaches),
    )
    assert moved == 0 and not loop.trace.breaches and not loop.breaches
    assert drives == stops  # it moved before each of them, so there was something to stop


def drive(loop: ClosedLoop, trouble: Trouble) -> bool:
    """Whether the robot moves, as it must when all is well."""
    trouble.recover()
    loop.command = (0.3, 0.1)
    for _ in range(200):
        loop.step()
        if loop.moves():
            return True
    return False


def end_stop(loop: ClosedLoop, event_id: str) -> None:
    for _ in range(500):
        loop.step()
        # A gate that came back from a lost line may have found the stop again at the board.
        if loop.reset(loop.latch.event_id or event_id) and loop.resume():
            return
    raise AssertionError("the right reset is refused")


def test_forged_late_and_used_resets_are_refused(
    tmp_path: Path, counts: Counts, figures: Figures
) -> None:
    random = Random(33)
    with wired_gate(tmp_path) as gate:
        gate.drive()
        used = gate.stop()
        used_at = time.monotonic()
        gate.end_stop(used)
        gate.drive()
        event_id = gate.stop()
        gate.until(lambda: gate.firmware.velocity == (0.0, 0.0), "the robot stands")
        gate.command = None
        gate.motion.close()  # so that the base node's door is open to the forger
        before = gate.trace.moving
        refused = 0
        for _ in range(counts.forged_resets):
            refused += is_refused(gate, *forge(random, event_id, used, used_at))
            gate.pump(0.0)
        moving = gate.trace.moving - before
        state = gate.until_state("LATCHED")
        gate.until(lambda: gate.reset(event_id), "the true one is taken")
    figures.note(
        "S3 resets that are none", n=counts.forged_resets, refused=refused, moving_frames=moving
    )
    assert refused == counts.forged_resets and moving == 0
    assert state.event_id == event_id and not gate.trace.breaches


def forge(random: Random, event_id: str, used: str, used_at: float) -> tuple[str, dict[str, Any]]:
    """A door, and a reset or resume that must not be taken there."""
    now = time.monotonic()
    true = {"type": "reset", "event_id": event_id, "who": "test", "sent": now}
    wrong_id = event_id[:-1] + random.choice([c for c in "0123456789abcdef" if c != event_id[-1]])
    flaws: list[dict[str, Any]] = [
        {"event_id": wrong_id},
        {"event_id": random.randbytes(10).hex()},
        {"event_id": used},
        {"event_id": used, "sent": used_at},
        {"event_id": None},
        {"event_id": [event_id]},
        {"sent": now - random.uniform(1.001, 1e6)},
        {"sent": now + random.uniform(0.5, 1e6)},
        {"sent": random.choice([math.nan, math.inf, -math.inf, None, "now", [now]])},
        {"type": random.choice(["resume", "RESET", "clear", None])},
        {"who": None, "event_id": wrong_id},
    ]
    if random.random() < 0.25:
        return random.choice(["stop", "motion", "state"]), true
    forged = {**true, **random.choice(flaws)}
    if random.random() < 0.1:
        del forged[random.choice(["type", "event_id", "who", "sent"])]
        forged.setdefault("event_id", wrong_id)
    return "reset", forged


def is_refused(gate: WiredGate, door: str, message: dict[str, Any]) -> bool:
    """Whether the gate said so; at the door where it answers nobody, whether it then still tells of the stop."""
    if door == "state":
        gate.post(door, message).close()
        with gate.post(door, {}) as client:
            return bool(receive(client)["state"] == "LATCHED")
    with gate.post(door, message) as client:
        answer = receive(client)
        while answer["type"] in {"welcome", "odometry", "battery"}:  # told to every base node
            answer = receive(client)
    return bool(answer["type"] == "refused")


def receive(client: socket.socket) -> dict[str, Any]:
    client.settimeout(PATIENCE_S)
    answer = json.loads(client.recv(1 << 16))
    assert isinstance(answer, dict)
    return answer
