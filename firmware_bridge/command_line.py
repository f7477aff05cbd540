"""The gate's command line: all that it is told, as it reads no settings."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from firmware_bridge.holds import WATCHABLE
from firmware_bridge.messages import Limits

LIMITS = {
    "max_speed": "m/s",
    "max_turn": "rad/s",
    "max_acceleration": "m/s²",
    "max_turn_acceleration": "rad/s²",
}
"""The limits, each with its unit."""
BRAKING = 3.0
"""The board brakes three times as hard as it may accelerate: 0.5 m/s ends in 8 cm and a third of a second, and at
0.15 g a book on the tray stays."""


def parse(given: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, `watch` as a tuple of names. Ends the process with a usage line where they are
    wrong."""
    parser = argparse.ArgumentParser(prog="luna-gate", description="The motion gate.")
    parser.add_argument("--data-dir", type=Path, required=True, help="the robot's data")
    parser.add_argument(
        "--port", type=Path, required=True, help="serial port of the microcontroller"
    )
    # No defaults: the navigator plans with the settings' limits, and a second set of numbers here
    # would drift away from them unseen.
    for name, unit in LIMITS.items():
        parser.add_argument(_option(name), type=float, required=True, help=unit)
    parser.add_argument(
        "--holds-to-latch",
        type=int,
        default=3,
        help="holds of one cause within 10 minutes that latch; 0 for never",
    )
    parser.add_argument(
        "--announce",
        type=float,
        default=2.0,
        metavar="S",
        help="how long it says that it goes on, after a hold of over 2 s",
    )
    parser.add_argument(
        "--watch",
        default=",".join(WATCHABLE),
        help="processes whose silence holds the robot, with commas; where systemd is the supervisor: ros",
    )
    arguments = parser.parse_args(given)
    arguments.watch = tuple(arguments.watch.split(","))
    if not {"ros"} <= set(arguments.watch) <= set(WATCHABLE):
        parser.error(f"--watch takes ros, and of these no others: {', '.join(WATCHABLE)}")
    if not 0.0 <= arguments.announce <= 60.0:
        parser.error("--announce is from 0 to 60 s")
    for name in LIMITS:
        if not 0.0 < getattr(arguments, name) < 1000.0:
            parser.error(f"{_option(name)} is above 0 and below 1000")
    return arguments


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def limits(arguments: argparse.Namespace) -> Limits:
    """What the robot may do at most."""
    acceleration, turn_acceleration = arguments.max_acceleration, arguments.max_turn_acceleration
    return Limits(
        arguments.max_speed,
        arguments.max_turn,
        acceleration,
        turn_acceleration,
        BRAKING * acceleration,
        BRAKING * turn_acceleration,
    )
