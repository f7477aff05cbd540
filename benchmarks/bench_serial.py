"""The serial line: what our codec and link cost beside the bare pty, and what the gate costs all day.

The frames are the short ones that make up most of the traffic: 20 bytes of header and payload, 24 on the line.
"""

import contextlib
import multiprocessing
import os
import select
import signal
import statistics
import subprocess
import sys
import time
import tty
from binascii import crc_hqx
from collections.abc import Callable, Iterator
from pathlib import Path

import serial
from cobs import cobs

from benchmarks.gate import running_gate
from benchmarks.processes import cpu_s
from benchmarks.report import Row
from firmware_bridge.frames import Frame, FrameDecoder, encode
from firmware_bridge.link import BAUD, BoardLink
from firmware_bridge.messages import Hello, Motion, Tilt, Welcome, parse

ROUND_TRIP_US = 20.0
FRAME_US = 3.0
BYTEWISE_RATIO = 4.0
LINE_PERCENT = {480: 0.3, 3_840: 2.0}
"""Frames a second that fill a line of 115,200 and of 921,600 baud, and the most that their decoding
may take of a core."""
SESSION = 0x11223344
BURST_S = 1 / 480
"""A USB bridge hands over what came in about the last two ms."""
BULK_S = 0.02
CHUNK = 4096
ROUNDS = 5
_SLEEPER = "import time\nwhile True: time.sleep(0.02)"


def run(place: Path, *, quick: bool) -> list[Row]:
    rounds = 1 if quick else ROUNDS
    return [
        *_round_trips(500 if quick else 2_000, 3 * rounds),
        *_codecs(500 if quick else 10_000, rounds),
        *_lines(0.3 if quick else 2.0, rounds),
        *_gate(place, 1.0 if quick else 10.0),
    ]


# There and back


def _round_trips(count: int, rounds: int) -> list[Row]:
    """Our side's CPU for a command and its answer, each way measured in turn in each round."""
    ways = {"raw": _raw_trips, "link": _link_trips, "read_until": _read_until_trips}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, trips in ways.items():
            found[name].append(trips(count))
    cpu = {name: statistics.median(one[0] for one in each) for name, each in found.items()}
    wall = {name: statistics.median(one[1] for one in each) for name, each in found.items()}
    more = statistics.median(
        ours[0] - raw[0] for ours, raw in zip(found["link"], found["raw"], strict=True)
    )
    line_us = 2 * len(_answer(0)) * 10 / BAUD * 1e6
    return [
        Row("serial", "round trip: os.write and os.read (limit), CPU", cpu["raw"], "us"),
        Row("serial", "round trip: our link, CPU", cpu["link"], "us"),
        Row("serial", "round trip: our link above the limit, CPU", more, "us", ROUND_TRIP_US),
        Row("serial", "round trip: read_until (peer), CPU", cpu["read_until"], "us"),
        Row("serial", "round trip: os.write and os.read, wall", wall["raw"], "us"),
        Row("serial", "round trip: our link, wall", wall["link"], "us"),
        Row("serial", "round trip: line at 115,200 baud, computed", line_us, "us"),
    ]


def _raw_trips(count: int) -> tuple[float, float]:
    with _board(count, None) as port, _reader(port) as (line, _):
        motion, length = _motion(), len(_answer(0))
        os.read(line, CHUNK)

        def trip() -> None:
            os.write(line, motion)
            got = 0
            while got < length:
                got += len(os.read(line, CHUNK))

        return _cost(trip, count)


def _link_trips(count: int) -> tuple[float, float]:
    with _board(count, None) as port:
        link, line = _open_link(port)

        def trip() -> None:
            link.send(Motion(0.3, 0.0), time.monotonic())
            select.select([line], [], [])
            while not link.service(time.monotonic()):
                select.select([line], [], [])

        try:
            return _cost(trip, count)
        finally:
            link.close()


def _read_until_trips(count: int) -> tuple[float, float]:
    """What a first program on pyserial does."""
    with _board(count, None) as port, serial.Serial(str(port), BAUD, timeout=1) as line:
        motion = _motion()
        line.write(encode(Frame(Hello.TYPE, 0, 1, 0, 0, Hello(1).pack())))
        line.read_until(b"\0")

        def trip() -> None:
            line.write(motion)
            _checked(line.read_until(b"\0")[:-1])

        return _cost(trip, count)


def _cost(trip: Callable[[], None], count: int) -> tuple[float, float]:
    """CPU and wall time of one, µs."""
    wall, cpu = time.monotonic(), time.process_time()
    for _ in range(count):
        trip()
    return (time.process_time() - cpu) / count * 1e6, (time.monotonic() - wall) / count * 1e6


# The codec alone


def _codecs(count: int, rounds: int) -> list[Row]:
    line = b"".join(_answer(number) for number in range(count))
    chunks = [line[at : at + CHUNK] for at in range(0, len(line), CHUNK)]
    single = [_answer(number) for number in range(count)]
    ways: dict[str, Callable[[], object]] = {
        "C cobs and crc_hqx in bulk (limit)": lambda: [
            _checked(piece) for chunk in chunks for piece in chunk.split(b"\0")[1:-1]
        ],
        "ours in bulk": lambda: _feed(chunks),
        "ours frame by frame": lambda: _feed(single),
        "ours frame by frame, to its message": lambda: _messages(single),
        "bytewise COBS and bitwise CRC (peer)": lambda: [_bytewise(frame[:-1]) for frame in single],
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, decode in ways.items():
            began = time.process_time()
            decode()
            found[name].append((time.process_time() - began) / count * 1e6)
    aims = {"ours in bulk": FRAME_US, "ours frame by frame": FRAME_US}
    rows = [
        Row("serial", f"frame: {name}, CPU", statistics.median(each), "us", aims.get(name))
        for name, each in found.items()
    ]
    ratio = statistics.median(
        peer / ours
        for peer, ours in zip(
            found["bytewise COBS and bitwise CRC (peer)"], found["ours frame by frame"], strict=True
        )
    )
    what = "frame: bytewise peer / ours, CPU"
    return [*rows, Row("serial", what, ratio, "x", BYTEWISE_RATIO, at_least=True)]


def _feed(chunks: list[bytes]) -> None:
    decoder = FrameDecoder()
    for chunk in chunks:
        decoder.feed(chunk)


def _messages(chunks: list[bytes]) -> None:
    decoder = FrameDecoder()
    for chunk in chunks:
        for frame in decoder.feed(chunk):
            parse(frame)


def _checked(piece: bytes) -> bytes:
    raw: bytes = cobs.decode(piece)
    if crc_hqx(raw[:-2], 0xFFFF) != int.from_bytes(raw[-2:], "little"):
        raise ValueError("CRC")
    return raw


def _bytewise(piece: bytes) -> bytes:
    raw, at = bytearray(), 0
    while at < len(piece):
        block = piece[at]
        for byte in piece[at + 1 : at + block]:
            raw.append(byte)
        at += block
        if block < 255 and at < len(piece):
            raw.append(0)
    crc = 0xFFFF
    for byte in raw[:-2]:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1 & 0xFFFF
    if crc != int.from_bytes(raw[-2:], "little"):
        raise ValueError("CRC")
    return bytes(raw)


# Full lines


def _lines(seconds: float, rounds: int) -> list[Row]:
    """A reader's share of a core while a board fills the line: the codec in bulk, and our link, which reads
    whenever something comes, because a stop does not wait for the next tick."""
    rows = []
    for rate, aim in LINE_PERCENT.items():
        ways = {
            "os.read at 50 Hz (limit)": (_reader, BULK_S),
            "our codec at 50 Hz": (_decoder, BULK_S),
            "select and os.read at each burst (limit)": (_reader, 0.0),
            "our link at each burst": (_link, 0.0),
        }
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (opened, pause_s) in ways.items():
                with _board(int(rate * seconds), rate) as port, opened(port) as (line, take):
                    found[name].append(_share(line, take, seconds, pause_s))
        rows += [
            Row("serial", f"{rate} frames/s: {name}, CPU", statistics.median(each), "%")
            for name, each in found.items()
        ]
        bare, ours = found["os.read at 50 Hz (limit)"], found["our codec at 50 Hz"]
        more = statistics.median(one - other for one, other in zip(ours, bare, strict=True))
        what = f"{rate} frames/s: our codec above the limit, CPU"
        rows.append(Row("serial", what, more, "%", aim))
    return rows


Reader = tuple[int, Callable[[], object]]
"""What to wait on, and what takes in what came: nothing of it is an end of the line."""


@contextlib.contextmanager
def _reader(port: Path) -> Iterator[Reader]:
    line = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(line, encode(Frame(Hello.TYPE, 0, 1, 0, 0, Hello(1).pack())))
        yield line, lambda: os.read(line, CHUNK)
    finally:
        os.close(line)


@contextlib.contextmanager
def _decoder(port: Path) -> Iterator[Reader]:
    with _reader(port) as (line, _):
        decoder = FrameDecoder()
        yield line, lambda: [parse(frame) for frame in decoder.feed(os.read(line, CHUNK))]


@contextlib.contextmanager
def _link(port: Path) -> Iterator[Reader]:
    link, line = _open_link(port)
    try:
        yield line, lambda: link.service(time.monotonic())
    finally:
        link.close()


def _share(line: int, take: Callable[[], object], seconds: float, pause_s: float) -> float:
    """Percent of a core; `pause_s` is waited before each read. Raises RuntimeError where the line goes quiet."""
    wall, cpu = time.monotonic(), time.process_time()
    while (took := time.monotonic() - wall) < 0.9 * seconds:
        if pause_s:
            time.sleep(pause_s)
        if not select.select([line], [], [], 1.0)[0] or not take():
            raise RuntimeError("the line is quiet")
    return 100 * (time.process_time() - cpu) / took


# The other side of the line


def _answer(sequence: int) -> bytes:
    return encode(Frame(Tilt.TYPE, SESSION, sequence + 1, 1000, 0, Tilt(0.1, 0.0).pack()))


def _motion() -> bytes:
    return encode(Frame(Motion.TYPE, SESSION, 1, 0, 200, Motion(0.3, 0.0).pack()))


@contextlib.contextmanager
def _board(count: int, rate: int | None) -> Iterator[Path]:
    """A port with another process behind it that answers HELLO, and then each command, or without
    being asked `rate` times a second."""
    master, slave = os.openpty()
    tty.setraw(slave)
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=_be_board, args=(master, slave, count, rate), daemon=True)
    process.start()
    os.close(master)
    try:
        yield Path(os.ttyname(slave))
    finally:
        process.kill()
        process.join()
        os.close(slave)


def _be_board(master: int, slave: int, count: int, rate: int | None) -> None:
    os.close(slave)
    answers = [_answer(number) for number in range(count)]
    hello = None
    decoder = FrameDecoder()
    while hello is None:
        for frame in decoder.feed(os.read(master, CHUNK)):
            message = parse(frame)
            hello = message if isinstance(message, Hello) else hello
    welcome = Welcome(hello.nonce, 1, 1.0, 1.0).pack()
    os.write(master, encode(Frame(Welcome.TYPE, SESSION, 1, 0, 0, welcome)))
    if rate is None:
        for answer in answers:
            os.read(master, CHUNK)
            os.write(master, answer)
    else:
        burst = round(rate * BURST_S)
        due = time.monotonic()
        for at in range(0, count, burst):
            due += BURST_S
            time.sleep(max(0.0, due - time.monotonic()))
            os.write(master, b"".join(answers[at : at + burst]))
    signal.pause()  # to hang up would throw away what is not read yet


def _open_link(port: Path) -> tuple[BoardLink, int]:
    """The link with its session open, and what to wait on."""
    link = BoardLink(port, new_nonce=lambda: 1)
    deadline = time.monotonic() + 5.0
    while not link.up:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no session: {link.why}")
        link.service(time.monotonic())
        time.sleep(0.001)
    line = link.fileno()
    assert line is not None
    return link, line


# The gate


def _gate(place: Path, seconds: float) -> list[Row]:
    with running_gate(place / "data") as gate:
        standing = _percent(gate.pid, seconds)
        gate.drive()
        driving = _percent(gate.pid, seconds)
    with subprocess.Popen([sys.executable, "-c", _SLEEPER]) as sleeper:
        time.sleep(0.5)
        sleeping = _percent(sleeper.pid, seconds)
        sleeper.kill()
    return [
        Row("serial", "a loop that only sleeps at 50 Hz (limit), CPU", sleeping, "%"),
        Row("serial", "gate at 50 Hz, standing, CPU", standing, "%"),
        Row("serial", "gate at 50 Hz, driving, CPU", driving, "%"),
    ]


def _percent(pid: int, seconds: float) -> float:
    before, began = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_s(pid) - before) / (time.monotonic() - began)
