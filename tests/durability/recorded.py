"""The story told on a recorded disk: `python -m tests.durability.recorded PATH CHANGES SYNCHRONOUS`.

Beside it somebody else keeps writing to the same store, as the robot's other processes do.
"""

import os
import sys
import threading
from functools import partial
from itertools import count
from pathlib import Path

from edge.domain.robots import LastPose
from edge.domain.users import SYSTEM
from edge.services import whereabouts
from edge.store import opening
from edge.store.database import Database
from tests.durability.story import tell
from tests.support.disk import ACKNOWLEDGED_FD

CHECKPOINT_PAGES = 60


def main() -> None:
    path, changes, opening.SYNCHRONOUS = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    opening.CHECKPOINT_PAGES = CHECKPOINT_PAGES
    over = threading.Event()
    other = threading.Thread(target=_move_about, args=(path, over))
    other.start()
    database = Database.open(path)
    for number in range(1, changes + 1):
        tell(database, number)
        os.write(ACKNOWLEDGED_FD, str(number).encode())
    over.set()
    other.join()
    database.close()


def _move_about(path: Path, over: threading.Event) -> None:
    database = Database.open(path)
    for step in count():
        if over.wait(0.01):
            break
        pose = LastPose((float(step), 0.0, 0.0), (0.0, 0.0, 0.0))
        database.write(SYSTEM, partial(whereabouts.remember_pose, pose=pose))
    database.close()


if __name__ == "__main__":
    main()
