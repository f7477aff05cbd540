"""The microcontroller's program on a desk: the same bytes and the same safety rules as real
firmware. Pure: time is given.

It trusts the gate as little as the gate trusts the rest: every frame is checked for session,
sequence and age, every velocity against its own caps, and without fresh MOTION and HEARTBEAT it
brakes by itself.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

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
DEADLINE_MS = 200
"""Oldest MOTION that still drives, and longest silence of the gate. Ten lost frames of the one, four of
the other: longer than any jitter, 6 cm at full speed."""
TILT_LATCH_RAD = 0.26
"""Lean that latches, 15°: beyond a door sill taken at full speed, before the tray slides."""
LOW_FRACTION, CHARGED_FRACTION = 0.02, 0.10
"""The battery counts as low from the first until it reaches the second."""
CLOCK_DRIFT_MS = 1
"""How much faster than ours the gate's clock may run, in ms a second; twenty times a bad crystal."""
FAULT_MS = 100
"""Least time between two FAULT frames, so that a noisy line does not fill the other direction."""
LONGEST_STEP_MS = 100
"""A step of the ramp counts for no more, so that a loop that hung makes no jump of the velocity."""
LEAST_BRAKING = 0.5
"""LIMITS lower the own braking to this part of it at most, or they could take the brakes away."""

OWN_CAPS = Limits(
    speed=0.5, turn=2.0, acceleration=1.0, turn_acceleration=4.0, braking=1.5, turn_braking=6.0
)
"""What this board's motors may do at all, whatever the gate says."""

TELEMETRY = ("inputs", "status", "odometry", "tray", "battery")

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
    tray_open: bool = False


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
        self._odometry_ms = 1e3 / odometry_hz
        self.boot(now)

    def boot(self, now: float) -> None:
        """Power on, or a reset of the chip: no session, no latch, standing."""
        self.velocity = (0.0, 0.0)
        self.session = 0
        self.limits = self._caps
        self.latch = 0
        self.causes = Inputs.NONE
        self.faults.clear()
        self._told: Counter[FaultCode] = Counter()
        self._newest_told = 0
        self._decoder = FrameDecoder()
        self._booted = now
        self._stepped = self._fault_at = 0
        self._sequence = self._last_sequence = 0
        self._least_lag = self._grown = 0
        self._motion: Motion | None = None
        self._motion_until = self._heartbeat_until = -1
        self._low = False
        self._out: list[bytes] = []
        self._due: dict[str, float] = dict.fromkeys(TELEMETRY, 0)
        self._sent_inputs = Inputs.NONE

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
            self._take(frame, self._ms(now))
        self.faults[FaultCode.BAD_FRAME] += self._decoder.dropped.total() - dropped

    def tick(self, now: float) -> bytes:
        """Move on to `now`; gives what there is to send. Call it at 50 Hz or more."""
        now_ms, sensed = self._ms(now), self._sensed()
        if sensed:
            self._latch_for(sensed, now_ms)
        self._drive(now_ms)
        self._report(sensed, now_ms)
        out, self._out = b"".join(self._out), []
        return out

    def _ms(self, now: float) -> int:
        """The chip's own clock, in ms since it booted. All times inside are of this clock."""
        return round((now - self._booted) * 1e3)

    def _take(self, frame: Frame, now: int) -> None:
        try:
            message = parse(frame)
        except MessageError:
            self.faults[FaultCode.UNKNOWN_MESSAGE] += 1
            return
        if isinstance(message, Hello):
            self._welcome(message, frame, now)
        elif isinstance(message, FromBoard):
            # An echo of our own: its sequence must not count, or the gate's frames look old.
            self.faults[FaultCode.UNKNOWN_MESSAGE] += 1
        elif self.session == 0 or frame.session != self.session:
            self.faults[FaultCode.WRONG_SESSION] += 1
        elif frame.sequence <= self._last_sequence:
            self.faults[FaultCode.OLD_SEQUENCE] += 1
        elif (age := self._age(frame, now)) > frame.ttl_ms > 0:
            self.faults[FaultCode.LATE] += 1
        else:
            self._last_sequence = frame.sequence
            self._obey(message, now - age + min(frame.ttl_ms, DEADLINE_MS), now)

    def _welcome(self, hello: Hello, frame: Frame, now: int) -> None:
        """Always a new session: an old HELLO repeated gets one that its old frames do not fit."""
        self.session = self._new_nonce()
        self._sequence, self._last_sequence = 0, frame.sequence
        self.limits = self._caps
        self._motion = None
        self._motion_until = self._heartbeat_until = -1
        self._least_lag, self._grown = now - frame.stamp_ms, now
        self._send(Welcome(hello.nonce, FIRMWARE, self._caps.speed, self._caps.turn), now)
        self._due = dict.fromkeys(TELEMETRY, now)

    def _age(self, frame: Frame, now: int) -> int:
        """How many ms longer than the quickest frame of the session this one took. Both clocks
        start anywhere."""
        seconds = (now - self._grown) // 1000
        self._least_lag += seconds * CLOCK_DRIFT_MS
        self._grown += seconds * 1000
        lag = now - frame.stamp_ms
        # Compared modulo 2^32, as the stamps are.
        late = (lag - self._least_lag + 2**31) % 2**32 - 2**31
        if late <= 0:
            self._least_lag, self._grown = lag, now
            return 0
        return late

    def _obey(self, message: ToBoard, until: int, now: int) -> None:
        if isinstance(message, Motion):
            self._take_motion(message, until)
        elif isinstance(message, Heartbeat):
            self._heartbeat_until = until
        elif isinstance(message, Stop):
            self._latch_for(
                Inputs.HOST_LATCH if message.kind is StopKind.LATCH else Inputs.HOST_LEFT, now
            )
        elif isinstance(message, Limits):
            self._lower_limits(message)
        elif isinstance(message, Clear):
            self._clear(message, now)

    def _lower_limits(self, wanted: Limits) -> None:
        caps, lowered = self._caps, self._caps.lowered_to(wanted)
        self.limits = replace(
            lowered,
            braking=max(lowered.braking, LEAST_BRAKING * caps.braking),
            turn_braking=max(lowered.turn_braking, LEAST_BRAKING * caps.turn_braking),
        )
        if self._motion is not None and self._exceeds(self._motion):
            self._motion = None

    def _exceeds(self, motion: Motion) -> bool:
        limits = self.limits
        return abs(motion.linear_m_s) > limits.speed or abs(motion.angular_rad_s) > limits.turn

    def _take_motion(self, motion: Motion, until: int) -> None:
        # Refused, not cut down: whoever exceeds the limit is not to be trusted with the direction
        # either.
        if self._exceeds(motion):
            self.faults[FaultCode.OVER_LIMIT] += 1
        elif not self.causes:
            self._motion, self._motion_until = motion, until

    def _clear(self, clear: Clear, now: int) -> None:
        if clear.latch != self.latch or self._sensed():
            self.faults[FaultCode.CLEAR_REFUSED] += 1
            return
        self.causes = Inputs.NONE
        self._due["status"] = now

    def _latch_for(self, causes: Inputs, now: int) -> None:
        if not self.causes:
            self.latch = (self.latch + 1) & 0xFFFF
        if causes not in self.causes:
            self._due["status"] = now
        self.causes |= causes
        self._motion = None

    def _drive(self, now: int) -> None:
        dt_s, self._stepped = min(now - self._stepped, LONGEST_STEP_MS) / 1e3, now
        target = self.target()
        v, w, limits = *self.velocity, self.limits
        v = ramp(v, target[0], limits.acceleration * dt_s, limits.braking * dt_s)
        w = ramp(w, target[1], limits.turn_acceleration * dt_s, limits.turn_braking * dt_s)
        # In whole um/s, as a chip counts: sums of floats end at 1e-17, which would count as moving.
        self.velocity = round(v, 6), round(w, 6)

    def _sensed(self) -> Inputs:
        now = self.sensors
        return (
            (Inputs.BUTTON if now.button else Inputs.NONE)
            | (Inputs.BUMPER if now.bumper else Inputs.NONE)
            | (Inputs.LIFTED if now.lifted else Inputs.NONE)
            | (Inputs.TILT if abs(now.tilt) > TILT_LATCH_RAD else Inputs.NONE)
        )

    def _report(self, sensed: Inputs, now: int) -> None:
        if sensed != self._sent_inputs:
            self._due["inputs"] = now
        if self._is_due("inputs", 100, now):
            self._sent_inputs = sensed
            self._send(InputsNow(sensed), now)
        if self._is_due("status", 50, now):
            self._send(Status(self.latch, self.causes, self.faults.total()), now)
        if self._is_due("odometry", self._odometry_ms, now):
            self._send(self.sensors.odometry, now)
        if self._is_due("tray", 200, now):
            self._send(Tray(self.sensors.tray_grams, locked=not self.sensors.tray_open), now)
            self._send(Tilt(self.sensors.tilt, 0.0), now)
        if self._is_due("battery", 500, now):
            self._send(self._battery(), now)
        self._report_fault(now)

    def _is_due(self, what: str, period: float, now: int) -> bool:
        if now < self._due[what]:
            return False
        # In step with the period, but nothing is made up for after a pause.
        self._due[what] += period
        if self._due[what] <= now:
            self._due[what] = now + period
        return True

    def _battery(self) -> Battery:
        fraction, charging = self.sensors.fraction, self.sensors.charging
        self._low = fraction <= LOW_FRACTION or (self._low and fraction < CHARGED_FRACTION)
        voltage = 21.0 + 4.2 * fraction  # seven lithium cells in series, 3.0 V empty to 3.6 V full
        return Battery(fraction, voltage, 2.0 if charging else -1.0, charging, self._low)

    def _report_fault(self, now: int) -> None:
        """One code at a time, each in its turn, so that none hides another."""
        if now < self._fault_at:
            return
        for step in range(len(FaultCode)):
            code = FaultCode((self._newest_told + step) % len(FaultCode) + 1)
            if self.faults[code] != self._told[code]:
                self._newest_told, self._fault_at = code, now + FAULT_MS
                self._told[code] = self.faults[code]
                self._send(Fault(code, self.faults[code]), now)
                return

    def _send(self, message: FromBoard, now: int) -> None:
        self._sequence += 1
        stamp = now & 0xFFFF_FFFF
        frame = Frame(message.TYPE, self.session, self._sequence, stamp, 0, message.pack())
        self._out.append(frames.encode(frame))
