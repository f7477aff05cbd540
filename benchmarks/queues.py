"""The queues that one could have taken, measured where they are installed or can be: see store_peers.py."""

import contextlib
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import store_peers
from benchmarks.report import Row

PEERS = ("litequeue", "persist-queue", "huey")


def beside_the_limit(place: Path, count: int, rounds: int) -> list[Row]:
    """Beside the same limit, each in its own process; what cannot be installed is left out."""
    found: dict[str, list[list[float]]] = _measured(sys.executable, place, count, rounds)
    python = place / "venv" / "bin" / "python"
    with contextlib.suppress(subprocess.CalledProcessError):
        _quietly(sys.executable, "-m", "venv", str(place / "venv"))
        _quietly(str(python), "-m", "pip", "install", "-q", *PEERS)
        others = _measured(str(python), place, count, rounds)
        found |= {name: each for name, each in others.items() if name not in found}
        found["raw of others"] = others["raw"]
    rows = []
    for name in (*PEERS, "SQLAlchemy"):
        if name not in found:
            continue
        limit = found["raw of others" if name in PEERS else "raw"]
        for at, what in enumerate(("1a enqueue", "1b claim and end")):
            ratios = [a[at] / b[at] for a, b in zip(found[name], limit, strict=True)]
            rows.append(
                Row("store", f"{what}: {name} (peer) / limit", statistics.median(ratios), "x")
            )
    return rows


def _measured(python: str, place: Path, count: int, rounds: int) -> dict[str, list[list[float]]]:
    command = [python, store_peers.__file__, str(count), str(rounds)]
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, check=True)
    measured: dict[str, list[list[float]]] = json.loads(done.stdout)
    return measured


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
