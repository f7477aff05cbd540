"""The finer rules of the board, in Python and in C: what docs/firmware-protocol.md says beyond the plain case."""

import pytest

from firmware_bridge import frames
from firmware_bridge.frames import Frame
from firmware_bridge.messages import (
    Clear,
    Fault,
    FaultCode,
    Heartbeat,
    Hello,
    InputsNow,
    Limits,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
)
from firmware_bridge.simulated_firmware import OWN_CAPS, Sensors
from tests.support.peer import Peer

STANDS = (0.0, 0.0)


def test_a_motion_is_good_from_its_stamp_on_and_not_from_its_arrival(peer: Peer) -> None:
    peer.driving = None
    peer.send(Motion(0.3, 0.0), late_s=0.15)
    peer.send(Heartbeat())
    peer.forward(0.04)
    assert peer.board.target() == (0.3, 0.0)
    peer.forward(0.02)
    assert peer.board.target() == STANDS


def test_a_heartbeat_is_good_from_its_stamp_on(peer: Peer) -> None:
    peer.driving = None
    peer.send(Heartbeat(), late_s=0.15)
    peer.send(Motion(0.3, 0.0))
    peer.forward(0.04)
    assert peer.board.target() == (0.3, 0.0)
    peer.forward(0.02)
    assert peer.board.target() == STANDS


def test_no_ttl_makes_a_motion_last_beyond_200_ms(peer: Peer) -> None:
    peer.driving = None
    peer.send(Motion(0.3, 0.0), ttl_ms=60_000)
    peer.send(Heartbeat(), ttl_ms=60_000)
    peer.forward(0.19)
    assert peer.board.target() == (0.3, 0.0)
    peer.forward(0.02)
    assert peer.board.target() == STANDS


def test_a_motion_or_a_heartbeat_without_ttl_moves_nothing(peer: Peer) -> None:
    peer.driving = None
    peer.send(Motion(0.3, 0.0), ttl_ms=0)
    peer.forward(0.01)
    assert peer.board.target() == STANDS
    peer.send(Motion(0.3, 0.0))
    peer.send(Heartbeat(), ttl_ms=0)
    peer.forward(0.01)
    assert peer.board.target() == STANDS


def test_the_hello_is_the_first_frame_by_which_age_is_measured(stranger: Peer) -> None:
    stranger.hello()
    stranger.send(Heartbeat())
    stranger.send(Motion(0.3, 0.0), late_s=0.3)
    stranger.forward(0.01)
    assert stranger.refused(FaultCode.LATE) == 1 and stranger.board.target() == STANDS


def test_the_hello_is_the_first_frame_of_the_sequence(stranger: Peer) -> None:
    stranger.sequence = 50
    stranger.hello()
    stranger.sequence = 40
    stranger.send(Motion(0.3, 0.0))
    stranger.send(Heartbeat())
    stranger.forward(0.01)
    assert stranger.refused(FaultCode.OLD_SEQUENCE) == 2 and stranger.board.target() == STANDS


def test_frames_without_ttl_measure_age_too(peer: Peer) -> None:
    peer.driving = None
    peer.send(Stop(StopKind.LEAVING), ttl_ms=0, late_s=-0.3)  # 300 ms quicker than the HELLO
    peer.send(Heartbeat())
    assert peer.refused(FaultCode.LATE) == 1


def test_a_refused_frame_does_not_use_up_its_sequence(peer: Peer) -> None:
    peer.driving = None
    peer.sequence += 10
    peer.send(Motion(0.3, 0.0), late_s=0.5)
    peer.sequence -= 10
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    assert peer.board.causes and peer.refused(FaultCode.OLD_SEQUENCE) == 0


def test_an_echo_of_the_boards_own_frames_makes_no_stop_look_old(peer: Peer) -> None:
    odometry = Odometry(0, 0, 0, 0, 0)
    echo = Frame(odometry.TYPE, peer.session, 900_000, int(peer.clock_s * 1e3), 0, odometry.pack())
    peer.board.receive(frames.encode(echo), peer.now)
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    assert peer.board.causes
    assert peer.refused(FaultCode.UNKNOWN_MESSAGE) == 1


def test_a_stop_of_a_kind_that_does_not_exist_is_an_unknown_message_in_any_session(
    peer: Peer,
) -> None:
    for session in (peer.session, peer.session + 1):
        frame = Frame(4, session, 900_000, 0, 0, b"\x03")
        peer.board.receive(frames.encode(frame), peer.now)
    assert peer.refused(FaultCode.UNKNOWN_MESSAGE) == 2 and not peer.board.causes


def test_what_was_said_while_latched_moves_nothing_after_the_clear(peer: Peer) -> None:
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.forward(0.5)  # with motion at 100 Hz
    peer.driving = None
    peer.send(Motion(0.3, 0.0))
    peer.send(Heartbeat())
    peer.send(Clear(1), ttl_ms=500)
    peer.forward(0.01)
    assert not peer.board.causes and peer.board.target() == STANDS
    peer.send(Motion(0.3, 0.0))
    peer.forward(0.01)
    assert peer.board.target() == (0.3, 0.0)


def test_a_clear_that_comes_again_is_no_fault_and_stops_nothing(peer: Peer) -> None:
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    for _ in range(3):
        peer.send(Clear(1), ttl_ms=500)
        peer.forward(0.05)
    assert peer.board.target() == (0.3, 0.0) and peer.refused(FaultCode.CLEAR_REFUSED) == 0


def test_each_new_latch_has_a_new_number_and_a_further_cause_has_none(peer: Peer) -> None:
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.send(Stop(StopKind.LEAVING), ttl_ms=0)
    assert peer.board.latch == 1
    peer.send(Clear(1), ttl_ms=500)
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.send(Clear(1), ttl_ms=500)  # an old one
    assert peer.board.latch == 2 and peer.board.causes


def test_limits_cannot_take_the_brakes_away(peer: Peer) -> None:
    peer.send(Limits(0.5, 2.0, 1.0, 4.0, 0.0, 0.0), ttl_ms=0)
    assert peer.board.limits == Limits(0.5, 2.0, 1.0, 4.0, 0.75, 3.0)
    peer.driving = None
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.forward(0.3 / 0.75 + 0.01)
    assert peer.board.velocity == STANDS


def test_limits_below_the_motion_in_force_end_it(peer: Peer) -> None:
    peer.send(Limits(0.29, 2.0, 1.0, 4.0, 1.5, 6.0), ttl_ms=0)
    assert peer.board.target() == STANDS


def test_a_new_session_forgets_the_limits_and_the_heartbeat_of_the_old_one(peer: Peer) -> None:
    peer.send(Limits(0.2, 1.0, 0.5, 2.0, 1.0, 4.0), ttl_ms=0)
    peer.driving = None
    peer.send(Heartbeat())
    peer.hello()
    assert peer.board.limits == OWN_CAPS
    peer.send(Motion(0.3, 0.0))
    peer.forward(0.01)
    assert peer.board.target() == STANDS


def test_a_loop_that_hung_makes_no_jump_of_the_velocity(stranger: Peer) -> None:
    stranger.hello()
    stranger.now += 5.0
    stranger.clock_s += 5.0
    stranger.send(Motion(0.5, 0.0))
    stranger.send(Heartbeat())
    stranger.board.tick(stranger.now)
    assert stranger.board.velocity == pytest.approx((OWN_CAPS.acceleration * 0.1, 0.0))


def test_the_turn_ramps_with_limits_of_its_own(peer: Peer) -> None:
    peer.driving = Motion(0.3, 1.0)
    peer.forward(0.1)
    assert peer.board.velocity == pytest.approx((0.3, 0.4))
    peer.driving = Motion(0.3, -1.0)
    peer.forward(0.05)
    assert peer.board.velocity == pytest.approx((0.3, 0.1))


@pytest.mark.parametrize("tilt", [0.26, -0.26])
def test_a_lean_of_exactly_15_degrees_does_not_latch(peer: Peer, tilt: float) -> None:
    peer.board.sensors = Sensors(tilt=tilt)
    peer.forward(0.1)
    assert peer.board.target() == (0.3, 0.0)


def test_each_bad_frame_is_counted_also_when_they_come_at_once(peer: Peer) -> None:
    peer.board.receive(b"rubbish\0" * 3 + b"x" * 200, peer.now)
    assert peer.refused(FaultCode.BAD_FRAME) == 4
    peer.board.receive(b"x" * 200 + b"\0", peer.now)
    assert peer.refused(FaultCode.BAD_FRAME) == 4


def test_each_kind_of_fault_is_told_in_its_turn(peer: Peer) -> None:
    peer.driving = None
    peer.send(Clear(9), ttl_ms=0)
    peer.send(Motion(0.6, 0.0))
    peer.board.receive(b"rubbish\0" * 2, peer.now)
    peer.forward(0.35)
    faults = [message for message in peer.told if isinstance(message, Fault)]
    assert faults == [
        Fault(FaultCode.BAD_FRAME, 2),
        Fault(FaultCode.OVER_LIMIT, 1),
        Fault(FaultCode.CLEAR_REFUSED, 1),
    ]
    status = peer.last(Status)
    assert isinstance(status, Status) and status.refused == 4


def test_a_change_of_the_latch_and_of_the_inputs_is_told_in_the_next_tick(peer: Peer) -> None:
    peer.forward(0.01)
    peer.told.clear()
    peer.send(Stop(StopKind.LATCH), ttl_ms=0)
    peer.board.sensors = Sensors(bumper=True)
    peer.forward(0.01)
    peer.board.sensors = Sensors()
    peer.forward(0.01)
    peer.send(Clear(1), ttl_ms=500)
    peer.forward(0.01)
    latched = [message.latched for message in peer.told if isinstance(message, Status)]
    assert latched == [True, False]
    active = [bool(message.active) for message in peer.told if isinstance(message, InputsNow)]
    assert active == [True, False]


def test_all_telemetry_comes_at_once_after_the_welcome(peer: Peer) -> None:
    peer.driving = None
    peer.send(Hello(9), ttl_ms=0)
    peer.forward(0.01)
    assert [message.TYPE.name for message in peer.told] == [
        *("WELCOME", "INPUTS", "STATUS", "ODOMETRY", "TRAY", "TILT", "BATTERY")
    ]
