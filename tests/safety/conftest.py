"""How many of everything, and where the figures go.

The small counts are for each run of `make test`: some four minutes. `make soak` sets LUNA_SOAK=1 and takes the full
ones, which the promises name. A figure of time holds on a machine that has nothing else to do, so in the small run,
which may share its cores with strangers, the tests assert less of it: each says how.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.figures import Figures


@dataclass(frozen=True)
class Counts:
    """What a run tries. `full`: the maxima of time are asserted too."""

    full: bool
    socket_stops: int
    pty_stops: int
    steps_under_stop: int
    forged_resets: int
    cold_starts: int
    fuzzed_commands: int
    fuzzed_packets: int
    stale_commands: int
    clock_jumps: int
    unplugs: int
    freezes: int
    longest_freeze_s: float
    cycles: int
    kills: int
    process_freezes: int
    thaws: int
    http_stops: int
    race_orders: int


SMALL = Counts(
    full=False,
    socket_stops=200,
    pty_stops=100,
    steps_under_stop=10_000,
    forged_resets=1_000,
    cold_starts=8,
    fuzzed_commands=50_000,
    fuzzed_packets=50_000,
    stale_commands=10_000,
    clock_jumps=100,
    unplugs=5,
    freezes=6,
    longest_freeze_s=1.0,
    cycles=30_000,
    kills=12,
    process_freezes=12,
    thaws=6,
    http_stops=30,
    race_orders=100,
)
FULL = Counts(
    full=True,
    socket_stops=5_000,
    pty_stops=1_000,
    steps_under_stop=100_000,
    forged_resets=10_000,
    cold_starts=200,
    fuzzed_commands=1_000_000,
    fuzzed_packets=1_000_000,
    stale_commands=100_000,
    clock_jumps=100,
    unplugs=50,
    freezes=200,
    longest_freeze_s=5.0,
    cycles=1_000_000,
    kills=500,
    process_freezes=500,
    thaws=200,
    http_stops=200,
    race_orders=1_000,
)
COUNTS = FULL if os.environ.get("LUNA_SOAK") == "1" else SMALL
FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def counts() -> Counts:
    return COUNTS


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where a test notes what it measured."""
    made = pytestconfig.stash.setdefault(FIGURES, Figures("full" if COUNTS.full else "small"))
    assert isinstance(made, Figures)
    return made


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    yield
    figures = config.stash.get(FIGURES, None)
    if figures is None or not figures.rows:
        return
    terminalreporter.section(f"safety figures, {figures.counts} counts")
    for line in figures.table():
        terminalreporter.line(line)
    # A small run must not take away the last full one.
    for name in ("latest", "full") if COUNTS.full else ("latest",):
        path = config.rootpath / "build" / "safety" / f"{name}.json"
        figures.write(path)
        terminalreporter.line(f"written to {path.relative_to(config.rootpath)}")
