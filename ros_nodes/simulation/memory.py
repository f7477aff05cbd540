"""Where the simulated robot stands, kept over restarts: a robot does not move because a program
ends."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Remembered:
    """Pose in the map (m, rad), charge (0 to 1), and the simulated clock (s since 1970)."""

    x: float
    y: float
    theta: float
    charge: float
    clock_s: float


def remember(path: Path, facts: Remembered) -> None:
    """Not synced: after a power cut on a desk the robot may stand where it stood a while ago."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(facts)))
    new.replace(path)


def recall(path: Path) -> Remembered | None:
    """None where nothing is remembered, or nothing sensible."""
    try:
        return Remembered(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
