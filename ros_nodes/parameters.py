"""The ROS parameters of a node: each with what it means, its unit and its range. launch/params/luna.yaml has them all.

What people want to change on a robot stands in edge/settings.py; here stands what only ROS uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from edge.domain.errors import SetupError
from ros_nodes.navigation.progress import ProgressSettings


@dataclass(frozen=True, slots=True)
class Parameter:
    """`most`: of a number, whose least is `least`. `fixed`: only a start takes it."""

    name: str
    default: bool | int | float
    what: str
    least: float = 0.0
    most: float = 0.0
    fixed: bool = False

    def descriptor(self) -> ParameterDescriptor:
        descriptor = ParameterDescriptor(description=self.what, read_only=self.fixed)
        if isinstance(self.default, bool):
            return descriptor
        if isinstance(self.default, int):
            span = IntegerRange(from_value=int(self.least), to_value=int(self.most))
            descriptor.integer_range = [span]
        else:
            span = FloatingPointRange(from_value=float(self.least), to_value=float(self.most))
            descriptor.floating_point_range = [span]
        return descriptor


_PATIENCE = ProgressSettings()

NAVIGATOR = (
    Parameter("autostart", True, "be active at once, without a lifecycle manager", fixed=True),
    Parameter("feedback_period_s", 0.25, "how often a drive's client hears of it, s", 0.05, 5.0),
    Parameter("pose_period_s", 0.2, "how often the pose is published while it moves, s", 0.05, 1.0),
    Parameter(
        "progress.ask_after_s",
        _PATIENCE.ask_after_s,
        "blocked for so long, people are asked to step aside, s",
        *(0.5, 60.0),
    ),
    Parameter(
        "progress.replan_after_s",
        _PATIENCE.replan_after_s,
        "blocked for so long, another way is looked for, s",
        *(1.0, 600.0),
    ),
    Parameter("progress.replans", _PATIENCE.replans, "so many other ways, then it gives up", 0, 20),
    Parameter(
        "progress.stuck_after_s",
        _PATIENCE.stuck_after_s,
        "told to move, but not moved for so long, it gives up, s",
        *(1.0, 60.0),
    ),
    Parameter(
        "progress.lost_after_s",
        _PATIENCE.lost_after_s,
        "not knowing where it is for so long, it gives up, s",
        *(0.5, 60.0),
    ),
    Parameter(
        "progress.time_factor",
        _PATIENCE.time_factor,
        "a drive may take so many times what the speed limits allow ...",
        *(1.0, 100.0),
    ),
    Parameter("progress.time_extra_s", _PATIENCE.time_extra_s, "... and so much more, s", 0, 3600),
)
"""Of the navigator. The waiting is by the clock of control, and a new value counts from the next drive on."""

_GROUP = "progress."


def declare(node: Node, parameters: Sequence[Parameter]) -> None:
    """Raises SetupError where the start gives one a value that it cannot have."""
    for one in parameters:
        try:
            node.declare_parameter(one.name, one.default, one.descriptor())
        except ParameterException as error:
            raise SetupError(
                f"The parameter {one.name} of the node {node.get_name()} is wrong: {error}.",
                hint="Mend the file of parameters, or the arguments of the start.",
            ) from error


def seconds(node: Node, name: str) -> float:
    return float(node.get_parameter(name).value)


def patience(node: Node) -> ProgressSettings:
    """How long a drive waits, as the navigator's parameters say now."""
    names = {field.name for field in fields(ProgressSettings)}
    given = {
        name: node.get_parameter(_GROUP + name).value
        for name in names
        if node.has_parameter(_GROUP + name)
    }
    return ProgressSettings(**given)
