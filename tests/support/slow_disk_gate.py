"""Runs `luna-gate` on a disk that hangs as long as the file `DIR/hangs` is there: `python -m
tests.support.slow_disk_gate --data-dir DIR …`."""

import os
import sys
import time
from pathlib import Path
from unittest import mock

from firmware_bridge import gate

STEP_S = 0.002


def main() -> int:
    hangs, fsync = Path(sys.argv[sys.argv.index("--data-dir") + 1]) / "hangs", os.fsync

    def slow(file: int) -> None:
        while hangs.exists():
            time.sleep(STEP_S)
        fsync(file)

    with mock.patch.object(os, "fsync", slow):
        return gate.main()


if __name__ == "__main__":
    sys.exit(main())
