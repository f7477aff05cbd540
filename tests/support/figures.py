"""What the safety tests measured: a table at the end of the run, and a file for the page that quotes it."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

Value = int | float | str


@dataclass
class Figures:
    """`rows`: one a measurement, by its name, "S1 socket"; each figure with the unit in its name."""

    counts: str
    rows: dict[str, dict[str, Value]] = field(default_factory=dict)

    def note(self, name: str, **figures: Value) -> None:
        """Add to row `name`."""
        self.rows.setdefault(name, {}).update(figures)

    def note_times(self, name: str, seconds: Sequence[float]) -> None:
        """n, p50, p99, p99.9 and max of durations, in ms."""
        self.note(
            name,
            n=len(seconds),
            p50_ms=round(percentile(seconds, 50) * 1e3, 3),
            p99_ms=round(percentile(seconds, 99) * 1e3, 3),
            p999_ms=round(percentile(seconds, 99.9) * 1e3, 3),
            max_ms=round(max(seconds) * 1e3, 3),
        )

    def table(self) -> list[str]:
        """Lines for people."""
        width = max(map(len, self.rows))
        return [
            f"{name:{width}}  " + ", ".join(f"{key} {value}" for key, value in row.items())
            for name, row in sorted(self.rows.items())
        ]

    def write(self, path: Path) -> None:
        """As JSON, with the machine and the day."""
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "counts": self.counts,
            "machine": _machine(),
            "load_1_min": round(os.getloadavg()[0], 2),
            "figures": dict(sorted(self.rows.items())),
        }
        path.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` % of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _machine() -> dict[str, Value]:
    return {
        "cores": os.cpu_count() or 0,
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
