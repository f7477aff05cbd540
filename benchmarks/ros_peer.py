"""One process of bench_ros: `python -m benchmarks.ros_peer ROLE DATA_DIR ...`, which prints what it found as JSON."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from nav_msgs.msg import Odometry
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.experimental import EventsExecutor
from rclpy.node import Node
from std_msgs.msg import String

from edge.settings import load
from ros_nodes import convert, qos
from ros_nodes.navigation.sensing import Reading
from ros_nodes.runtime import Runtime, steady

TOPIC = "bench_odom"
SPIN_S = 1.0
QUIET_S = 2.0
"""So long after the last message a receiver is done."""
ENTITIES, SLOW_TIMERS, SLOW_S, TICK_S = 10, 4, 1.0, 0.02
READING = {"x": 1.0, "y": 2.0, "theta": 0.5, "v": 0.3, "w": 0.1}


class Receiver:
    """When messages were sent and heard, on the one clock of the machine."""

    def __init__(self) -> None:
        self.late_us: list[float] = []
        self.heard_at = time.monotonic()

    def bare(self, message: Odometry) -> None:
        self._note(message)

    def product(self, message: Odometry) -> None:
        """What the navigator does with odometry before it thinks."""
        self._note(message)
        speed, stamp = message.twist.twist, convert.seconds(message.header.stamp)
        now = time.monotonic()
        pose = convert.pose(message.pose.pose)
        Reading(stamp, now, now, now, pose, speed.linear.x, speed.angular.z)

    @property
    def done(self) -> bool:
        return bool(self.late_us) and time.monotonic() - self.heard_at > QUIET_S

    def _note(self, message: Odometry) -> None:
        now = time.monotonic_ns()
        stamp = message.header.stamp
        self.late_us.append((now - stamp.sec * 1_000_000_000 - stamp.nanosec) / 1000)
        self.heard_at = time.monotonic()


def send(options: argparse.Namespace) -> dict[str, Any]:
    """`count` messages at `rate` a second."""
    rclpy.init()
    node = Node("sender")
    topic = node.create_publisher(Odometry, TOPIC, qos.STREAM)
    while not topic.get_subscription_count():
        time.sleep(0.01)
    time.sleep(0.3)
    message = convert.odometry_message(READING, node.get_clock().now().to_msg())
    due = time.monotonic()
    for _ in range(options.count):
        due += 1 / options.rate
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 1_000_000_000)
        topic.publish(message)
    time.sleep(0.5)
    rclpy.try_shutdown()
    return {}


def hear_bare(options: argparse.Namespace) -> dict[str, Any]:
    """By rclpy alone, with its fastest executor."""
    rclpy.init()
    receiver, node, executor = Receiver(), Node("bare"), EventsExecutor()
    node.create_subscription(Odometry, TOPIC, receiver.bare, qos.STREAM)
    executor.add_node(node)
    never = rclpy.task.Future()
    while not receiver.done:
        executor.spin_until_future_complete(never, timeout_sec=SPIN_S)
    return {"late_us": receiver.late_us}


def hear(options: argparse.Namespace) -> dict[str, Any]:
    """As the product's nodes hear."""
    receiver = Receiver()
    with Runtime(load(options.data_dir)) as runtime:
        node = Node("product")
        node.create_subscription(Odometry, TOPIC, receiver.product, qos.STREAM)
        node.create_timer(SPIN_S, lambda: runtime.stop() if receiver.done else None, clock=steady())
        runtime.add(node)
        runtime.run()
    return {"late_us": receiver.late_us}


def sleep(options: argparse.Namespace) -> dict[str, Any]:
    """The limit: a loop that only sleeps."""
    due = time.monotonic()
    cpu = time.process_time()
    for _ in range(options.count):
        due += TICK_S
        time.sleep(max(0.0, due - time.monotonic()))
    return {"tick_us": (time.process_time() - cpu) / options.count * 1e6}


def tick_single(options: argparse.Namespace) -> dict[str, Any]:
    rclpy.init()
    return _tick_on(SingleThreadedExecutor(), options.count)


def tick_events(options: argparse.Namespace) -> dict[str, Any]:
    rclpy.init()
    return _tick_on(EventsExecutor(), options.count)


def tick(options: argparse.Namespace) -> dict[str, Any]:
    """The product's runtime, with its own pulse and watchdog."""
    with Runtime(load(options.data_dir)) as runtime:
        node = Node("full")
        cost = _fill(node, options.count, runtime.stop)
        runtime.add(node)
        runtime.run()
    return {"tick_us": cost[0]}


def _tick_on(executor: Executor, count: int) -> dict[str, Any]:
    node, done = Node("full"), rclpy.task.Future()
    cost = _fill(node, count, lambda: done.set_result(None))
    executor.add_node(node)
    while not done.done():
        executor.spin_until_future_complete(done, timeout_sec=SPIN_S)
    return {"tick_us": cost[0]}


def _fill(node: Node, count: int, stop: Callable[[], None]) -> list[float]:
    """Ten topics each way and five timers, one of them at 50 Hz. The list gets the µs of CPU a tick at the end."""
    cost: list[float] = []
    ticks = 0
    began = 0.0

    def on_tick() -> None:
        nonlocal ticks, began
        ticks += 1
        if ticks == 1:
            began = time.process_time()
        elif ticks == count + 1:
            cost.append((time.process_time() - began) / count * 1e6)
            stop()

    for number in range(ENTITIES):
        node.create_publisher(String, f"bench_out_{number}", qos.STREAM)
        node.create_subscription(String, f"bench_in_{number}", lambda _: None, qos.STREAM)
    for _ in range(SLOW_TIMERS):
        node.create_timer(SLOW_S, lambda: None, clock=steady())
    node.create_timer(TICK_S, on_tick, clock=steady())
    return cost


ROLES = (send, hear_bare, hear, sleep, tick_single, tick_events, tick)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=[role.__name__ for role in ROLES])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rate", type=float, default=200.0)
    options = parser.parse_args()
    [role] = [one for one in ROLES if one.__name__ == options.role]
    print(json.dumps(role(options)), flush=True)


if __name__ == "__main__":
    main()
