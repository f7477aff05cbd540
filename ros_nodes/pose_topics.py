"""Who says where the robot is, by `navigator.localisation`: its own matching of scans, `amcl_pose`, or TF, where the
messages of TF are installed."""

import importlib
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.subscription import Subscription

from edge.domain.errors import SetupError
from ros_nodes import convert, qos
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.sensing import SensorCheck
from ros_nodes.pose_sources import TOLD_S, Frames, ScanMatching, ToldPose, sigmas
from ros_nodes.whereabouts import Memory, Whereabouts

TF = QoSProfile(depth=100)
TF_STATIC = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As TF has them everywhere; all robots share its topics."""

Topics = tuple[Subscription, ...]


def whereabouts(
    node: Node,
    localisation: str,
    grid: OccupancyGrid,
    memory: Memory,
    check: SensorCheck,
    mount: Pose,
) -> tuple[Whereabouts, Topics]:
    """With the topics of those who tell it, where it is they; `mount` of the laser on the robot. Raises SetupError
    where their messages are missing."""
    if localisation == "scan":
        return Whereabouts(grid, ScanMatching(grid, mount), memory, check), ()
    if localisation == "amcl":
        told = ToldPose()
        where = Whereabouts(grid, told, memory, check)
        return where, listen_to_amcl(node, where, told)
    told = ToldPose(TOLD_S)
    where = Whereabouts(grid, told, memory, check)
    return where, listen_to_tf(node, where, told, tf_message())


def listen_to_amcl(node: Node, where: Whereabouts, source: ToldPose) -> Topics:
    def on_pose(message: PoseWithCovarianceStamped) -> None:
        stamp = convert.seconds(message.header.stamp)
        odometry = where.odometry_at(stamp)
        if message.header.frame_id.lstrip("/") != convert.MAP:
            source.refuse()
        elif odometry is not None:
            sigma_m, sigma_rad = sigmas(message.pose.covariance)
            correction = convert.pose(message.pose.pose).compose(odometry.inverse())
            source.tell(correction, stamp, sigma_m=sigma_m, sigma_rad=sigma_rad)

    return (node.create_subscription(PoseWithCovarianceStamped, "amcl_pose", on_pose, qos.STATE),)


def tf_message() -> type[Any]:
    """`tf2_msgs/TFMessage`. Raises SetupError where it is not installed; it is not among the wheels of ROS."""
    try:
        found: type[Any] = importlib.import_module("tf2_msgs.msg").TFMessage
    except ImportError as error:
        raise SetupError(
            "TF cannot be read: the package tf2_msgs is not installed.",
            hint="Install it (ROS itself has it), or set navigator.localisation to scan or amcl.",
        ) from error
    return found


def listen_to_tf(node: Node, where: Whereabouts, source: ToldPose, message: type[Any]) -> Topics:
    told = TfListener(where, source)

    def on_tf(tf: Any) -> None:
        told.on_transforms(tf.transforms)

    def on_static(tf: Any) -> None:
        told.on_transforms(tf.transforms, lasting=True)

    return (
        node.create_subscription(message, "/tf", on_tf, TF),
        node.create_subscription(message, "/tf_static", on_static, TF_STATIC),
    )


class TfListener:
    """Finds the robot in the map from transforms, over `odom` or without it."""

    def __init__(self, where: Whereabouts, source: ToldPose) -> None:
        self._where, self._source = where, source
        self._frames = Frames()

    def on_transforms(self, transforms: list[TransformStamped], *, lasting: bool = False) -> None:
        """Only those right below `map` are news of the place: the others go on when nobody looks any more."""
        news = None
        for one in transforms:
            parent, child = one.header.frame_id, one.child_frame_id
            self._frames.set(parent, child, convert.transform(one.transform))
            if parent.lstrip("/") == convert.MAP:
                news = convert.seconds(one.header.stamp)
        correction = None if news is None else self._correction(news)
        if news is not None and correction is not None:
            self._source.tell(correction, news, lasting=lasting)

    def _correction(self, stamp: float) -> Pose | None:
        over_odometry = self._frames.between(convert.MAP, convert.ODOM)
        if over_odometry is not None:
            return over_odometry
        base = self._frames.between(convert.MAP, convert.BASE)
        odometry = self._where.odometry_at(stamp)
        return None if base is None or odometry is None else base.compose(odometry.inverse())
