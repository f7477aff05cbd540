"""The board's limits to the millisecond and to the last digit, in Python and in C: where each one begins and ends."""

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.messages import (
    Battery,
    Clear,
    Fault,
    FaultCode,
    Heartbeat,
    Hello,
    Inputs,
    InputsNow,
    Limits,
    Message,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
    Tilt,
    Tray,
    parse,
)
from firmware_bridge.simulated_firmware import Sensors, SimulatedFirmware
from tests.support.peer import Peer

STANDS, DRIVES = (0.0, 0.0), (0.3, 0.0)


@pytest.fixture
def fresh(stranger: Peer) -> Peer:
    """Nothing was sent or ticked yet. The gate's clock is half a millisecond on, as stamps are cut to whole ones."""
    stranger.clock_s = 3.0005
    return stranger


@pytest.fixture
def exact(fresh: Peer) -> Peer:
    """A session is open."""
    fresh.hello()
    fresh.told.clear()
    return fresh


def later(peer: Peer, ms: int) -> list[Message]:
    """What the board says in one tick, so much later."""
    peer.now += ms / 1e3
    peer.clock_s += ms / 1e3
    return [parse(frame) for frame in peer.decoder.feed(peer.board.tick(peer.now))]


@pytest.mark.parametrize(("ttl_ms", "good_ms"), [(50, 50), (200, 200), (201, 200), (60_000, 200)])
@pytest.mark.parametrize("kind", [Motion, Heartbeat])
def test_a_permission_is_good_to_its_last_millisecond_and_not_after_it(
    exact: Peer, kind: type[Message], ttl_ms: int, good_ms: int
) -> None:
    old, other = Motion(*DRIVES), Heartbeat()
    exact.send(old if kind is Motion else other, ttl_ms=ttl_ms)
    later(exact, good_ms - 30)
    exact.send(other if kind is Motion else old)
    later(exact, 30)
    assert exact.board.target() == DRIVES
    later(exact, 1)
    assert exact.board.target() == STANDS


@pytest.mark.parametrize("late_ms", [1, 120])
def test_the_age_at_which_a_motion_came_counts_to_the_millisecond(
    exact: Peer, late_ms: int
) -> None:
    exact.send(Heartbeat(), late_s=late_ms / 1e3)
    exact.send(Motion(*DRIVES), late_s=late_ms / 1e3)
    later(exact, 200 - late_ms)
    assert exact.board.target() == DRIVES
    later(exact, 1)
    assert exact.board.target() == STANDS


def test_a_frame_may_be_as_old_as_its_ttl_and_no_older(exact: Peer) -> None:
    exact.send(Heartbeat(), late_s=0.2)
    exact.send(Heartbeat(), ttl_ms=1, late_s=0.001)
    assert exact.refused(FaultCode.LATE) == 0
    exact.send(Heartbeat(), late_s=0.201)
    exact.send(Heartbeat(), ttl_ms=1, late_s=0.002)
    assert exact.refused(FaultCode.LATE) == 2


@pytest.mark.parametrize(("quiet_ms", "grown_ms"), [(999, 0), (1000, 1), (1999, 1), (60_000, 60)])
def test_a_millisecond_of_lateness_is_forgiven_for_each_whole_second(
    exact: Peer, quiet_ms: int, grown_ms: int
) -> None:
    exact.send(Heartbeat())
    later(exact, quiet_ms)
    exact.send(Heartbeat(), late_s=(201 + grown_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1
    exact.send(Heartbeat(), late_s=(200 + grown_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1


@pytest.mark.parametrize("quicker_ms", [0, 1])
def test_the_seconds_are_counted_from_the_newest_frame_that_was_as_quick_as_any(
    exact: Peer, quicker_ms: int
) -> None:
    later(exact, 600)
    exact.send(Heartbeat(), late_s=-quicker_ms / 1e3)
    later(exact, 600)
    exact.send(Heartbeat(), late_s=(201 - quicker_ms) / 1e3)
    assert exact.refused(FaultCode.LATE) == 1


def test_the_seconds_go_on_while_frames_are_late(exact: Peer) -> None:
    for _ in range(5):
        later(exact, 900)
        exact.send(Heartbeat(), late_s=0.1)
    exact.send(Heartbeat(), late_s=0.205)  # 4.5 s are 4 ms
    assert exact.refused(FaultCode.LATE) == 1
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1


def test_no_part_of_a_second_is_gained_or_lost_by_looking_often(exact: Peer) -> None:
    exact.send(Heartbeat())
    for quiet_ms in (1_000, 1_000, 1_000, 997):
        later(exact, quiet_ms)
        exact.send(Heartbeat(), late_s=0.1)
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1
    later(exact, 3)
    exact.send(Heartbeat(), late_s=0.204)
    assert exact.refused(FaultCode.LATE) == 1


@pytest.mark.parametrize("kind", [Motion, Heartbeat])
def test_in_the_very_moment_of_the_boot_both_permissions_are_needed_too(
    fresh: Peer, kind: type[Message]
) -> None:
    fresh.send(Hello(5), ttl_ms=0)
    fresh.session = fresh.board.session
    fresh.send(Motion(*DRIVES) if kind is Motion else Heartbeat())
    for _ in range(3):
        later(fresh, 0)
        assert fresh.board.target() == STANDS
        later(fresh, 1)


def test_a_sequence_must_rise_by_one_at_least(exact: Peer) -> None:
    exact.send(Heartbeat())
    exact.sequence -= 1
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 1
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 1


def test_the_sequence_of_a_new_session_may_begin_again(exact: Peer) -> None:
    exact.sequence = 5_000
    exact.send(Heartbeat())
    exact.sequence = 0
    exact.hello()
    exact.send(Heartbeat())
    assert exact.refused(FaultCode.OLD_SEQUENCE) == 0


@pytest.mark.parametrize(
    "motion", [Motion(0.5, 2.0), Motion(-0.5, -2.0), Motion(0.5, -2.0), Motion(-0.5, 2.0)]
)
def test_the_caps_themselves_are_allowed(exact: Peer, motion: Motion) -> None:
    exact.send(Heartbeat())
    exact.send(motion)
    later(exact, 1)
    assert exact.board.target() == (motion.linear_m_s, motion.angular_rad_s)


@pytest.mark.parametrize("motion", [Motion(0.2, 0.0), Motion(-0.2, 0.0), Motion(0.0, 1.0)])
def test_limits_at_the_motion_in_force_leave_it(exact: Peer, motion: Motion) -> None:
    exact.send(Heartbeat())
    exact.send(motion)
    exact.send(Limits(0.2, 1.0, 1.0, 4.0, 1.5, 6.0), ttl_ms=0)
    later(exact, 1)
    assert exact.board.target() == (motion.linear_m_s, motion.angular_rad_s)
    exact.send(Limits(0.199, 0.999, 1.0, 4.0, 1.5, 6.0), ttl_ms=0)
    assert exact.board.target() == STANDS


def test_each_axis_ramps_by_its_own_rates(exact: Peer) -> None:
    exact.driving = Motion(0.5, 2.0)
    exact.forward(0.1)
    assert exact.board.velocity == pytest.approx((0.1, 0.4))
    exact.forward(1.0)
    exact.driving = None
    exact.send(Stop(StopKind.LATCH), ttl_ms=0)
    exact.forward(0.1)
    assert exact.board.velocity == pytest.approx((0.5 - 0.15, 2.0 - 0.6))


@pytest.mark.parametrize(("step_ms", "gained"), [(1, 0.001), (99, 0.099), (100, 0.1), (101, 0.1)])
def test_a_step_of_the_ramp_counts_for_100_ms_at_most(
    exact: Peer, step_ms: int, gained: float
) -> None:
    exact.send(Motion(0.5, 0.0))
    exact.send(Heartbeat())
    later(exact, step_ms)
    assert exact.board.velocity == pytest.approx((gained, 0.0), abs=1e-9)


def test_a_fault_is_told_at_once_after_a_boot_and_then_each_100_ms(fresh: Peer) -> None:
    times = []
    for ms in range(350):
        fresh.board.receive(b"rubbish\0", fresh.now)
        told = later(fresh, 1 if ms else 0)
        times += [ms for message in told if isinstance(message, Fault)]
    assert times == [0, 100, 200, 300]


def test_every_code_of_fault_has_its_turn(exact: Peer) -> None:
    for code in range(1, 8):
        _provoke(exact, FaultCode(code))
    codes = []
    for _ in range(7):
        exact.board.receive(b"rubbish\0", exact.now)  # it would hide the others
        codes += [one.code for one in later(exact, 100) if isinstance(one, Fault)]
    assert codes == [FaultCode(code) for code in range(1, 8)]
    assert [one.code for one in later(exact, 100) if isinstance(one, Fault)] == [1]


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
        for message in later(fresh, 1 if ms else 0):
            times.setdefault(type(message), []).append(ms)
    periods = {Odometry: 20, Status: 50, InputsNow: 100, Tray: 200, Tilt: 200, Battery: 500}
    assert times == {kind: list(range(0, 1_001, ms)) for kind, ms in periods.items()}


@pytest.mark.parametrize(
    ("pause_ms", "next_ms"), [(39, 1), (40, 20), (41, 20), (79, 20), (80, 20), (1000, 20)]
)
def test_after_a_pause_of_a_whole_period_the_rhythm_begins_anew(
    fresh: Peer, pause_ms: int, next_ms: int
) -> None:
    later(fresh, 0)
    assert any(isinstance(one, Odometry) for one in later(fresh, pause_ms))
    after = [any(isinstance(one, Odometry) for one in later(fresh, 1)) for _ in range(20)]
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
    assert told in later(fresh, 0)


@pytest.mark.parametrize("fraction", [0.021, 0.099])
def test_a_battery_that_was_never_low_is_not_low_above_2_percent(
    fresh: Peer, fraction: float
) -> None:
    fresh.board.sensors = Sensors(fraction=fraction)
    assert [one.low for one in later(fresh, 0) if isinstance(one, Battery)] == [False]


def test_a_board_at_rest_has_gone_nowhere_and_is_full(fresh: Peer) -> None:
    told = later(fresh, 0)
    assert Odometry(0.0, 0.0, 0.0, 0.0, 0.0) in told and InputsNow(Inputs.NONE) in told
    assert Battery(1.0, 25.2, -1.0, False, False) in told and Tray(0, locked=True) in told


def test_tray_and_tilt_are_told_as_they_are(fresh: Peer) -> None:
    fresh.board.sensors = Sensors(tray_grams=1234, tilt=-0.1)
    told = later(fresh, 0)
    assert Tray(1234, locked=True) in told and Tilt(-0.1, 0.0) in told


def test_a_boot_ends_the_latch_the_faults_and_the_low_battery(exact: Peer) -> None:
    exact.board.sensors = Sensors(fraction=0.01, button=True)
    exact.board.receive(b"rubbish\0", exact.now)
    later(exact, 500)
    exact.board.sensors = Sensors(fraction=0.05)
    exact.board.boot(exact.now)
    told = later(exact, 0)
    assert not +exact.board.faults and not exact.board.causes and exact.board.latch == 0
    assert Status(0, exact.board.causes, 0) in told
    assert [one.low for one in told if isinstance(one, Battery)] == [False]


def test_a_cause_that_lasts_is_told_once_and_then_at_the_rate_of_the_status(fresh: Peer) -> None:
    fresh.board.sensors = Sensors(button=True)
    times = []
    for ms in range(101):
        told = later(fresh, 1 if ms else 0)
        times += [ms for message in told if isinstance(message, Status)]
    assert times == [0, 50, 100]


def test_after_latch_65535_comes_0(fresh: Peer) -> None:
    if isinstance(fresh.board, SimulatedFirmware):
        fresh.board.latch = 0xFFFF
    else:
        fresh.board._board.latch = 0xFFFF
    fresh.hello()
    fresh.send(Stop(StopKind.LATCH), ttl_ms=0)
    assert fresh.board.latch == 0 and fresh.board.causes
