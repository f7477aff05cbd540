"""The gate's journal of stops, taken over into the store. The gate itself has no database."""

import json
from pathlib import Path
from typing import Any

from edge.services import robot
from edge.store.database import Transaction

FILES = ("journal.1.jsonl", "journal.jsonl")
"""In the gate's directory, the older first."""


def import_journal(tx: Transaction, gate_dir: Path) -> int:
    """Import what is not in the store yet; how many records that were. To be called after each stop."""
    lines = [line for name in FILES for line in _lines(gate_dir / name)]
    return robot.import_stop_events(tx, lines)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file. The last one may be half written, and then comes the next time."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    records = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records
