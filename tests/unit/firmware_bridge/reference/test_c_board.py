"""What only the board in C has: its clock, its sink, and what firmware must be."""

import itertools
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from firmware_bridge.frames import FrameDecoder
from firmware_bridge.messages import (
    Fault,
    FaultCode,
    Heartbeat,
    Hello,
    Inputs,
    Message,
    Motion,
    Stop,
    StopKind,
    parse,
)
from tests.support.c_board import (
    SOURCES,
    TICK_OUTPUT,
    CBoard,
    Reference,
    compile_reference,
    compiler,
)
from tests.support.peer import Peer

PLAIN = ("-std=c99", "-Os", "-fno-stack-protector", "-U_FORTIFY_SOURCE")
"""Without what a distribution's compiler adds by itself."""


@pytest.fixture
def c_board(reference: Reference) -> CBoard:
    return CBoard(reference, 100.0, new_nonce=itertools.count(77).__next__)


def driving(reference: Reference, clock_ms: int = 0) -> Peer:
    peer = Peer(partial(CBoard, reference, clock_ms=clock_ms))
    peer.hello()
    peer.driving = Motion(0.3, 0.0)
    peer.forward(1.0)
    return peer


def parsed(data: bytes) -> list[Message]:
    return [parse(frame) for frame in FrameDecoder().feed(data)]


def test_its_clock_may_come_round_while_it_drives(reference: Reference) -> None:
    peer = driving(reference, clock_ms=2**32 - 1_500)
    peer.told.clear()
    peer.forward(2.0)
    assert peer.board.velocity == (0.3, 0.0) and not +peer.board.faults
    assert len(peer.told) == pytest.approx(2 * (50 + 20 + 10 + 5 + 5 + 2), rel=0.05)


def test_the_first_step_of_the_ramp_begins_with_the_boot_whatever_its_clock_shows(
    reference: Reference,
) -> None:
    peer = Peer(partial(CBoard, reference, clock_ms=5_000))
    peer.send(Hello(5), ttl_ms=0)
    peer.session = peer.board.session
    peer.send(Motion(0.5, 0.0))
    peer.send(Heartbeat())
    peer.later(1)
    assert peer.board.velocity == (0.001, 0.0)


def test_a_motion_that_ended_stays_ended_when_the_clock_comes_round_to_it(
    reference: Reference,
) -> None:
    peer = driving(reference)
    peer.driving = None
    peer.forward(0.5)
    peer.now += 2**32 / 1e3 - 0.5
    peer.board.tick(peer.now)
    assert peer.board.target() == (0.0, 0.0)


def test_the_output_of_a_tick_and_of_a_hello_fit_the_sizes_that_the_header_gives(
    c_board: CBoard,
) -> None:
    c_board.receive(b"rubbish\0", 100.0)
    assert len(parsed(c_board.tick(100.0, TICK_OUTPUT))) == 7
    told = [len(parsed(c_board.tick(101.0 + room, room))) for room in range(TICK_OUTPUT)]
    assert told[:20] == [0] * 20 and sorted(told)[-1] == 6


def test_a_frame_that_fits_the_sink_exactly_is_sent(c_board: CBoard) -> None:
    whole = c_board.tick(100.0)
    for missing, frames in ((0, 6), (1, 5)):
        c_board.boot(100.0)
        assert c_board.tick(100.0, len(whole) - missing).count(0) == frames


def test_a_frame_that_does_not_fit_the_sink_is_dropped_whole(c_board: CBoard) -> None:
    for step, room in enumerate(range(TICK_OUTPUT)):
        out = c_board.tick(100.0 + step, room)
        assert len(out) <= room and (not out or out[-1] == 0)
        assert len(parsed(out)) == out.count(0)


def test_a_stuck_motor_is_told_and_is_no_refused_frame(c_board: CBoard) -> None:
    c_board.motor_stuck()
    told = parsed(c_board.tick(100.0))
    assert Fault(FaultCode.MOTOR_STUCK, 1) in told
    assert [getattr(message, "refused", 0) for message in told] == [0] * len(told)


def test_a_session_is_never_0_and_never_the_one_before(reference: Reference) -> None:
    drawn = iter([0, 5, 5, 0, 2**32 - 1, 2**32 - 1])
    peer = Peer(lambda now, new_nonce: CBoard(reference, now, new_nonce=drawn.__next__))
    sessions = []
    for _ in range(6):
        peer.hello()
        sessions.append(peer.session)
    assert sessions == [1, 5, 6, 7, 2**32 - 1, 1]


def test_it_says_when_the_integrators_are_to_be_held_at_zero(reference: Reference) -> None:
    peer = driving(reference)
    assert isinstance(peer.board, CBoard) and not peer.board.standing
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.forward(0.1)
    assert not peer.board.standing  # it still brakes
    peer.forward(0.2)
    assert peer.board.standing


@pytest.mark.parametrize(("pitch", "roll"), [(261, 0), (-261, 0), (0, 261), (0, -261)])
def test_it_latches_when_it_leans_to_any_side(c_board: CBoard, pitch: int, roll: int) -> None:
    c_board.lean(pitch, roll)
    c_board.tick(100.0)
    assert c_board.causes == Inputs.TILT


def test_two_boards_in_one_program_know_nothing_of_each_other(reference: Reference) -> None:
    one, other = driving(reference), driving(reference)
    one.send(Stop(StopKind.LATCH), ttl_ms=0)
    one.forward(0.5)
    other.forward(0.5)
    assert (one.board.velocity, other.board.velocity) == ((0.0, 0.0), (0.3, 0.0))


@pytest.mark.parametrize("level", ["-O0", "-Os", "-O3"])
def test_it_compiles_without_a_warning_at_every_level(
    reference: Reference, tmp_path: Path, level: str
) -> None:
    compile_reference(tmp_path / "lib.so", level, "-shared", "-fPIC", "-ffreestanding")


def test_it_has_no_state_of_its_own_and_calls_nothing_but_memcpy_and_memset(
    reference: Reference, tmp_path: Path
) -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("no nm (binutils)")
    symbols: dict[str, str] = {}
    for source in sorted(SOURCES.glob("*.c")):
        target = tmp_path / f"{source.stem}.o"
        subprocess.run([str(compiler()), *PLAIN, "-c", str(source), "-o", str(target)], check=True)
        listed = subprocess.run([nm, "-P", str(target)], capture_output=True, text=True, check=True)
        symbols |= {line.split()[0]: line.split()[1] for line in listed.stdout.splitlines()}
    called = {name for name, kind in symbols.items() if kind == "U" and "luna" not in name}
    assert called <= {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_"}
    assert not [name for name, kind in symbols.items() if kind in "BbDdC"]


def test_the_main_loop_of_the_read_me_compiles(reference: Reference, tmp_path: Path) -> None:
    example = (SOURCES / "README.md").read_text().split("```c\n")[1].split("```")[0]
    hardware = """
        #include "luna_board.h"
        uint32_t hardware_random(void *context);
        void start_hardware(void);
        uint32_t now_ms(void);
        void wait_for_10_ms_timer(void);
        size_t uart_take(uint8_t *bytes, size_t room);
        void read_sensors(struct luna_sensors *sensors);
        void drive_motors(struct luna_velocity velocity);
        void uart_give(const uint8_t *bytes, size_t length);
        void feed_watchdog(void);
    """
    (tmp_path / "main.c").write_text(hardware + example)
    compile_reference(tmp_path / "main.so", "-shared", "-fPIC", extra=[tmp_path / "main.c"])
