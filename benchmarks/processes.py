"""What the kernel knows of a process: memory and CPU time."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_MIB = 1024.0


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB. `rss` counts what is shared with others fully, `pss` each one's share, `private` not."""

    rss: float
    pss: float
    private: float


def memory(pid: int) -> Memory:
    facts: dict[str, float] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        facts[name.rstrip(":")] = float(value) / _MIB
    private = facts["Private_Clean"] + facts["Private_Dirty"]
    return Memory(facts["Rss"], facts["Pss"], private)


def cpu_s(pid: int) -> float:
    """CPU time since its start, of all its threads, children that ended included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) * _TICK_S


def with_argument(beginning: str) -> dict[int, list[str]]:
    """Arguments of all processes that have one that begins so, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().decode().split("\0")
                if any(word.startswith(beginning) for word in arguments):
                    found[int(entry.name)] = arguments
    return found
