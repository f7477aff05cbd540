"""`make bench`: run the benchmarks, print a table, write benchmarks/results/latest.json."""

import argparse
import importlib
import tempfile
from pathlib import Path
from typing import Protocol, cast

from benchmarks import report

RESULTS = Path(__file__).parent / "results" / "latest.json"
ALL = (
    "start",
    "memory",
    "drive",
    "ros",
    "ros_drive",
    "ros_memory",
    "imports",
    "serial",
    "search",
    "grid",
    "store",
    "titles",
    "trips",
)
LONG = ("nav", "nav_memory", "localise", "api")
"""Minutes each; only when named."""


class Benchmark(Protocol):
    """`bench_<name>.py`."""

    def run(self, place: Path, *, quick: bool) -> list[report.Row]: ...


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help=f"of {', '.join(ALL)}, which are all without any, or {', '.join(LONG)}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: does it run at all?")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if unknown := set(options.names) - {*ALL, *LONG}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    rows: list[report.Row] = []
    for name in options.names or ALL:
        print(f"measuring {name} ...", flush=True)
        benchmark = cast(Benchmark, importlib.import_module(f"benchmarks.bench_{name}"))
        # Beside the results, on a real disk, and not in memory, where /tmp may be: the store syncs.
        with tempfile.TemporaryDirectory(dir=options.out.parent, prefix="bench-") as place:
            rows += benchmark.run(Path(place), quick=options.quick)
    print(report.table(rows))
    report.write(rows, options.out)
    print(f"\nwritten to {options.out}")


if __name__ == "__main__":
    main()
