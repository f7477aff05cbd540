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
    """The transforms that a node tells."""

    def __init__(self, node: Node) -> None:
        self._node, self._type = node, _type()
        self._topic = None
        if self._type is not None:
            self._topic = node.create_publisher(self._type, TOPIC, qos.STREAM)

    def destroy(self) -> None:
        if self._topic is not None:
            self._node.destroy_publisher(self._topic)

    def tell(self, frame: str, child: str, pose: Pose, stamp: Time) -> None:
        """Where the frame `child` is in `frame`, at a time."""
        if self._topic is None or self._type is None:
            say_that_there_are_none()
            return
        self._topic.publish(self._type(transforms=[_stamped(frame, child, pose, stamp)]))


def tell_for_good(node: Node, frame: str, child: str, pose: Pose) -> None:
    """Where the frame `child` is screwed on in `frame`: all who ever ask are told, as long as the node lives."""
    message = _type()
    if message is not None:
        stamped = _stamped(frame, child, pose, node.get_clock().now().to_msg())
        node.create_publisher(message, LASTING, qos.STATE).publish(message(transforms=[stamped]))


def _stamped(frame: str, child: str, pose: Pose, stamp: Time) -> TransformStamped:
    transform = TransformStamped(child_frame_id=child)
    transform.header.stamp, transform.header.frame_id = stamp, frame
    place = transform.transform.translation
    place.x, place.y = float(pose.x), float(pose.y)
    transform.transform.rotation = convert.quaternion(pose.theta)
    return transform


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
