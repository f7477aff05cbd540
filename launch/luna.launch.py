"""The robot on a machine with ROS 2, in an activated .venv:

    ros2 launch luna_bringup luna.launch.py data_dir:=/var/lib/luna board:=/dev/ttyACM0

Python is installed by pip, so this starts the console scripts of .venv. Every process starts again when it
ends; the robot stands still meanwhile. The service files beside this do the same with watchdogs.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions import (
    FindExecutable,
    LaunchConfiguration,
    PathJoinSubstitution,
    ThisLaunchFileDir,
)
from launch_ros.actions import Node

AGAIN = {"respawn": True, "respawn_delay": 0.2}  # seconds
LIMITS = {
    "max_speed": ("0.5", "m/s"),
    "max_turn": ("1.5", "rad/s"),
    "max_acceleration": ("0.5", "m/s2"),
    "max_turn_acceleration": ("3.0", "rad/s2"),
}
"""The gate's limits: those of [robot] in settings.toml."""
HOLDS = {
    "announce": ("2", "s that it says so before it goes on, after a hold of over 2 s"),
    "holds_to_latch": ("3", "holds of one cause in 10 min that latch; 0: never"),
}
"""And what it makes of holds: announce_s and holds_to_latch there."""
TOLD = {**LIMITS, **HOLDS}
DATA = ["--data-dir", LaunchConfiguration("data_dir")]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [*arguments(), gate(), nodes(), process("luna-api"), process("luna-sync")]
    )


def arguments() -> list[DeclareLaunchArgument]:
    params = PathJoinSubstitution([ThisLaunchFileDir(), "..", "params", "luna.yaml"])
    return [
        argument("data_dir", "/var/lib/luna", "store, map, secrets, latch"),
        argument("board", "/dev/ttyACM0", "serial port of the motor board"),
        *(argument(name, most, f"for the gate, {unit}") for name, (most, unit) in TOLD.items()),
        argument("namespace", "", "of all topics, one for each robot"),
        argument("params_file", params, "parameters of the nodes"),
    ]


def argument(name: str, default: SomeSubstitutionsType, what: str) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(name, default_value=default, description=what)


def gate() -> ExecuteProcess:
    """The motion gate. It knows no settings file: what it may do are its arguments."""
    told = [
        part for name in TOLD for part in (f"--{name.replace('_', '-')}", LaunchConfiguration(name))
    ]
    return process("luna-gate", "--watch", "ros", "--port", LaunchConfiguration("board"), *told)


def nodes() -> Node:
    """Base, emergency stop, navigator and task runner, in one process. No `name`: it would rename all four."""
    return Node(
        executable=FindExecutable(name="luna-ros"),
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file")],
        arguments=DATA,
        output="screen",
        **AGAIN,
    )


def process(script: str, *more: SomeSubstitutionsType) -> ExecuteProcess:
    return ExecuteProcess(cmd=[FindExecutable(name=script), *DATA, *more], output="screen", **AGAIN)
