"""Random trouble for a closed loop: everything that may happen around a gate, in any order, from a seed.

The robot is to drive for much of the time, or nothing is tried: trouble comes to a loop that is well, about every
`PAUSE` cycles, and passes again.
"""

import math
from collections.abc import Callable

from edge.domain.stops import ASKED_BY_PEOPLE, LatchState
from firmware_bridge.simulated_firmware import Sensors
from tests.support.closed_loop import TICK_S, ClosedLoop

PAUSE = 15
LONGEST = 30
"""Cycles that a trouble lasts."""
JUMPS_S = (3600.0, -3600.0, 3 * 86_400.0, -3 * 86_400.0)
ODD = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0, -0.0)


class Trouble:
    """`step` is one control cycle with whatever befalls it. `happened` counts each kind. `restarts`: the gate too."""

    def __init__(self, loop: ClosedLoop) -> None:
        self.loop = loop
        self.restarts = True
        self.happened: dict[str, int] = {}
        self._random = loop.random
        self._until = 0
        self._cycle = 0
        self._captured = bytearray()
        self._kinds: tuple[Callable[[], None], ...] = (
            *(self.stop, self.press, self.odd_command, self.late_command, self.silent_source),
            *(self.silent_process, self.unplug, self.full_line, self.silent_board, self.deaf_board),
            *(self.reboot, self.restart, self.freeze, self.noise, self.replay, self.clock_jump),
            *(self.new_command, self.old_heartbeat, self.forged_reset, self.low_battery),
        )

    def step(self, *, may_reset: bool = True) -> None:
        """`may_reset`: people end the stops that there are."""
        random, loop = self._random, self.loop
        self._cycle += 1
        if self._cycle == self._until:
            self.recover()
        elif self._cycle > self._until and random.randrange(PAUSE) == 0:
            happens = random.choice(self._kinds)
            self.happened[happens.__name__] = self.happened.get(happens.__name__, 0) + 1
            self._until = self._cycle + random.randrange(1, LONGEST)
            happens()
        if may_reset and loop.latch.state is not LatchState.CLEAR and random.randrange(20) == 0:
            self._end_stop()
        loop.step(TICK_S if random.randrange(8) else random.uniform(0.001, 0.06))

    def recover(self) -> None:
        """All is well again, but for a stop."""
        loop = self.loop
        loop.beating = {"ros", "supervisor"}
        loop.cable.plugged = True
        loop.cable.full = loop.board_silent = loop.board_deaf = False
        loop.board.sensors = Sensors()
        loop.command = loop.command or (0.3, 0.1)

    def _end_stop(self) -> None:
        if self.loop.latch.event_id is not None and self._random.randrange(2):
            self.loop.reset(self.loop.latch.event_id)
        else:
            self.loop.resume()

    # What may happen

    def stop(self) -> None:
        self.loop.stop(self._random.choice(sorted(ASKED_BY_PEOPLE)))

    def press(self) -> None:
        button = self._random.random() < 0.5
        self.loop.board.sensors = Sensors(button=button, bumper=not button)

    def low_battery(self) -> None:
        self.loop.board.sensors = Sensors(fraction=0.01)

    def new_command(self) -> None:
        self.loop.command = (self._random.uniform(-0.6, 0.6), self._random.uniform(-3.0, 3.0))

    def odd_command(self) -> None:
        loop = self.loop
        v, w = self._random.choice(ODD), self._random.choice(ODD)
        if math.isfinite(v) and math.isfinite(w):
            loop.offer(v, w, loop.now)
        else:
            assert not loop.authority.command(v, w, loop.now, loop.at)

    def late_command(self) -> None:
        """Too old, or from the future: never offered, as far as the trace knows."""
        loop = self.loop
        loop.command = None
        away = self._random.choice((-1, 1)) * self._random.uniform(0.151, 5.0)
        assert not loop.authority.command(0.3, 0.0, loop.now + away, loop.at)

    def silent_source(self) -> None:
        self.loop.command = None
        if self._random.random() < 0.5:
            self.loop.authority.source_gone()

    def silent_process(self) -> None:
        self.loop.beating = {"ros"} if self._random.random() < 0.5 else {"supervisor"}

    def old_heartbeat(self) -> None:
        self.loop.beating = set()
        self.loop.heartbeat("ros", self.loop.now - self._random.uniform(0.3, 5.0))

    def unplug(self) -> None:
        self.loop.cable.unplug()

    def full_line(self) -> None:
        self.loop.cable.full = True

    def silent_board(self) -> None:
        self.loop.board_silent = True

    def deaf_board(self) -> None:
        self.loop.board_deaf = True

    def reboot(self) -> None:
        self.loop.board.boot(self.loop.now)

    def restart(self) -> None:
        if self.restarts:
            self.loop.start_gate()

    def freeze(self) -> None:
        self.loop.freeze(self._random.uniform(0.1, 1.0))

    def noise(self) -> None:
        """To both sides."""
        loop, noise = self.loop, self._random.randbytes(self._random.randrange(1, 80)) + b"\0"
        loop.cable.write(noise)
        loop.board.receive(noise, loop.now)

    def replay(self) -> None:
        """What the board said long ago, and just now."""
        self.loop.cable.write(bytes(self._captured) or b"\0")
        self._captured = bytearray(self.loop.board_said)

    def clock_jump(self) -> None:
        self.loop.wall_shift += self._random.choice(JUMPS_S)

    def forged_reset(self) -> None:
        loop = self.loop
        right = loop.latch.event_id or "none"
        age_s = self._random.choice((1.01, 60.0, -0.06, -1e9, math.nan, math.inf))
        assert not loop.reset(f"{right}0")
        assert not loop.reset(right, age_s)
        assert not loop.resume(age_s)
