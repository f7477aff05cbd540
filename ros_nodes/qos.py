"""The qualities of service that topics have here, by the name of what they are for."""

from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

COMMAND = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    lifespan=Duration(nanoseconds=100_000_000),
)
"""Velocities: only the newest counts, and none that waited before a node that was frozen. As long as the gate's own
deadline, which cannot see it: the base stamps what it passes on."""

SENSOR = QoSProfile(
    reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=1
)
"""Scans and the clock: the next one is better than the lost one sent again."""

STREAM = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE, history=HistoryPolicy.KEEP_LAST, depth=20
)
"""Odometry, battery, pose: standard subscribers expect them reliable. At 200 Hz a busy computer may keep a reader
waiting for a tenth of a second before one is lost."""

STATE = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
)
"""What holds until it is said otherwise: the map, the plan, the stop. A late subscriber gets the newest."""

STOPS_KEPT = 50
"""States of the stop, said twice a second: longer than a frozen process is left alive."""

EVERY_STOP = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    depth=STOPS_KEPT,
)
"""For who must miss no stop, not even one that came and went while they were frozen."""

STOP = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
    history=HistoryPolicy.KEEP_LAST,
    depth=STOPS_KEPT,
    deadline=Duration(seconds=1),
    liveliness=LivelinessPolicy.MANUAL_BY_TOPIC,
    liveliness_lease_duration=Duration(seconds=1),
)
"""The stop: as STATE, and said again twice a second, so that who asks for it is told when nobody does any more."""
