"""The microcontroller's program on a desk: the same bytes and the same safety rules as real
firmware. Pure: time is given.

It trusts the gate as little as the gate trusts the rest: every frame is checked for session,
sequence and age, every velocity against its own caps, and without fresh MOTION and HEARTBEAT it
brakes by itself.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from firmware_bridge import frames
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.limiter import ramp
from firmware_bridge.messages import (
    Battery,
    Clear,
    Fault,
    FaultCode,
    FromBoard,
    Heartbeat,
    Hello,
    Inputs,
    InputsNow,
    Limits,
    MessageError,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
    Tilt,
    ToBoard,
    Tray,
    Welcome,
    parse,
)

FIRMWARE = 0x0100
MOTION_S = 0.2
"""Oldest MOTION that still drives. Ten lost frames: longer than any jitter, 6 cm at full speed."""
HEARTBEAT_S = 0.2
"""Longest silence of the gate: four lost heartbeats."""
TILT_LATCH_RAD = 0.26
"""Lean that latches, 15°: beyond a door sill taken at full speed, before the tray slides."""
LOW_FRACTION, CHARGED_FRACTION = 0.02, 0.10
"""The battery counts as low from the first until it reaches the second."""
CLOCK_DRIFT = 1e-3
"""How much faster than ours the gate's clock may run, in s/s; twenty times a bad crystal."""
FAULT_S = 0.1
"""Least time between two FAULT frames, so that a noisy line does not fill the other direction."""

OWN_CAPS = Limits(
    speed=0.5, turn=2.0, acceleration=1.0, turn_acceleration=4.0, braking=1.5, turn_braking=6.0
)
"""What this board's motors may do at all, whatever the gate says."""


_AT_START = Odometry(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the world feeds the board; units as in the messages. `tilt`: lean in rad, nose up."""

    odometry: Odometry = _AT_START
    fraction: float = 1.0
    charging: bool = False
    bumper: bool = False
    button: bool = False
    lifted: bool = False
    tilt: float = 0.0
    tray_grams: int = 0


class SimulatedFirmware:
    """Bytes in by `receive`, bytes out by `tick`, velocity for the motors in `velocity`."""

    def __init__(
        self,
        now: float,
        *,
        new_nonce: Callable[[], int],
        caps: Limits = OWN_CAPS,
        odometry_hz: float = 50.0,
    ) -> None:
        """`new_nonce`: 32 random bits, never 0."""
        self.sensors = Sensors()
        self.faults: Counter[FaultCode] = Counter()
        self._caps = caps
        self._new_nonce = new_nonce
        self._odometry_s = 1.0 / odometry_hz
        self.boot(now)

    def boot(self, now: float) -> None:
        """Power on, or a reset of the chip: no session, no latch, standing."""
        self.velocity = (0.0, 0.0)
        self.session = 0
        self.limits = self._caps
        self.latch = 0
        self.causes = Inputs.NONE
        self.faults.clear()
        self._decoder = FrameDecoder()
        self._booted = self._stepped = now
        self._sequence = self._last_sequence = 0
        self._offset = 0.0
        self._offset_at = now
        self._motion: Motion | None = None
        self._motion_until = self._heartbeat_until = -math.inf
        self._low = False
        self._out: list[bytes] = []
        self._due = dict.fromkeys(("status", "inputs", "odometry", "tray", "battery"), now)
        self._sent_inputs = self._sensed()
        self._fault_at = now

    def target(self) -> tuple[float, float]:
        """The velocity that the motors ramp to, as of the last tick: m/s, rad/s."""
        now, motion = self._stepped, self._motion
        fresh = now <= self._motion_until and now <= self._heartbeat_until
        if motion is None or not fresh or self.causes or not self.session:
            return 0.0, 0.0
        return motion.linear_m_s, motion.angular_rad_s

    def receive(self, data: bytes, now: float) -> None:
        """Act on what came over the line."""
        dropped = self._decoder.dropped.total()
        for frame in self._decoder.feed(data):
            self._take(frame, now)
        if self._decoder.dropped.total() > dropped:
            self._refuse(FaultCode.BAD_FRAME, now)

    def tick(self, now: float) -> bytes:
        """Move on to `now`; gives what there is to send. Call it at 50 Hz or more."""
        sensed = self._sensed()
        if sensed:
            self._latch_for(sensed)
        self._drive(now)
        self._report(sensed, now)
        out, self._out = b"".join(self._out), []
        return out

    def _take(self, frame: Frame, now: float) -> None:
        try:
            message = parse(frame)
        except MessageError:
            self._refuse(FaultCode.UNKNOWN_MESSAGE, now)
            return
        if isinstance(message, Hello):
            self._welcome(message, frame, now)
        elif self.session == 0 or frame.session != self.session:
            self._refuse(FaultCode.WRONG_SESSION, now)
        elif frame.sequence <= self._last_sequence:
            self._refuse(FaultCode.OLD_SEQUENCE, now)
        elif frame.ttl_ms and self._age_ms(frame, now) > frame.ttl_ms:
            self._refuse(FaultCode.LATE, now)
        else:
            self._last_sequence = frame.sequence
            self._obey(message, frame.ttl_ms / 1e3, now)

    def _welcome(self, hello: Hello, frame: Frame, now: float) -> None:
        """Always a new session: an old HELLO repeated gets one that its old frames do not fit."""
        self.session = self._new_nonce()
        self._sequence, self._last_sequence = 0, frame.sequence
        self.limits = self._caps
        self._motion = None
        self._motion_until = self._heartbeat_until = -math.inf
        self._offset, self._offset_at = _lag_ms(frame, now, self._booted), now
        self._send(Welcome(hello.nonce, FIRMWARE, self._caps.speed, self._caps.turn), now)
        self._due = dict.fromkeys(self._due, now)

    def _age_ms(self, frame: Frame, now: float) -> float:
        """How much longer than the quickest frame of the session this one took. Both clocks start
        anywhere."""
        lag = _lag_ms(frame, now, self._booted)
        # Compared modulo 2^32, as the stamps are.
        late = (lag - self._offset + 2**31) % 2**32 - 2**31
        drift = (now - self._offset_at) * 1e3 * CLOCK_DRIFT
        if late <= drift:
            self._offset, self._offset_at = lag, now
            return 0.0
        return late - drift

    def _obey(self, message: ToBoard | FromBoard, ttl_s: float, now: float) -> None:
        if isinstance(message, Motion):
            self._take_motion(message, min(ttl_s, MOTION_S), now)
        elif isinstance(message, Heartbeat):
            self._heartbeat_until = now + min(ttl_s, HEARTBEAT_S)
        elif isinstance(message, Stop):
            self._latch_for(
                Inputs.HOST_LATCH if message.kind is StopKind.LATCH else Inputs.HOST_LEFT
            )
        elif isinstance(message, Limits):
            self.limits = self._caps.lowered_to(message)
        elif isinstance(message, Clear):
            self._clear(message, now)
        else:
            self._refuse(FaultCode.UNKNOWN_MESSAGE, now)

    def _take_motion(self, motion: Motion, ttl_s: float, now: float) -> None:
        # Refused, not cut down: whoever exceeds the limit is not to be trusted with the direction
        # either.
        if (
            abs(motion.linear_m_s) > self.limits.speed
            or abs(motion.angular_rad_s) > self.limits.turn
        ):
            self._refuse(FaultCode.OVER_LIMIT, now)
            return
        self._motion, self._motion_until = motion, now + ttl_s

    def _clear(self, clear: Clear, now: float) -> None:
        if clear.latch != self.latch or self._sensed():
            self._refuse(FaultCode.CLEAR_REFUSED, now)
            return
        self.causes = Inputs.NONE
        self._due["status"] = now

    def _latch_for(self, causes: Inputs) -> None:
        if not self.causes:
            self.latch = (self.latch + 1) & 0xFFFF
        if causes not in self.causes:
            self._due["status"] = -math.inf
        self.causes |= causes
        self._motion = None

    def _drive(self, now: float) -> None:
        dt_s, self._stepped = now - self._stepped, now
        target = self.target()
        v, w, limits = *self.velocity, self.limits
        self.velocity = (
            ramp(v, target[0], limits.acceleration * dt_s, limits.braking * dt_s),
            ramp(w, target[1], limits.turn_acceleration * dt_s, limits.turn_braking * dt_s),
        )

    def _sensed(self) -> Inputs:
        now = self.sensors
        return (
            (Inputs.BUTTON if now.button else Inputs.NONE)
            | (Inputs.BUMPER if now.bumper else Inputs.NONE)
            | (Inputs.LIFTED if now.lifted else Inputs.NONE)
            | (Inputs.TILT if abs(now.tilt) > TILT_LATCH_RAD else Inputs.NONE)
        )

    def _report(self, sensed: Inputs, now: float) -> None:
        if sensed != self._sent_inputs:
            self._due["inputs"] = now
        if self._is_due("inputs", 0.1, now):
            self._sent_inputs = sensed
            self._send(InputsNow(sensed), now)
        if self._is_due("status", 0.05, now):
            self._send(Status(self.latch, self.causes, self.faults.total()), now)
        if self._is_due("odometry", self._odometry_s, now):
            self._send(self.sensors.odometry, now)
        if self._is_due("tray", 0.2, now):
            self._send(Tray(self.sensors.tray_grams, locked=True), now)
            self._send(Tilt(self.sensors.tilt, 0.0), now)
        if self._is_due("battery", 0.5, now):
            self._send(self._battery(), now)

    def _is_due(self, what: str, period_s: float, now: float) -> bool:
        if now < self._due[what]:
            return False
        # In step with the period, but nothing is made up for after a pause.
        self._due[what] = max(self._due[what] + period_s, now)
        return True

    def _battery(self) -> Battery:
        fraction, charging = self.sensors.fraction, self.sensors.charging
        self._low = fraction <= LOW_FRACTION or (self._low and fraction < CHARGED_FRACTION)
        voltage = 21.0 + 4.2 * fraction  # seven lithium cells in series, 3.0 V empty to 3.6 V full
        return Battery(fraction, voltage, 2.0 if charging else -1.0, charging, self._low)

    def _refuse(self, code: FaultCode, now: float) -> None:
        self.faults[code] += 1
        if now >= self._fault_at:
            self._fault_at = now + FAULT_S
            self._send(Fault(code, self.faults[code]), now)

    def _send(self, message: FromBoard, now: float) -> None:
        self._sequence += 1
        stamp = int((now - self._booted) * 1e3) & 0xFFFF_FFFF
        frame = Frame(message.TYPE, self.session, self._sequence, stamp, 0, message.pack())
        self._out.append(frames.encode(frame))


def _lag_ms(frame: Frame, now: float, booted: float) -> float:
    return (now - booted) * 1e3 - frame.stamp_ms
