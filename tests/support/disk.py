"""What a disk keeps when the power goes: a program's writes and syncs, recorded, and played back to any moment.

`disk.c` records. Here the rules of what may be left at a cut: all that was synced; of the rest nothing, some writes, or
some sectors of some writes; names that were made, changed or removed, in their order, up to the folder's last sync at
least. A sync that failed leaves what it should have written to chance for ever: the kernel takes it for written.
"""

import copy
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.c_board import compiler

SECTOR = 512
ACKNOWLEDGED_FD = 198
"""Whoever is recorded writes here what it has acknowledged."""
_HEAD = struct.Struct("<ciqI")


class Left(StrEnum):
    """What is left of that which was not synced."""

    NOTHING = "nothing"
    SOME = "some writes"
    TORN = "some sectors"


class Record(NamedTuple):
    kind: str
    fd: int
    at: int
    data: bytes


def compile_disk(folder: Path) -> Path:
    """The library to preload; the test is skipped where there is no compiler."""
    cc = compiler()
    if cc is None:
        pytest.skip("no C compiler: the disk cannot be stood in for")
    library = folder / "disk.so"
    source = Path(__file__).with_name("disk.c")
    warnings = ("-Wall", "-Wextra", "-Werror")
    command = [
        cc,
        "-O2",
        "-shared",
        "-fPIC",
        *warnings,
        "-o",
        str(library),
        str(source),
        "-ldl",
        "-lpthread",
    ]
    subprocess.run(command, check=True)
    return library


def environment(library: Path, folder: Path, trace: Path | None = None) -> dict[str, str]:
    """For a program of which what it writes in `folder` is recorded in `trace`."""
    values = {"LD_PRELOAD": str(library), "DISK_FOLDER": str(folder)}
    return values if trace is None else {**values, "DISK_TRACE": str(trace)}


def read_trace(trace: Path) -> list[Record]:
    content = trace.read_bytes()
    records, at = [], 0
    while at < len(content):
        kind, fd, position, length = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        records.append(Record(kind.decode(), fd, position, content[at : at + length]))
        at += length
    return records


@dataclass(eq=False)
class _File:
    """`durable` is on the disk; `pending` was written and not synced."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Record] = field(default_factory=list)

    def sync(self) -> None:
        for one in self.pending:
            _apply(self.durable, one)
        self.pending = []


Names = dict[str, _File]


class Disk:
    """Play records with `play`, and `cut` at any moment. `acknowledged`: the last that was."""

    def __init__(self, folder: Path, before: Mapping[str, bytes]) -> None:
        """`before`: what was on the disk when the recording began, by file name."""
        self._folder = str(folder)
        self._names: Names = {
            f"{folder}/{name}": _File(bytearray(content)) for name, content in before.items()
        }
        self._durable_names = dict(self._names)
        self._renames: list[Names] = []
        """The names after each change that the folder's sync has not made durable."""
        self._open: dict[int, _File | None] = {}
        self.acknowledged = 0

    def play(self, record: Record) -> None:
        file = self._open.get(record.fd)
        match record.kind:
            case "O":
                self._opened(record.fd, record.data.decode())
            case "D":
                self._open[record.fd] = None  # the folder
            case "S" if file is None:
                self._durable_names, self._renames = dict(self._names), []
            case "S" if file is not None:
                file.sync()
            case "F" if file is not None:
                file.pending = []
            case "W" | "T" if file is not None:
                file.pending.append(record)
            case "U":
                self._rename({record.data.decode(): None})
            case "R":
                old, new = record.data.decode().split("\0")
                self._rename({old: None, new: self._names[old]})
            case "A":
                self.acknowledged = int(record.data)

    def cut(self, rng: random.Random, left: Left) -> dict[str, bytes]:
        """What is on the disk, by file name, after the power went now."""
        states = [self._durable_names, *self._renames]
        names = states[0] if left is Left.NOTHING else rng.choice(states)
        return {
            path.removeprefix(self._folder + "/"): bytes(_left_of(file, rng, left))
            for path, file in names.items()
        }

    def _opened(self, fd: int, path: str) -> None:
        if path not in self._names:
            self._rename({path: _File()})
        self._open[fd] = self._names[path]

    def _rename(self, changes: Mapping[str, _File | None]) -> None:
        names = {**self._names, **{path: file for path, file in changes.items() if file}}
        self._names = {path: file for path, file in names.items() if changes.get(path, file)}
        self._renames.append(dict(self._names))


def _left_of(file: _File, rng: random.Random, left: Left) -> bytearray:
    content = copy.copy(file.durable)
    if left is Left.NOTHING:
        return content
    for one in file.pending:
        if rng.random() < 0.5:
            continue
        for piece in _sectors(one) if left is Left.TORN else (one,):
            if left is Left.SOME or rng.random() < 0.7:
                _apply(content, piece)
    return content


def _sectors(record: Record) -> Iterator[Record]:
    if record.kind == "T":
        yield record
        return
    start, end = record.at, record.at + len(record.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield record._replace(at=start, data=record.data[start - record.at : stop - record.at])
        start = stop


def _apply(content: bytearray, record: Record) -> None:
    if len(content) < record.at:
        content.extend(bytes(record.at - len(content)))
    if record.kind == "W":
        content[record.at : record.at + len(record.data)] = record.data
    else:
        del content[record.at :]


def lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have these files in `folder`, and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
