"""The simulated body as the robot has it, and a witness on its board: `... --data-dir DIR`, as the body itself.

The board has a thread of its own here, so that it takes in each frame as it comes, as real firmware does, and writes
down what it is commanded at each step.
"""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from firmware_bridge.simulator import SimulatedBoard
from ros_nodes.simulation import __main__ as body
from tests.support.witness import FILE, Seen, write


class WatchedBoard(SimulatedBoard):
    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        witness = path.parent.parent / FILE
        self._witness = os.open(witness, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        threading.Thread(target=self.run, args=(threading.Event(),), daemon=True).start()

    def step(self, now: float | None = None) -> None:
        if now is not None:
            return  # the body's own turn, of which the thread is independent
        now = time.monotonic()
        super().step(now)
        write(self._witness, Seen(now, *self.firmware.target(), self.firmware.velocity[0]))


if __name__ == "__main__":
    vars(body)["SimulatedBoard"] = WatchedBoard
    sys.exit(body.main())
