"""Gate and board together, by their bytes, under any order of events: the rules that must always hold.

Clocks, line, disk and people are played here. The trace is judged by what the board is driven at and by what
came before.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from edge.domain.stops import LatchState, StopSource
from firmware_bridge import frames
from firmware_bridge.authority import Authority, Moment, RefusedError
from firmware_bridge.frames import Frame, FrameDecoder
from firmware_bridge.latch import Latch
from firmware_bridge.messages import (
    Clear,
    Heartbeat,
    Hello,
    InputsNow,
    Limits,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
    ToBoard,
    Welcome,
    parse,
)
from firmware_bridge.simulated_firmware import Sensors, SimulatedFirmware
from tests.support.c_board import CBoard, Reference
from tests.support.peer import MakeBoard

LIMITS = Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0)
TICK_S = 0.02
any_number = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.3, -0.3, 0.31, 1e308, 5e-324]),
)


@dataclass
class Line:
    """The serial line: what the gate's link does, without a port."""

    session: int = 0
    sequence: int = 0
    broken: bool = False


BOARD_DEADLINE_S = 0.2
"""So long after its last motion a board that hears nothing may still drive."""


class Robot(RuleBasedStateMachine):
    """`disk` is what a restart of the gate finds."""

    make_board: ClassVar[MakeBoard] = SimulatedFirmware

    @initialize()
    def start(self) -> None:
        self.now = 5000.0
        self.nonces = iter(range(1, 1_000_000))
        self.ids = iter(range(1_000_000))
        self.board = self.make_board(self.now, new_nonce=lambda: next(self.nonces))
        self.disk = Latch()
        self.sent: list[bytes] = []
        self.heard = {"ros": -1e9, "supervisor": -1e9}
        self.good_command = -1e9
        self.stands_from = math.inf
        self.broken_at = -math.inf
        self.line = Line()
        self.start_gate()

    def start_gate(self) -> None:
        self.gate = Authority(
            LIMITS,
            self.disk,
            self.at,
            new_id=lambda _: f"id-{next(self.ids)}",
            holds_to_latch=0,
            announce_s=0.0,
        )
        self.heard = dict.fromkeys(self.heard, -1e9)
        self.good_command = -1e9
        self.connect()

    @property
    def at(self) -> Moment:
        return Moment(self.now, 1e9)

    def connect(self) -> None:
        self.line = Line()
        self.decoder = FrameDecoder()
        self.gate.link(False)
        self.write(Hello(next(self.nonces)))
        self.read()

    def write(self, message: ToBoard) -> None:
        self.line.sequence += 1
        stamp = int(self.now * 1e3) & 0xFFFF_FFFF
        ttl_ms = 200 if isinstance(message, Motion | Heartbeat) else 0
        line = self.line
        frame = Frame(message.TYPE, line.session, line.sequence, stamp, ttl_ms, message.pack())
        data = frames.encode(frame)
        self.sent.append(data)
        if not self.line.broken:
            self.board.receive(data, self.now)

    def read(self) -> None:
        out = self.board.tick(self.now)
        if self.line.broken:
            return
        for frame in self.decoder.feed(out):
            message = parse(frame)
            if isinstance(message, Welcome):
                self.line.session = frame.session
                self.gate.link(True)
            elif frame.session == self.line.session and self.line.session:
                assert isinstance(message, InputsNow | Status | Odometry) or message.TYPE >= 0x80
                self.gate.board_said(message, self.at)  # type: ignore[arg-type]
            elif self.line.session:
                self.connect()
                return
        self.save()

    def save(self) -> None:
        self.disk = self.gate.latch

    @rule(
        ticks=st.integers(1, 30),
        commands=st.one_of(st.none(), st.tuples(any_number, any_number)),
        alive=st.sets(st.sampled_from(["ros", "supervisor"])),
    )
    def time_passes(
        self, ticks: int, commands: tuple[float, float] | None, alive: set[str]
    ) -> None:
        for _ in range(ticks):
            self.now += TICK_S
            for process in alive:
                self.gate.heartbeat(process, self.now, self.at)
                self.heard[process] = self.now
            if commands is not None and self.gate.command(*commands, self.now, self.at):
                self.good_command = self.now
            self.tick()
            self.judge()

    @rule(ticks=st.integers(5, 40))
    def everything_is_well(self, ticks: int) -> None:
        """So that the robot really drives in many of the runs."""
        self.time_passes(ticks, (0.3, 0.1), {"ros", "supervisor"})

    def tick(self) -> None:
        decision = self.gate.tick(self.at)
        if decision.stop:
            self.write(Stop(StopKind.LATCH))
        self.write(Motion(decision.linear_m_s, decision.angular_rad_s))
        self.write(Heartbeat())
        if decision.clear is not None:
            self.write(Clear(decision.clear))
        if self.gate.latch.state is not LatchState.CLEAR:
            assert (decision.linear_m_s, decision.angular_rad_s) == (0.0, 0.0)
        self.read()

    @rule(source=st.sampled_from([StopSource.API, StopSource.CLI, StopSource.MQTT]))
    def somebody_stops(self, source: StopSource) -> None:
        active = self.gate.latch
        event_id, joined = self.gate.stop(source, "anna", "", self.at)
        assert joined == (active.state is LatchState.LATCHED)
        assert not joined or event_id == active.event_id
        self.write(Stop(StopKind.LATCH))
        self.save()
        # Over a broken line no stop is heard: there it is the board's own deadline that stops it.
        late = self.broken_at + BOARD_DEADLINE_S + TICK_S if self.line.broken else self.now
        self.stands_from = min(self.stands_from, max(self.now, late))
        self.read()

    @rule(right=st.booleans(), age_s=st.sampled_from([0.0, 0.5, 2.0, -1.0]))
    def somebody_resets(self, right: bool, age_s: float) -> None:
        event_id = (self.gate.latch.event_id or "none") if right else "id-forged"
        try:
            latch = self.gate.plan_reset(event_id, self.now - age_s, self.at)
        except RefusedError:
            return
        assert right and age_s in (0.0, 0.5)
        assert self.gate.latch.state is LatchState.RESET or not self.pressed()
        self.disk = latch
        self.gate.adopt(latch, "bob", self.at)

    @rule(age_s=st.sampled_from([0.0, 2.0]))
    def somebody_resumes(self, age_s: float) -> None:
        try:
            latch = self.gate.plan_resume(self.now - age_s, self.at)
        except RefusedError:
            assert self.gate.latch.state is LatchState.LATCHED or age_s
            return
        self.disk = latch
        self.gate.adopt(latch, "bob", self.at)
        self.stands_from = math.inf

    def pressed(self) -> bool:
        return self.board.sensors.button or self.board.sensors.bumper

    @rule(button=st.booleans(), bumper=st.booleans())
    def somebody_touches(self, button: bool, bumper: bool) -> None:
        self.board.sensors = Sensors(button=button, bumper=bumper)
        self.read()
        if (button or bumper) and not self.line.broken:
            self.stands_from = min(self.stands_from, self.now)

    @rule()
    def the_gate_restarts(self) -> None:
        self.start_gate()

    @rule()
    def the_board_reboots(self) -> None:
        self.board.boot(self.now)

    @rule(broken=st.booleans())
    def the_line_breaks_or_heals(self, broken: bool) -> None:
        if broken:
            self.broken_at = self.broken_at if self.line.broken else self.now
            self.line.broken = True
            self.gate.link(False)
        elif self.line.broken:
            self.connect()

    @rule(which=st.integers(0, 10_000))
    def an_old_frame_comes_again(self, which: int) -> None:
        before = self.board.target()
        self.board.receive(self.sent[which % len(self.sent)], self.now)
        assert self.board.target() in (before, (0.0, 0.0))

    @rule(data=st.binary(max_size=80))
    def noise_comes(self, data: bytes) -> None:
        before = self.board.target()
        self.board.receive(data + b"\0", self.now)
        assert self.board.target() == before

    @rule(seconds=st.sampled_from([0.05, 0.15, 0.5, 5.0]))
    def the_gate_freezes(self, seconds: float) -> None:
        steps = round(seconds / 0.01)
        for _ in range(steps):
            self.now += 0.01
            self.board.tick(self.now)  # its telemetry is lost: nobody reads
        if seconds > 0.25:
            assert self.board.target() == (0.0, 0.0)

    def judge(self) -> None:
        v, w = self.board.target()
        if not (v or w):
            return
        assert self.now < self.stands_from
        assert not self.board.causes
        assert self.disk.state is LatchState.CLEAR or self.line.broken
        assert self.now - self.good_command <= 0.1 + 0.2  # the gate's deadline and the board's
        assert all(self.now - heard <= 0.3 + 0.2 for heard in self.heard.values())
        if not self.line.broken:
            assert self.now - self.good_command <= 0.15
            assert all(self.now - heard <= 0.35 for heard in self.heard.values())

    @invariant()
    def limits_hold(self) -> None:
        v, w = self.board.velocity
        assert abs(v) <= LIMITS.speed and abs(w) <= LIMITS.turn


TestRobot = pytest.mark.timeout(120)(Robot.TestCase)
Robot.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.timeout(120)
def test_the_same_holds_for_the_board_in_c(reference: Reference) -> None:
    class RobotInC(Robot):
        make_board = staticmethod(partial(CBoard, reference))

    run_state_machine_as_test(RobotInC, settings=Robot.TestCase.settings)
