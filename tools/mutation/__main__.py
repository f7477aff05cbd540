"""`make mutation`: would the tests notice? Each small wrong change of the safety code, one at a time, against
the unit tests that run it; a change that no test notices is printed, and is a missing test.

Our own, because mutmut 3 leaves constants and class methods alone, where our deadlines and our codec are,
and cosmic-ray changes the files in place and starts an interpreter for each change.
"""

import argparse
import json
import os
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from tools.mutation import c_mutants, python_mutants, trial
from tools.mutation.python_mutants import Mutant

FOLDER = "tests/unit/firmware_bridge"
C_FOLDER = f"{FOLDER}/reference"
TESTS = {
    ".py": (FOLDER, f"--ignore={C_FOLDER}"),
    ".c": (FOLDER, f"--ignore={C_FOLDER}/test_fuzz.py"),
}
FIRST = {
    **dict.fromkeys(("fields", "messages", "from_board", "to_board"), "test_messages"),
    **dict.fromkeys(("simulated_firmware", "luna_board", "luna_limits"), "test_board_edges"),
    "luna_frames": "test_codec",
    "link": "test_firmware_and_gate",
}
"""The tests that are tried first, where they are not named like the module."""
PYTHON = (
    *("authority", "board_view", "holds", "runaway", "moment", "latch", "limiter", "disk_writer"),
    *("frames", "fields", "messages", "from_board", "to_board", "simulated_firmware"),
)
C = ("luna_frames", "luna_limits", "luna_board")
MODULES = {
    **{name: f"firmware_bridge/{name}.py" for name in PYTHON},
    **{name: f"firmware_bridge/reference/{name}.c" for name in C},
}
C_TEST_S = 1.0
"""A test of the code in C that takes longer is left out: too long to wait for with each survivor."""
LONGEST_S = 20.0
"""All tests of one mutant together; the slowest are left out beyond it, so that a survivor costs no more."""
LEAST_PERCENT = 95.0
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
OUT = trial.ROOT / "build" / "mutation.json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fate`: killed, survived, or equivalent, which is one that survives for a listed reason."""

    mutant: Mutant
    fate: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutation", description="The tests' own test.")
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(MODULES)}; all without any")
    options = parser.parse_args()
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    os.nice(10)
    os.chdir(trial.ROOT)
    # Read before anything runs, so that somebody who edits meanwhile does not mix two versions up.
    sources = {
        MODULES[name]: Path(MODULES[name]).read_text() for name in options.modules or MODULES
    }
    verdicts = []
    for suffix, tests in TESTS.items():
        if chosen := [path for path in sources if path.endswith(suffix)]:
            base = trial.baseline(tests, trace=suffix == ".py")
            if not base.passed:
                print("the tests fail without any mutant; see to that first")
                return 1
            for path in chosen:
                verdicts += _judge(path, sources[path], tests, base)
    _write(verdicts)
    return _report(verdicts)


def _judge(path: str, source: str, tests: Sequence[str], base: trial.Baseline) -> list[Verdict]:
    """The verdict on each mutant of a file."""
    equivalent = {(one["path"], one["before"], one["after"]) for one in _equivalent()}
    make = python_mutants.mutants if path.endswith(".py") else c_mutants.mutants
    began = time.monotonic()
    verdicts = []
    for mutant in make(path, source):
        chosen = _tests_for(mutant, base)
        survived = trial.survives(path, mutant.text, chosen) if chosen else True
        if survived is None:
            continue
        fate = "survived" if survived else "killed"
        if survived and (mutant.path, mutant.before, mutant.after) in equivalent:
            fate = "equivalent"
        verdicts.append(Verdict(mutant, fate))
        if fate == "survived":
            print(f"{path}:{mutant.line}: {mutant.change}", flush=True)
    took = time.monotonic() - began
    print(f"{path}: {len(verdicts)} mutants in {took:.0f} s", file=sys.stderr, flush=True)
    return verdicts


def _tests_for(mutant: Mutant, base: trial.Baseline) -> dict[str, float]:
    """Those that call the changed function, the module's own and then the quickest first. For what no
    function holds: those that call any of the module, or import it."""
    name = Path(mutant.path).stem
    if mutant.path.endswith(".c"):
        users = {
            test
            for test, seconds in base.seconds.items()
            if (C_FOLDER in test or "[c" in test or "_in_c" in test) and seconds < C_TEST_S
        }
        own = f"/{FIRST[name]}.py::"
    else:
        called = base.seen.get((mutant.path, mutant.function or 0), set())
        own = f"/{FIRST.get(name, f'test_{name}')}.py::"
        users = called or _users(mutant.path, base) | {one for one in base.seconds if own in one}
    chosen = [test for test in base.seconds if test in users]
    return _within(
        {test: base.seconds[test] for test in sorted(chosen, key=lambda test: own not in test)}
    )


def _users(path: str, base: trial.Baseline) -> set[str]:
    """The tests that call a function of this file, or are in a file that names the module."""
    module = re.compile(rf"\bfirmware_bridge(\.| import .*\b){Path(path).stem}\b")
    called = {test for (seen, _), tests in base.seen.items() if seen == path for test in tests}
    files = {test.partition("::")[0] for test in base.seconds}
    naming = {file for file in files if module.search(Path(file).read_text())}
    return called | {test for test in base.seconds if test.partition("::")[0] in naming}


def _within(tests: dict[str, float]) -> dict[str, float]:
    """The first of them, as many as `LONGEST_S` allows."""
    sums = accumulate(tests.values())
    return {test: tests[test] for test, sum_s in zip(tests, sums, strict=True) if sum_s < LONGEST_S}


def _equivalent() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return listed


def _report(verdicts: Sequence[Verdict]) -> int:
    """A line a module. 1 where one is under the least score, or the list of equivalents is wrong."""
    failed = False
    print(f"\n{'':34}  killed  survived  equivalent   score")
    for path in dict.fromkeys(one.mutant.path for one in verdicts):
        count = Counter(one.fate for one in verdicts if one.mutant.path == path)
        score = _score(count)
        failed |= score < LEAST_PERCENT
        numbers = f"{count['killed']:6}  {count['survived']:8}  {count['equivalent']:10}"
        print(f"{path:34}  {numbers}  {score:5.1f} %{'  LOW' * (score < LEAST_PERCENT)}")
    tried = {one.mutant.path for one in verdicts}
    used: dict[tuple[str, str, str], set[str]] = {}
    for one in verdicts:
        key = one.mutant.path, one.mutant.before, one.mutant.after
        used.setdefault(key, set()).add(one.fate)
    for listed in _equivalent():
        # The same line may be in a file twice; there the reason is good for one of them.
        fates = used.get((listed["path"], listed["before"], listed["after"]), set())
        if listed["path"] in tried and "equivalent" not in fates:
            failed = True
            found = " and ".join(sorted(fates)) or "no mutant"
            print(f"{EQUIVALENT.name}: {listed['after']!r} is {found}; take it out")
    return int(failed)


def _score(count: Counter[str]) -> float:
    judged = count["killed"] + count["survived"]
    return 100.0 * count["killed"] / judged if judged else 100.0


def _write(verdicts: Sequence[Verdict]) -> None:
    OUT.parent.mkdir(exist_ok=True)
    rows = [
        {
            "path": one.mutant.path,
            "line": one.mutant.line,
            "before": one.mutant.before,
            "after": one.mutant.after,
            "fate": one.fate,
        }
        for one in verdicts
    ]
    total = Counter(one.fate for one in verdicts)
    found = {"score": round(_score(total), 2), **total, "mutants": rows}
    OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
