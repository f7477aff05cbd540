"""TF, where tf2_msgs is installed: transforms go to the topics /tf and /tf_static, which all robots share. Elsewhere
there are none."""

import functools
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node

from edge import logs
from edge.domain.errors import SetupError
from ros_nodes import convert, qos
from ros_nodes.navigation.geometry import Pose
from ros_nodes.pose_topics import tf_message

TOPIC, LASTING = "/tf", "/tf_static"

log = logs.get("ros.tf")


class Transforms:
    """The transforms that a node tells; `lasting`: of what is screwed on, told once to all who ever ask."""

    def __init__(self, node: Node, *, lasting: bool = False) -> None:
        self._node, self._type = node, _type()
        self._topic = None
        if self._type is not None:
            name, quality = (LASTING, qos.STATE) if lasting else (TOPIC, qos.STREAM)
            self._topic = node.create_publisher(self._type, name, quality)

    def destroy(self) -> None:
        if self._topic is not None:
            self._node.destroy_publisher(self._topic)

    def tell(self, frame: str, child: str, pose: Pose, stamp: Time) -> None:
        """Where the frame `child` is in `frame`, at a time."""
        if self._topic is None or self._type is None:
            say_that_there_are_none()
            return
        transform = TransformStamped(child_frame_id=child)
        transform.header.stamp, transform.header.frame_id = stamp, frame
        place = transform.transform.translation
        place.x, place.y = float(pose.x), float(pose.y)
        transform.transform.rotation = convert.quaternion(pose.theta)
        self._topic.publish(self._type(transforms=[transform]))


def _type() -> Any:
    """None where it is not installed."""
    try:
        return tf_message()
    except SetupError:
        return None


@functools.cache
def say_that_there_are_none() -> None:
    """Once a process."""
    log.info("TF is not published: tf2_msgs is not installed")
