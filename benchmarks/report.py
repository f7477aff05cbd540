"""What a benchmark found: rows of a table, and the same as JSON."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One number. `aim`: the most it should be, in the same unit; with `at_least`, the least."""

    benchmark: str
    what: str
    value: float
    unit: str
    aim: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


def table(rows: Sequence[Row]) -> str:
    """Aligned lines, a heading for each benchmark."""
    width = max(len(row.what) for row in rows)
    lines: list[str] = []
    last = ""
    for row in rows:
        if row.benchmark != last:
            lines += ["", row.benchmark]
            last = row.benchmark
        aim = ""
        if row.aim is not None:
            sign = ">=" if row.at_least else "<="
            aim = f"{sign} {row.aim:g} {'' if row.met else ' MISSED'}"
        lines.append(f"  {row.what:<{width}}  {row.value:>9.2f} {row.unit:<6} {aim}".rstrip())
    return "\n".join(lines)


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows with the machine and the revision that they belong to."""
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "name": platform.node(),
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "revision": _revision(),
        "rows": [{**asdict(row), "met": row.met} for row in rows],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
