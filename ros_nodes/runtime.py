"""Start, spin and end of a ROS process, the same for all of ours.

Callbacks run one at a time in the main thread. What a callback raises is logged and the next one runs: a bug in drawing
must not end the emergency stop node. SIGINT and SIGTERM are ours (rclpy's own handlers would cut the publishers off
before the nodes could say their last word), and end the process at the next pulse.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Self

import rclpy
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import Executor, ShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from edge import ipc, logs
from edge.settings import Settings
from edge.supervisor.ros_environment import ros_environment

PULSE_S = 0.05
"""How often the process looks whether it shall end; also the longest a signal waits. It drives meanwhile, so it is a
third of what a dead source of velocity may take until the wheels are commanded zero."""
WATCHDOG_S = 0.5
_SELF_TEST_S = 1.0
_SPIN_S = 1.0
"""Length of one call of the executor. Bounded: the events executor of the wheels never wakes without a deadline."""

log = logs.get("ros.runtime")


def steady() -> Clock:
    """A clock for a timer that belongs to real time, whatever the simulation's clock does.

    Each timer has one of its own: the events executor complains of many timers on one clock.
    """
    return Clock(clock_type=ClockType.STEADY_TIME)


def pace(node: Node, settings: Settings) -> Clock:
    """The clock of control and of waiting for people: the simulation's where it runs at another speed
    than time, else the steady one, which no time server ever moves."""
    clock: Clock = steady() if settings.sim.speed == 1.0 else node.get_clock()
    return clock


class Runtime:
    """A ROS context with an executor: enter it, make nodes with `add`, then `run` until a signal or `stop`."""

    def __init__(
        self, settings: Settings, ros_arguments: Sequence[str] = (), *, sim_time: bool = True
    ) -> None:
        """`sim_time`: follow the simulation's clock where there is one."""
        self._settings = settings
        self._sim_time = sim_time and settings.sim.speed != 1.0
        self._arguments = list(ros_arguments)
        self._nodes: list[Node] = []
        self._endings: list[Callable[[], None]] = []
        self._stopping = False
        self._watchdog_at = 0.0
        self._raised = 0

    def __enter__(self) -> Self:
        for name, value in ros_environment(self._settings).items():
            os.environ.setdefault(name, value)
        self._settings.data_dir.joinpath("logs", "ros").mkdir(parents=True, exist_ok=True)
        rclpy.init(
            args=["--ros-args", *self._arguments_of_settings(), "--", *self._arguments],
            signal_handler_options=SignalHandlerOptions.NO,
        )
        self._stopped: Future = Future()
        self._executor = choose_executor()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        return self

    def add(self, node: Node, on_end: Callable[[], None] = lambda: None) -> None:
        """Serve `node`. `on_end` is called as soon as nothing is served any more, in the order of adding, while all
        that the caller opened is still open: a last word still gets out."""
        self._nodes.append(node)
        self._endings.append(on_end)
        self._executor.add_node(node)

    @property
    def executor(self) -> Executor:
        return self._executor

    def stop(self) -> None:
        """End `run` at the next pulse. Safe to call from a signal handler and from other threads."""
        self._stopping = True

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve the nodes until `stop`. `on_ready` is called once the executor turns."""
        pulse = self._nodes[0].create_timer(PULSE_S, self._pulse, clock=steady())
        on_ready()
        give_memory_back()
        ipc.notify("READY=1")
        while not self._stopped.done():
            try:
                self._executor.spin_until_future_complete(self._stopped, timeout_sec=_SPIN_S)
            except ShutdownException:
                break
            except Exception:  # a bug in one callback; the others have to go on
                self._count_bug()
        self._say_last_words()
        pulse.cancel()

    def __exit__(self, *_: object) -> None:
        self._say_last_words()  # where it never came to `run`
        for node in self._nodes:
            self._executor.remove_node(node)
            node.destroy_node()
        self._executor.shutdown()
        rclpy.try_shutdown()

    def _say_last_words(self) -> None:
        while self._endings:
            try:
                self._endings.pop(0)()
            except Exception:  # the others have theirs to say
                log.exception("a node cannot end in good order")

    def _arguments_of_settings(self) -> list[str]:
        arguments = []
        if self._settings.ros.namespace:
            arguments += ["-r", f"__ns:=/{self._settings.ros.namespace.strip('/')}"]
        if self._sim_time:
            arguments += ["-p", "use_sim_time:=true"]
        return arguments

    def _pulse(self) -> None:
        now = time.monotonic()
        if now >= self._watchdog_at:
            self._watchdog_at = now + WATCHDOG_S
            ipc.notify("WATCHDOG=1")
        if self._stopping and not self._stopped.done():
            self._stopped.set_result(None)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _count_bug(self) -> None:
        self._raised += 1
        if self._raised < 10 or self._raised % 100 == 0:
            log.exception("a callback failed", times=self._raised)


def give_memory_back() -> None:
    """Return to the system what imports and the reading of the map have freed: 7 MB of 113."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc, not of every C library
    if trim is not None:
        trim(0)


def choose_executor() -> Executor:
    """The events executor where it works, which costs a tenth of the CPU; else the standard one.

    It is called experimental, so it has to prove itself at each start: a timer has to tick.
    """
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    executor: Executor = EventsExecutor()
    if _turns(executor):
        return executor
    log.warning("the events executor does not turn here; the single-threaded one takes its place")
    executor.shutdown()
    return SingleThreadedExecutor()


def _turns(executor: Executor) -> bool:
    node = rclpy.create_node("self_test")
    ticked: Future = Future()
    node.create_timer(0.001, lambda: ticked.done() or ticked.set_result(None), clock=steady())
    executor.add_node(node)
    executor.spin_until_future_complete(ticked, timeout_sec=_SELF_TEST_S)
    executor.remove_node(node)
    node.destroy_node()
    return bool(ticked.done())
