"""Life signs inside ROS: the nodes that a drive needs say that they work, and the emergency stop node listens.

The gate watches the process, by a heartbeat of the base node. These tell of each node, also where every node has
a process of its own, or where a callback fails again and again though its process lives.
"""

import time

from rclpy.node import Node
from std_msgs.msg import String

from ros_nodes import qos

BEAT_S = 0.2
SILENT_S = 0.6
"""Longest silence of a node: three missed beats."""


class Beat:
    """One node's life sign: call it whenever its work was done."""

    def __init__(self, node: Node) -> None:
        self._topic = node.create_publisher(String, "alive", qos.STREAM)
        self._said = String(data=node.get_name())
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BEAT_S
            self._topic.publish(self._said)


class Watch:
    """Who beats. A node that was never heard is not missed: not every robot has them all."""

    def __init__(self, node: Node) -> None:
        self._heard: dict[str, float] = {}
        node.create_subscription(String, "alive", self._on_beat, qos.STREAM)

    def _on_beat(self, message: String) -> None:
        self._heard[message.data] = time.monotonic()

    @property
    def heard(self) -> frozenset[str]:
        return frozenset(self._heard)

    def silent(self) -> tuple[str, ...]:
        """The nodes that have fallen silent, by name."""
        now = time.monotonic()
        return tuple(sorted(name for name, at in self._heard.items() if now - at > SILENT_S))
