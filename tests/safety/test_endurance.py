"""S12: control cycles without end under random trouble: I1 to I9 hold on every frame, and nothing grows."""

import gc
import os
from pathlib import Path

import pytest

from tests.safety.conftest import Counts
from tests.support.closed_loop import ClosedLoop
from tests.support.figures import Figures
from tests.support.trouble import Trouble

GROWTH_MIB = 10.0
LEAST_MOVING = 0.2
"""Of all cycles; with less motion there would be little to see."""


def resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_million_cycles_of_trouble_break_no_rule_and_keep_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: Counts, figures: Figures
) -> None:
    """The memory is that of this process: of gate, link, board and trace together, over the second half, in which the
    gate is never restarted: what it hoards would go with it."""
    loop = ClosedLoop(tmp_path / "port", monkeypatch, seed=12)
    trouble = Trouble(loop)
    began_mib = 0.0
    for cycle in range(counts.cycles):
        if cycle == counts.cycles // 2:
            trouble.restarts = False
            began_mib = resident_mib()
        trouble.step()
    grown_mib = resident_mib() - began_mib
    loop.close()
    trace = loop.trace
    figures.note(
        "S12 cycles of trouble",
        n=counts.cycles,
        troubles=sum(trouble.happened.values()),
        stops=trace.stops,
        frames=trace.frames,
        moving_frames=trace.moving,
        breaches=sum(trace.counts.values()) + len(loop.breaches),
        rss_growth_mib=round(grown_mib, 2),
    )
    assert not trace.breaches and not loop.breaches
    assert trace.moving > LEAST_MOVING * counts.cycles
    assert grown_mib <= GROWTH_MIB
