"""What our way with ROS costs beside the bare thing: a topic between two processes, a timer's tick, a message."""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import String

from benchmarks.report import Row
from edge.settings import load
from edge.supervisor.ros_environment import ros_environment
from ros_nodes import convert
from ros_nodes.navigation.geometry import MIDDLE, Pose

RATE_HZ = 200
P50_RATIO, P99_RATIO = 1.3, 1.5
SLEEP_RATIO, SINGLE_RATIO = 2.5, 4.0
RAYS = 720
_TIMEOUT_S = 120.0


def run(place: Path, *, quick: bool) -> list[Row]:
    data_dir = place / "data"
    (data_dir / "run").mkdir(parents=True)
    rounds = 1 if quick else 5
    return [
        *_latencies(data_dir, 200 if quick else 2_000, rounds),
        *_ticks(data_dir, 50 if quick else 500, rounds),
        *_messages(200 if quick else 3_000, rounds),
    ]


# A topic between two processes


def _latencies(data_dir: Path, count: int, rounds: int) -> list[Row]:
    """Odometry, and what is lost of it, on each way in turn in each round."""
    found: dict[str, list[tuple[float, float]]] = {"hear_bare": [], "hear": []}
    lost = 0
    for _ in range(rounds):
        for role, each in found.items():
            late = _heard(role, data_dir, count)
            each.append((float(np.percentile(late, 50)), float(np.percentile(late, 99))))
            lost += count - len(late) if role == "hear" else 0
    (bare_50, bare_99), (ours_50, ours_99) = (
        tuple(statistics.median(one[at] for one in each) for at in (0, 1))
        for each in found.values()
    )
    topic = f"topic at {RATE_HZ} Hz"
    return [
        Row("ROS", f"{topic}: rclpy with its events executor, p50", bare_50, "us"),
        Row("ROS", f"{topic}: rclpy with its events executor, p99", bare_99, "us"),
        Row("ROS", f"{topic}: ours, p50", ours_50, "us"),
        Row("ROS", f"{topic}: ours, p99", ours_99, "us"),
        Row("ROS", f"{topic}: ours / bare, p50", _ratio(found, 0), "x", P50_RATIO),
        Row("ROS", f"{topic}: ours / bare, p99", _ratio(found, 1), "x", P99_RATIO),
        Row("ROS", f"{topic}: lost of {rounds * count}", lost, "", 0),
    ]


def _ratio(found: dict[str, list[tuple[float, float]]], at: int) -> float:
    pairs = zip(found["hear"], found["hear_bare"], strict=True)
    return statistics.median(ours[at] / bare[at] for ours, bare in pairs)


def _heard(role: str, data_dir: Path, count: int) -> list[float]:
    """How late each message was, µs."""
    more = ("--count", str(count), "--rate", str(RATE_HZ))
    with _peer(role, data_dir) as ear, _peer("send", data_dir, *more) as sender:
        _answer(sender)
        late: list[float] = _answer(ear)["late_us"]
    return late


# A tick


def _ticks(data_dir: Path, count: int, rounds: int) -> list[Row]:
    roles = ("sleep", "tick", "tick_events", "tick_single")
    found: dict[str, list[float]] = {role: [] for role in roles}
    for _ in range(rounds):
        for role, each in found.items():
            with _peer(role, data_dir, "--count", str(count)) as peer:
                each.append(float(_answer(peer)["tick_us"]))
    cost = {role: statistics.median(each) for role, each in found.items()}
    node = "tick of a full node at 50 Hz"
    more, less = (
        statistics.median(map(_divide, found[above], found[below]))
        for above, below in (("tick", "sleep"), ("tick_single", "tick"))
    )
    return [
        Row("ROS", "tick of a loop that sleeps (limit), CPU", cost["sleep"], "us"),
        Row("ROS", f"{node}: ours, CPU", cost["tick"], "us"),
        Row("ROS", f"{node}: bare events executor, CPU", cost["tick_events"], "us"),
        Row("ROS", f"{node}: single-threaded executor, CPU", cost["tick_single"], "us"),
        Row("ROS", f"{node}: ours / limit", more, "x", SLEEP_RATIO),
        Row("ROS", f"{node}: single-threaded / ours", less, "x", SINGLE_RATIO, at_least=True),
    ]


def _divide(above: float, below: float) -> float:
    return above / below


# A message


def _messages(count: int, rounds: int) -> list[Row]:
    """Made of plain values, to bytes and back again to plain values."""
    stamp = Time(sec=1, nanosec=2)
    ranges = np.linspace(0.5, 20.0, RAYS)
    step = math.tau / RAYS
    ways: dict[str, Callable[[], object]] = {
        "pose typed": lambda: _pose_back(convert.pose_stamped(Pose(1.0, 2.0, 0.3), stamp)),
        "pose as JSON in a String": lambda: _json_back({"x": 1.0, "y": 2.0, "theta": 0.3}),
        "pose as plain values": lambda: Pose(1.0, 2.0, 0.3),
        f"scan of {RAYS} typed": lambda: _scan_back(convert.scan_message(ranges, 0.0, step, stamp)),
        f"scan of {RAYS} as JSON in a String": lambda: _json_back({"ranges": ranges.tolist()}),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(count):
                way()
            found[name].append((time.process_time() - began) / count * 1e6)
    return [
        Row("ROS", f"message: {name}, CPU", statistics.median(each), "us")
        for name, each in found.items()
    ]


def _pose_back(message: Any) -> object:
    return convert.pose(deserialize_message(serialize_message(message), type(message)).pose)


def _scan_back(message: Any) -> object:
    heard = deserialize_message(serialize_message(message), type(message))
    return convert.scan(heard, MIDDLE)


def _json_back(data: dict[str, Any]) -> object:
    message = String(data=json.dumps(data))
    return json.loads(deserialize_message(serialize_message(message), String).data)


# Processes


def _peer(role: str, data_dir: Path, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.ros_peer", role, str(data_dir), *more]
    environment = {
        **os.environ,
        **ros_environment(load(data_dir)),
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 39),
    }
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _answer(peer: "subprocess.Popen[str]") -> dict[str, Any]:
    """Raises RuntimeError where it has none."""
    try:
        said, _ = peer.communicate(timeout=_TIMEOUT_S)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        peer.kill()
        raise RuntimeError(f"{peer.args!r} has no answer") from error
    return found
