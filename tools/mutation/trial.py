"""Runs unit tests against a mutant, each in a child of a process that has all libraries loaded already.

The child sees the mutant in place of the module; nothing on disk is changed.
"""

import importlib
import importlib.machinery
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 2 << 30
LIMIT_S = 0.5
"""CPU time for a test beside twice what it takes: a mutant that never ends is a killed one."""
NOT_COMPILED = 98
_NOTED = str(ROOT / "firmware_bridge")
_OURS = ("firmware_bridge", "tests", "conftest", "__main__")


class Baseline:
    """What a run without any mutant found. `seconds` by test, the quickest first; `seen`: the tests that
    call a function, by its file and first line; `libraries`: what they import."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.passed: bool = found["passed"]
        seconds: dict[str, float] = found["seconds"]
        self.seconds = dict(sorted(seconds.items(), key=lambda one: one[1]))
        self.libraries: list[str] = found["libraries"]
        self.seen: dict[tuple[str, int], set[str]] = {}
        for test, functions in found["seen"].items():
            for path, line in functions:
                self.seen.setdefault((path, line), set()).add(test)


def baseline(tests: Sequence[str], *, trace: bool) -> Baseline:
    """Run all `tests`; with `trace`, note which of our functions each one calls."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "baseline.json"
        _in_child(lambda: _note(tests, out, trace))
        found = Baseline(json.loads(out.read_text()))
    for name in found.libraries:
        if name.split(".")[0] not in _OURS and name not in sys.modules:
            importlib.import_module(name)
    return found


def survives(path: str, text: str, chosen: Mapping[str, float]) -> bool | None:
    """Whether all `chosen` tests, which take so many seconds each, pass with `text` in the place of
    the file `path`. None where it does not compile."""
    files: dict[str, dict[str, float]] = {}
    for test, seconds in chosen.items():
        files.setdefault(test.partition("::")[0], {})[test] = seconds
    first = next(iter(files))
    with tempfile.TemporaryDirectory() as scratch:

        def run() -> int:
            if path.endswith(".py"):
                sys.meta_path.insert(0, _Replacement(path, text))
            elif not _compiles(path, text, Path(scratch)):
                return NOT_COMPILED
            # Most die of the first file; to collect the others as well takes longer than to run it.
            return _pytest([first], [_Chosen(files[first])]) or (
                _pytest(list(files), [_Chosen(_without(chosen, files[first]))])
                if len(files) > 1
                else 0
            )

        code = _in_child(run)
    return None if code == NOT_COMPILED else code == 0


def _without(tests: Mapping[str, float], done: Mapping[str, float]) -> dict[str, float]:
    return {test: seconds for test, seconds in tests.items() if test not in done}


def _compiles(path: str, text: str, scratch: Path) -> bool:
    """Compile the mutant, and put it where the tests look for the sources in C, in this process."""
    from tests.support import c_board

    sources = scratch / "reference"
    shutil.copytree(c_board.SOURCES, sources)
    (sources / Path(path).name).write_text(text)
    c_board.SOURCES = sources
    build, shared = c_board.compile_reference, ("-O1", "-shared", "-fPIC")
    try:
        made = build(scratch / "libluna.so", *shared)
    except AssertionError:
        return False

    def once(target: Path, *options: str, extra: Sequence[Path] = ()) -> Path:
        return made if options == shared and not extra else build(target, *options, extra=extra)

    c_board.compile_reference = once
    return True


class _Replacement(MetaPathFinder):
    def __init__(self, path: str, text: str) -> None:
        self._name = path.removesuffix(".py").replace("/", ".")
        self._loader = _Loader(self._name, str(ROOT / path), text)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self._loader.path, loader=self._loader
        )


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _Chosen:
    """Only these tests, in this order; property tests with few examples, and always the same."""

    def __init__(self, tests: Mapping[str, float] | None) -> None:
        self._tests = tests

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        hypothesis.settings.register_profile(
            "mutation",
            derandomize=True,
            max_examples=25,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        )
        hypothesis.settings.load_profile("mutation")
        if self._tests is not None:
            found = {item.nodeid: item for item in items}
            items[:] = [found[test] for test in self._tests if test in found]

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._tests is not None:
            # CPU time, whatever else the machine does; SIGPROF ends the child.
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S + 2 * self._tests[item.nodeid])


class _Notes:
    def __init__(self, trace: bool) -> None:
        self._trace = trace
        self.seconds: dict[str, float] = {}
        self.seen: dict[str, list[tuple[str, int]]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        called: set[CodeType] = set()

        def note(frame: FrameType, _event: str, _arg: object) -> None:
            called.add(frame.f_code)

        began = time.perf_counter()
        sys.settrace(note if self._trace else None)
        yield
        sys.settrace(None)
        self.seconds[item.nodeid] = time.perf_counter() - began
        self.seen[item.nodeid] = [
            (str(Path(code.co_filename).relative_to(ROOT)), code.co_firstlineno)
            for code in called
            if code.co_filename.startswith(_NOTED)
        ]


def _note(tests: Sequence[str], out: Path, trace: bool) -> int:
    notes = _Notes(trace)
    code = _pytest(tests, [_Chosen(None), notes])
    found = {
        "passed": code == 0,
        "seconds": notes.seconds,
        "seen": notes.seen,
        "libraries": sorted(sys.modules),
    }
    out.write_text(json.dumps(found))
    return code


def _pytest(tests: Sequence[str], plugins: list[object]) -> int:
    options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no", "--assert=plain")
    return int(pytest.main([*tests, *options], plugins=plugins))


def _in_child(run: Callable[[], int]) -> int:
    """What `run` gives; below 0 where a signal ends it."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            code = run()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
