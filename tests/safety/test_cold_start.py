"""S5: starting is standing. A gate that starts finds old commands at every door and on the line, and stale files on its
disk, while the heartbeats are fresh; it moves nothing until there is a fresh go, and then it does.
"""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from edge import ipc
from tests.safety.conftest import Counts
from tests.support.board import START_S
from tests.support.figures import Figures
from tests.support.wire_format import HELLO, WireReader
from tests.support.wired_gate import WiredGate

HOSE_S = 0.5
Files = Callable[[Path], None]
VELOCITY = {"type": "velocity", "linear": 0.3, "angular": 0.1}
LATCHED = {
    "format": 1,
    "state": "LATCHED",
    "event_id": "0000000000001-aaaaaaaa",
    "source": "API",
    "who": "somebody",
    "reason": "yesterday",
    "since": 1.7e9,
}


def write(directory: Path, latch: str | None, journal: bool = True) -> None:
    directory.mkdir(parents=True)
    if latch is not None:
        (directory / "latch.json").write_text(latch)
    if journal:
        kinds = ("STOP", "RESET", "RESUME")
        records = [{"id": str(n), "kind": kind, "at": 1.7e9} for n, kind in enumerate(kinds)]
        (directory / "journal.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))


CLEAR = {**LATCHED, "state": "CLEAR", "event_id": None, "source": None, "since": None}
FILES: dict[str, Files] = {
    "new": lambda directory: None,
    "clear": lambda directory: write(directory, json.dumps(CLEAR)),
    "latched": lambda directory: write(directory, json.dumps(LATCHED)),
    "reset": lambda directory: write(directory, json.dumps({**LATCHED, "state": "RESET"})),
    "broken": lambda directory: write(directory, '{"format": 1, "state": "CL'),
    "latch gone": lambda directory: write(directory, None),
}


ONTO = ("", "gate", "board", "gate and board")


class Old:
    """What was said in a drive before: commands with their stamps, and both directions of the line."""

    def __init__(self, data_dir: Path) -> None:
        gate = WiredGate(data_dir)
        try:
            gate.start()
            began = time.monotonic()
            gate.drive()
            self.said, self.heard = bytes(gate.said), bytes(gate.heard)
        finally:
            gate.close()
        hellos = [f for f in WireReader().feed(self.heard) if f.type == HELLO]
        assert hellos, "the capture begins with the handshake"
        stamps = [*(began - n / 50 for n in range(50)), 0.0, -1e9, 1e18, float("nan"), float("inf")]
        self.commands = [json.dumps({**VELOCITY, "sent": stamp}).encode() for stamp in stamps]
        self.commands.append(json.dumps(VELOCITY).encode())


class Hose:
    """Pours it in at the base node's door, and `onto` the line too, which costs the gate its session again and again:
    old frames of the board make it think of a reboot, and an old HELLO makes the board begin anew."""

    def __init__(self, gate: WiredGate, old: Old, random: Random, onto: str = "") -> None:
        """`onto`: words of "gate" and "board"."""
        self.poured = 0
        self.fresh = False
        self._gate, self._old, self._random = gate, old, random
        self._source: socket.socket | None = None
        self._onto = onto
        self._pieces = [piece + b"\0" for piece in old.heard.split(b"\0") if piece]

    def pour(self) -> None:
        gate, random, old = self._gate, self._random, self._old
        self._open()
        if self._source is not None:
            now = json.dumps({**VELOCITY, "sent": time.monotonic()}).encode()
            for command in [now] if self.fresh else random.sample(old.commands, 5):
                with contextlib.suppress(OSError):
                    self._source.send(command)
                    self.poured += 1
        if "gate" in self._onto:
            start = random.randrange(len(old.said))
            gate.write(old.said[start : start + 500])
            self.poured += 1
        if "board" in self._onto:
            gate.firmware.receive(random.choice(self._pieces), time.monotonic())
            self.poured += 1

    def close(self) -> None:
        if self._source is not None:
            self._source.close()

    def _open(self) -> None:
        if self._source is None:
            with contextlib.suppress(OSError):
                self._source = ipc.connect(self._gate.run_dir / "motion.sock")
                self._source.setblocking(False)


def start_under_the_hose(gate: WiredGate, hose: Hose) -> None:
    gate.launch()

    def started() -> bool:
        hose.pour()
        return gate.state is not None

    gate.until(started, "the gate tells its state", within_s=START_S)
    until = time.monotonic() + HOSE_S
    while time.monotonic() < until:
        hose.pour()
        gate.pump()


def go(gate: WiredGate) -> None:
    """All that a person and the base node do to get it going; fails where it does not go."""
    gate.until(lambda: gate.state is not None and gate.state.link == "ok", "it is linked")
    assert gate.state is not None
    if gate.state.state == "RESET":
        gate.resume()
    elif gate.state.event_id is not None:
        gate.trace.stop(gate.state.event_id, time.monotonic())
        gate.end_stop(gate.state.event_id)
    gate.command = (0.3, 0.0)
    gate.until(gate.moving_frames, "a fresh go moves it")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Old:
    return Old(tmp_path_factory.mktemp("before"))


def test_a_cold_start_moves_nothing_whatever_old_commands_it_finds(
    tmp_path: Path, counts: Counts, figures: Figures, old: Old
) -> None:
    random = Random(5)
    moved = poured = 0
    for n in range(counts.cold_starts):
        data_dir = tmp_path / str(n)
        list(FILES.values())[n % len(FILES)](data_dir / "gate")
        gate = WiredGate(data_dir, seed=n + 1000)
        hose = Hose(gate, old, random, onto=ONTO[n // 2 % len(ONTO)])
        try:
            start_under_the_hose(gate, hose)
            moved += gate.trace.moving + any(gate.firmware.velocity)
            assert not gate.trace.breaches, gate.trace.breaches
            poured += hose.poured
            hose.close()  # the door is the base node's now
            go(gate)
        finally:
            hose.close()
            gate.close()
    figures.note("S5 cold starts", n=counts.cold_starts, old_messages=poured, moving_frames=moved)
    assert moved == 0


def test_a_start_under_commands_of_now_moves_and_is_seen(tmp_path: Path, old: Old) -> None:
    """The same start and the same hose: what keeps the others standing is that their commands are old."""
    gate = WiredGate(tmp_path)
    hose = Hose(gate, old, Random(5))
    hose.fresh = True
    try:
        start_under_the_hose(gate, hose)

        def moves() -> bool:
            hose.pour()
            return gate.trace.moving > 0

        gate.until(moves, "it moves")
    finally:
        hose.close()
        gate.close()
