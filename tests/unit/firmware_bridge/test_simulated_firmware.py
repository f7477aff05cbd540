"""The board's own safety, by its bytes, against a gate that does everything wrong: on a desk in Python, and in C."""

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Frame
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
    Welcome,
)
from firmware_bridge.simulated_firmware import OWN_CAPS, Sensors
from tests.support.peer import Peer


def test_without_a_session_nothing_is_obeyed(stranger: Peer) -> None:
    stranger.driving = Motion(0.3, 0.0)
    stranger.forward(0.5)
    assert stranger.board.velocity == (0.0, 0.0)
    assert stranger.refused(FaultCode.WRONG_SESSION) == 100


def test_the_welcome_repeats_the_nonce_and_opens_a_session_of_the_boards_choice(
    stranger: Peer,
) -> None:
    stranger.hello()
    assert stranger.last(Welcome) == Welcome(5, 0x0100, OWN_CAPS.speed, OWN_CAPS.turn)
    assert stranger.session == 77


def test_a_hello_stops_the_robot_and_ends_the_old_session(peer: Peer) -> None:
    old = peer.bytes_of(Motion(0.3, 0.0))
    peer.driving = None
    peer.hello()
    peer.board.receive(old, peer.now)
    assert peer.board.target() == (0.0, 0.0)
    assert peer.refused(FaultCode.WRONG_SESSION) == 1


def test_a_whole_session_played_again_moves_nothing(stranger: Peer) -> None:
    tape = [stranger.send(Hello(5), ttl_ms=0)]
    stranger.session = stranger.board.session
    for _ in range(50):
        tape += [stranger.send(Motion(0.3, 0.0)), stranger.send(Heartbeat())]
        stranger.forward(0.02)
    stranger.forward(1.0)
    for data in tape:
        stranger.board.receive(data, stranger.now)
        stranger.board.tick(stranger.now)
        assert stranger.board.target() == (0.0, 0.0)


def test_a_frame_said_twice_counts_once(peer: Peer) -> None:
    peer.driving = None
    again = peer.send(Motion(0.2, 0.0))
    beat = peer.send(Heartbeat())
    for _ in range(30):
        peer.forward(0.01)
        peer.board.receive(again, peer.now)
        peer.board.receive(beat, peer.now)
    assert peer.board.target() == (0.0, 0.0)
    assert peer.refused(FaultCode.OLD_SEQUENCE) == 60


def test_a_late_frame_is_refused(peer: Peer) -> None:
    peer.driving = None
    peer.forward(0.5)
    peer.send(Heartbeat())
    peer.send(Motion(0.3, 0.0), late_s=0.25)
    peer.forward(0.01)
    assert peer.board.target() == (0.0, 0.0)
    assert peer.refused(FaultCode.LATE) == 1
    peer.send(Motion(0.3, 0.0), late_s=0.15)
    peer.forward(0.01)
    assert peer.board.target() == (0.3, 0.0)


def test_a_backlog_released_at_once_is_late_but_for_its_end(peer: Peer) -> None:
    peer.driving = None
    backlog = []
    for _ in range(100):
        backlog.append(peer.bytes_of(Motion(0.3, 0.0)) + peer.bytes_of(Heartbeat()))
        peer.now += 0.01
        peer.clock_s += 0.01
        peer.board.tick(peer.now)
    for data in backlog[:79]:
        peer.board.receive(data, peer.now)
        peer.board.tick(peer.now)
        assert peer.board.target() == (0.0, 0.0)


def test_a_clock_that_drifts_is_not_mistaken_for_lateness(peer: Peer) -> None:
    for _ in range(100):
        peer.forward(10.0)
        peer.clock_s -= 10.0 * 0.0005  # the gate's clock is slow by 0.05 %
    assert peer.refused(FaultCode.LATE) == 0


def test_stamps_wrap_round_after_49_days(peer: Peer) -> None:
    peer.clock_s = 2**32 / 1e3 - 0.5
    peer.hello()
    peer.forward(2.0)
    assert peer.refused(FaultCode.LATE) == 0 and peer.board.velocity == (0.3, 0.0)


@pytest.mark.parametrize("silent", [Motion, Heartbeat])
def test_without_fresh_motion_and_heartbeat_it_brakes_after_200_ms(
    peer: Peer, silent: type[Message]
) -> None:
    peer.driving = None
    for step in range(40):
        peer.send(Heartbeat() if silent is Motion else Motion(0.3, 0.0))
        peer.forward(0.01)
        if step == 18:
            assert peer.board.target() == (0.3, 0.0)
    assert peer.board.target() == (0.0, 0.0)


def test_a_short_ttl_ends_motion_sooner(peer: Peer) -> None:
    peer.driving = None
    peer.send(Motion(0.3, 0.0), ttl_ms=50)
    peer.forward(0.06)
    assert peer.board.target() == (0.0, 0.0)


@pytest.mark.parametrize(
    "motion", [Motion(0.501, 0.0), Motion(-0.501, 0.0), Motion(0.0, 2.001), Motion(0.0, -2.001)]
)
def test_a_velocity_over_the_boards_own_caps_is_refused(stranger: Peer, motion: Motion) -> None:
    stranger.hello()
    stranger.driving = motion
    stranger.forward(0.5)
    assert stranger.board.velocity == (0.0, 0.0)
    assert stranger.refused(FaultCode.OVER_LIMIT) == 50


def test_limits_lower_the_caps_and_never_raise_them(peer: Peer) -> None:
    peer.send(Limits(0.2, 9.0, 9.0, 9.0, 9.0, 9.0))
    peer.forward(0.5)
    assert peer.board.target() == (0.0, 0.0)
    assert peer.refused(FaultCode.OVER_LIMIT) == 50
    assert peer.board.limits == OWN_CAPS.lowered_to(Limits(0.2, 9, 9, 9, 9, 9))


def test_it_ramps_by_itself_whatever_jumps_it_is_told(stranger: Peer) -> None:
    stranger.hello()
    before = 0.0
    for step in range(200):
        stranger.driving = Motion(0.5 if step // 40 % 2 == 0 else -0.5, 0.0)
        stranger.forward(0.01)
        v, _ = stranger.board.velocity
        assert abs(v) - abs(before) <= OWN_CAPS.acceleration * 0.01 + 1e-9
        assert abs(before) - abs(v) <= OWN_CAPS.braking * 0.01 + 1e-9
        before = v


@pytest.mark.parametrize("kind", StopKind)
def test_a_stop_latches_until_its_own_number_is_cleared(peer: Peer, kind: StopKind) -> None:
    peer.send(Stop(kind), ttl_ms=0)
    peer.forward(1.0)
    assert peer.board.velocity == (0.0, 0.0)
    status = peer.last(Status)
    assert isinstance(status, Status) and status.latched and status.latch == 1
    peer.send(Clear(2))
    peer.send(Clear(0))
    peer.forward(0.1)
    assert peer.board.target() == (0.0, 0.0) and peer.refused(FaultCode.CLEAR_REFUSED) == 2
    peer.send(Clear(1))
    peer.forward(0.1)
    assert peer.board.target() == (0.3, 0.0)


def test_a_stop_is_never_too_late(peer: Peer) -> None:
    peer.send(Stop(StopKind.LATCH), ttl_ms=0, late_s=100.0)
    assert peer.board.causes == Inputs.HOST_LATCH


@pytest.mark.parametrize(
    ("sensors", "cause"),
    [
        (Sensors(button=True), Inputs.BUTTON),
        (Sensors(bumper=True), Inputs.BUMPER),
        (Sensors(lifted=True), Inputs.LIFTED),
        (Sensors(tilt=0.27), Inputs.TILT),
        (Sensors(tilt=-0.27), Inputs.TILT),
    ],
)
def test_its_own_inputs_latch_and_cannot_be_cleared_while_they_last(
    peer: Peer, sensors: Sensors, cause: Inputs
) -> None:
    peer.board.sensors = sensors
    peer.forward(0.01)
    assert peer.board.target() == (0.0, 0.0)
    # Told at once, not at the next tenth of a second.
    assert peer.last(InputsNow) == InputsNow(cause)
    peer.send(Clear(1))
    assert peer.board.causes == cause
    peer.board.sensors = Sensors()
    peer.forward(0.01)
    peer.send(Clear(1))
    assert not peer.board.causes


def test_a_session_does_not_clear_a_latch(peer: Peer) -> None:
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.hello()
    peer.forward(1.0)
    assert peer.board.causes == Inputs.HOST_LATCH and peer.board.target() == (0.0, 0.0)


def test_a_reboot_forgets_the_session_and_stands(peer: Peer) -> None:
    peer.board.boot(peer.now)
    peer.forward(0.5)
    assert peer.board.velocity == (0.0, 0.0) and peer.refused(FaultCode.WRONG_SESSION) == 100


def test_telemetry_comes_at_its_rates_and_nothing_is_made_up_for(peer: Peer) -> None:
    peer.forward(10.0)
    told = [type(message) for message in peer.told]
    for kind, hz in ((Odometry, 50), (Status, 20), (InputsNow, 10), (Battery, 2)):
        assert told.count(kind) == pytest.approx(10 * hz, rel=0.05)
    peer.told.clear()
    peer.now += 5.0
    peer.forward(0.01)
    assert [type(message) for message in peer.told].count(Odometry) == 1


def test_the_battery_is_low_until_it_is_charged(peer: Peer) -> None:
    low = []
    for fraction in (0.5, 0.03, 0.02, 0.05, 0.09, 0.10, 0.05):
        peer.board.sensors = Sensors(fraction=fraction)
        peer.forward(0.6)
        battery = peer.last(Battery)
        assert isinstance(battery, Battery)
        low.append(battery.low)
    assert low == [False, False, True, True, True, False, False]


def test_faults_are_told_but_do_not_fill_the_line(peer: Peer) -> None:
    for _ in range(100):
        peer.board.receive(b"rubbish\0", peer.now)
        peer.forward(0.01)
    faults = [message for message in peer.told if isinstance(message, Fault)]
    assert 9 <= len(faults) <= 11
    assert peer.refused(FaultCode.BAD_FRAME) == 100


def test_what_only_a_board_may_say_is_refused(peer: Peer) -> None:
    odometry = Odometry(0, 0, 0, 0, 0)
    peer.sequence += 1
    stamp = int(peer.clock_s * 1e3)
    data = frames.encode(
        Frame(odometry.TYPE, peer.session, peer.sequence, stamp, 0, odometry.pack())
    )
    peer.board.receive(data, peer.now)
    assert peer.refused(FaultCode.UNKNOWN_MESSAGE) == 1
