"""The benchmarks still run. What they find is for people."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.report import Row, table

pytestmark = pytest.mark.timeout(180)


def test_a_benchmark_runs_and_writes_what_it_found(tmp_path: Path, root: Path) -> None:
    out = tmp_path / "found.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out), "start"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "second start to ready" in done.stdout
    found = json.loads(out.read_text())
    assert {row["benchmark"] for row in found["rows"]} == {"start"}
    assert found["machine"]["cores"] and found["revision"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_missed_aim_stands_out_in_the_table() -> None:
    rows = [
        Row("start", "to ready", 7.0, "s", 6.0),
        Row("drive", "share", 0.9, "", 0.8, at_least=True),
        Row("drive", "length", 30.0, "m"),
    ]
    missed, met, plain = (line for line in table(rows).splitlines() if line.startswith("  "))
    assert missed.endswith("<= 6  MISSED")
    assert met.endswith(">= 0.8")
    assert plain.endswith("30.00 m")
