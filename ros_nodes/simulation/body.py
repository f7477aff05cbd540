"""The robot's body on a desk: the board on its pty, the world around it, the laser scanner, the
clock.

One timer does it all, on wall time: the board is served each time, and the world follows as far as
the simulated clock has come. The clock runs at most `speed` times as fast as time; where the
machine is too slow it lags behind instead of leaving steps out.
"""

import time

from rclpy.node import Node
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import LaserScan

from edge import ipc, logs
from firmware_bridge.simulator import SimulatedBoard
from ros_nodes import convert, qos
from ros_nodes.runtime import steady
from ros_nodes.simulation.faults import FaultDesk
from ros_nodes.simulation.people import Crowd
from ros_nodes.simulation.scan import Scanner
from ros_nodes.simulation.world import World

TICK_S = 0.01
MOST_TICKS = 5.0
"""How much more often it ticks at high speed, where each tick is a longer simulated time."""
STEP_S = 0.02
"""Of the simulated clock; 50 Hz, as the board measures."""
SCAN_S = 0.125
MOST_AT_ONCE_S = 0.02
"""Wall time that the world may take in a row; then the board has its turn, which has deadlines."""
FIRST_REPORT_S, REPORT_S = 5.0, 60.0

log = logs.get("body")


class BodyNode(Node):
    def __init__(
        self,
        board: SimulatedBoard,
        world: World,
        scanner: Scanner,
        crowd: Crowd | None = None,
        *,
        faults: FaultDesk | None = None,
        speed: float,
        start_s: float,
    ) -> None:
        """`start_s`: what the simulated clock shows at first, s since 1970; unused at speed 1."""
        super().__init__("body")
        self._board, self.world, self._scanner = board, world, scanner
        self._crowd = crowd
        self._faults = faults
        self._speed = speed
        self._start_s = start_s
        self._step_s = STEP_S * min(1.0, speed)
        self._began = self._reported = time.monotonic()
        self._wanted_s = self._reported_s = 0.0
        self._report_after_s = FIRST_REPORT_S
        self._scan_due_s = 0.0
        self._last = self._began
        self._scan = self.create_publisher(LaserScan, "scan", qos.SENSOR)
        self._time = self.create_publisher(Clock, "/clock", 10) if speed != 1.0 else None
        self.create_timer(TICK_S / min(max(1.0, speed), MOST_TICKS), self._tick, clock=steady())

    @property
    def clock_s(self) -> float:
        """What the simulated clock shows, s since 1970."""
        return self._start_s + self.world.time_s

    def _tick(self) -> None:
        now = time.monotonic()
        self._board.step(now)
        if self._faults is not None:
            self._faults.serve(self.world.time_s)
        self._wanted_s += (now - self._last) * self._speed
        self._last = now
        until = now + MOST_AT_ONCE_S
        while self.world.time_s + self._step_s <= self._wanted_s:
            self._step()
            if time.monotonic() > until:
                self._wanted_s = self.world.time_s  # too slow a machine: the clock lags
                break
        if now - self._reported >= self._report_after_s:
            self._report(now)

    def _step(self) -> None:
        world, board = self.world, self._board
        if self._crowd is not None:
            world.people = self._crowd.step(self._step_s, world.pose)
        world.step(self._step_s, *board.commanded())
        odometry, battery = world.odometry, world.battery
        board.set_odometry(odometry.x, odometry.y, odometry.theta, odometry.v, odometry.w)
        board.set_battery(battery.fraction, battery.charging)
        board.set_inputs(bumper=world.bumper)
        if self._time is not None:
            self._time.publish(Clock(clock=Time(nanoseconds=int(self.clock_s * 1e9)).to_msg()))
        if world.time_s >= self._scan_due_s:
            self._scan_due_s = world.time_s + SCAN_S
            self._publish_scan()

    def _publish_scan(self) -> None:
        ranges = self._scanner.scan(self.world.pose, self.world.round_things)
        laser = self._scanner.laser
        if self._time is None:
            stamp = self.get_clock().now().to_msg()
        else:
            stamp = Time(nanoseconds=int(self.clock_s * 1e9)).to_msg()
        self._scan.publish(convert.scan_message(ranges, laser.angle_min, laser.angle_step, stamp))

    def _report(self, now: float) -> None:
        reached = self.speed_reached(now)
        self._reported, self._reported_s = now, self.world.time_s
        self._report_after_s = REPORT_S
        log.info("simulated", speed_wanted=self._speed, speed_reached=round(reached, 2))
        if self._speed != 1.0:
            said = f"simulated time runs {reached:.1f} times as fast as time, {self._speed:g} times at most"
            ipc.notify(f"STATUS={said}")

    def speed_reached(self, now: float) -> float:
        """Simulated seconds a second, since the last report."""
        return (self.world.time_s - self._reported_s) / max(now - self._reported, 1e-3)
