"""`python -m tools.state_machines`: draw the pictures of docs/states.md anew, from the tables of edge.domain."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.domain import requests, returns, stops, tasks

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
Table = Mapping[Any, Mapping[Any, Any]]
MACHINES: dict[str, Table] = {
    "Request": requests.TABLE,
    "Return": returns.TABLE,
    "Task": tasks.TABLE,
    "Latch": stops.LATCH,
}
"""By the heading under which each picture stands; the first state of a table is where it begins."""


def picture(table: Table) -> str:
    """A state diagram in Mermaid's words. Events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {("[*]", next(iter(table))): []}
    for state, row in table.items():
        for event, after in row.items():
            arrows.setdefault((state, after), []).append(event)
        if not row:
            arrows[(state, "[*]")] = []
    lines = [
        f"    {start} --> {end}" + (f": {', '.join(events)}" if events else "")
        for (start, end), events in arrows.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def redrawn(page: str) -> str:
    """The page with each picture as its table is now. Raises ValueError where a heading has none."""
    for name, table in MACHINES.items():
        old = re.search(rf"## {name}\n.*?(```mermaid\n.*?```)", page, re.DOTALL)
        if old is None:
            raise ValueError(f"{PAGE.name} has no picture under {name}")
        page = page[: old.start(1)] + picture(table) + page[old.end(1) :]
    return page


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text()))
