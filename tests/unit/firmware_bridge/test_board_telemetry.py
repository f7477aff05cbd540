"""What the board tells and when, to the millisecond: telemetry, faults and its frames; in Python and in C."""

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.messages import (
    Battery,
    Clear,
    Fault,
    FaultCode,
    Heartbeat,
    Inputs,
    InputsNow,
    Message,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
    Tilt,
    Tray,
)
from firmware_bridge.simulated_firmware import Sensors
from tests.support.peer import Peer


def test_a_fault_is_told_at_once_after_a_boot_and_then_each_100_ms(fresh: Peer) -> None:
    times = []
    for ms in range(350):
        fresh.board.receive(b"rubbish\0", fresh.now)
        told = fresh.later(1 if ms else 0)
        times += [ms for message in told if isinstance(message, Fault)]
    assert times == [0, 100, 200, 300]


def test_every_code_of_fault_has_its_turn(exact: Peer) -> None:
    for code in range(1, 8):
        _provoke(exact, FaultCode(code))
    codes = []
    for _ in range(7):
        exact.board.receive(b"rubbish\0", exact.now)  # it would hide the others
        codes += [one.code for one in exact.later(100) if isinstance(one, Fault)]
    assert codes == [FaultCode(code) for code in range(1, 8)]
    assert [one.code for one in exact.later(100) if isinstance(one, Fault)] == [1]


def _provoke(peer: Peer, code: FaultCode) -> None:
    if code is FaultCode.BAD_FRAME:
        peer.board.receive(b"rubbish\0", peer.now)
    elif code is FaultCode.WRONG_SESSION:
        peer.session += 1
        peer.send(Heartbeat())
        peer.session -= 1
    elif code is FaultCode.OLD_SEQUENCE:
        peer.sequence -= 2
        peer.send(Heartbeat())
        peer.sequence += 1
    elif code is FaultCode.LATE:
        peer.send(Heartbeat(), late_s=0.5)
    elif code is FaultCode.OVER_LIMIT:
        peer.send(Motion(0.6, 0.0))
    elif code is FaultCode.UNKNOWN_MESSAGE:
        frame = Frame(0x07, peer.session, 0, 0, 0, b"")
        peer.board.receive(frames.encode(frame), peer.now)
    else:
        peer.send(Clear(7), ttl_ms=0)
    assert peer.refused(code) == 1


def test_telemetry_comes_in_the_millisecond_in_which_it_is_due(fresh: Peer) -> None:
    times: dict[type[Message], list[int]] = {}
    for ms in range(1_001):
        for message in fresh.later(1 if ms else 0):
            times.setdefault(type(message), []).append(ms)
    periods = {Odometry: 20, Status: 50, InputsNow: 100, Tray: 200, Tilt: 200, Battery: 500}
    assert times == {kind: list(range(0, 1_001, ms)) for kind, ms in periods.items()}


@pytest.mark.parametrize(
    ("pause_ms", "next_ms"), [(39, 1), (40, 20), (41, 20), (79, 20), (80, 20), (1000, 20)]
)
def test_after_a_pause_of_a_whole_period_the_rhythm_begins_anew(
    fresh: Peer, pause_ms: int, next_ms: int
) -> None:
    fresh.later(0)
    assert any(isinstance(one, Odometry) for one in fresh.later(pause_ms))
    after = [any(isinstance(one, Odometry) for one in fresh.later(1)) for _ in range(20)]
    assert after.index(True) + 1 == next_ms


def test_its_frames_count_from_the_welcome_on_and_carry_its_clock(exact: Peer) -> None:
    decoder = FrameDecoder()
    exact.hello()
    first = decoder.feed(exact.board.tick(exact.now + 0.1))
    exact.hello()
    exact.now += 0.1
    told = decoder.feed(exact.board.tick(exact.now))
    assert {frame.session for frame in first} == {78} and {frame.session for frame in told} == {79}
    # The welcome and six of telemetry went before, in the tick of the hello.
    assert [frame.sequence for frame in told] == list(range(8, 8 + len(told)))
    assert {frame.stamp_ms for frame in told} == {round((exact.now - 100.0) * 1e3)}
    assert {frame.ttl_ms for frame in told} == {0}


def test_before_the_first_hello_its_frames_are_of_session_0_and_none_is_obeyed(
    fresh: Peer,
) -> None:
    told = FrameDecoder().feed(fresh.board.tick(fresh.now))
    assert [(frame.session, frame.sequence) for frame in told] == [(0, n) for n in range(1, 7)]
    for fresh.session in (0, 1):
        fresh.send(Stop(StopKind.LATCH), ttl_ms=0)
    assert fresh.refused(FaultCode.WRONG_SESSION) == 2 and not fresh.board.causes


def test_its_stamps_come_round_after_49_days(fresh: Peer) -> None:
    told = FrameDecoder().feed(fresh.board.tick(fresh.now + (2**32 + 5) / 1e3))
    assert {frame.stamp_ms for frame in told} == {5}


@pytest.mark.parametrize(
    ("sensors", "told"),
    [
        (Sensors(fraction=0.5), Battery(0.5, 23.1, -1.0, False, False)),
        (Sensors(fraction=1.0, charging=True), Battery(1.0, 25.2, 2.0, True, False)),
        (Sensors(fraction=0.0, charging=True), Battery(0.0, 21.0, 2.0, True, True)),
    ],
)
def test_the_battery_is_told_with_its_voltage_and_current(
    fresh: Peer, sensors: Sensors, told: Battery
) -> None:
    fresh.board.sensors = sensors
    assert told in fresh.later(0)


@pytest.mark.parametrize("fraction", [0.021, 0.099])
def test_a_battery_that_was_never_low_is_not_low_above_2_percent(
    fresh: Peer, fraction: float
) -> None:
    fresh.board.sensors = Sensors(fraction=fraction)
    assert [one.low for one in fresh.later(0) if isinstance(one, Battery)] == [False]


def test_a_low_battery_that_is_changed_for_a_full_one_is_low_no_more(fresh: Peer) -> None:
    low = []
    for fraction in (0.01, 1.0, 0.05):
        fresh.board.sensors = Sensors(fraction=fraction)
        low += [one.low for one in fresh.later(500) if isinstance(one, Battery)]
    assert low == [True, False, False]


def test_a_board_at_rest_has_gone_nowhere_and_is_full(fresh: Peer) -> None:
    told = fresh.later(0)
    assert Odometry(0.0, 0.0, 0.0, 0.0, 0.0) in told and InputsNow(Inputs.NONE) in told
    assert Battery(1.0, 25.2, -1.0, False, False) in told and Tray(0, locked=True) in told


def test_tray_and_tilt_are_told_as_they_are(fresh: Peer) -> None:
    fresh.board.sensors = Sensors(tray_grams=1234, tilt=-0.1)
    told = fresh.later(0)
    assert Tray(1234, locked=True) in told and Tilt(-0.1, 0.0) in told


def test_a_boot_ends_the_latch_the_faults_and_the_low_battery(exact: Peer) -> None:
    exact.board.sensors = Sensors(fraction=0.01, button=True)
    exact.board.receive(b"rubbish\0", exact.now)
    exact.later(500)
    exact.board.sensors = Sensors(fraction=0.05)
    exact.board.boot(exact.now)
    told = exact.later(0)
    assert not +exact.board.faults and not exact.board.causes and exact.board.latch == 0
    assert Status(0, exact.board.causes, 0) in told
    assert [one.low for one in told if isinstance(one, Battery)] == [False]


def test_a_cause_that_lasts_is_told_once_and_then_at_the_rate_of_the_status(fresh: Peer) -> None:
    fresh.board.sensors = Sensors(button=True)
    times = []
    for ms in range(101):
        told = fresh.later(1 if ms else 0)
        times += [ms for message in told if isinstance(message, Status)]
    assert times == [0, 50, 100]
