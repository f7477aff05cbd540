"""Angles, poses and changes of frame in the plane."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Shape (n, 2): x and y in metres."""


def wrap_angle(angle: float) -> float:
    """The same direction in (-pi, pi]."""
    wrapped = math.remainder(angle, math.tau)
    return math.pi if wrapped == -math.pi else wrapped


class Pose(NamedTuple):
    """Position in metres and heading in radians; also the transform from a frame there into the
    outer frame."""

    x: float
    y: float
    theta: float = 0.0

    def compose(self, inner: "Pose") -> "Pose":
        """`inner`, given in my frame, seen from the frame that I am given in."""
        c, s = math.cos(self.theta), math.sin(self.theta)
        return Pose(
            self.x + c * inner.x - s * inner.y,
            self.y + s * inner.x + c * inner.y,
            wrap_angle(self.theta + inner.theta),
        )

    def inverse(self) -> "Pose":
        c, s = math.cos(self.theta), math.sin(self.theta)
        return Pose(-c * self.x - s * self.y, s * self.x - c * self.y, wrap_angle(-self.theta))

    def to(self, other: "Pose") -> "Pose":
        """`other` in my frame, both given in one outer frame."""
        return self.inverse().compose(other)

    def points_out(self, points: Points) -> Points:
        """Points of my frame in the outer frame."""
        return points @ _rotation(self.theta).T + (self.x, self.y)

    def points_in(self, points: Points) -> Points:
        """Points of the outer frame in my frame."""
        return (points - (self.x, self.y)) @ _rotation(self.theta)

    def rolled(self, v: float, w: float, seconds: float) -> "Pose":
        """Where wheels bring it from here in such a time: `v` in m/s ahead, `w` in rad/s to the left."""
        half = w * seconds / 2
        chord = v * seconds * (math.sin(half) / half if half else 1.0)
        return self.compose(Pose(chord * math.cos(half), chord * math.sin(half), 2 * half))

    def towards(self, other: "Pose", share: float) -> "Pose":
        """On the way to another pose; `share` 0 is here, 1 is there."""
        x, y, theta = self.to(other)
        return self.compose(Pose(share * x, share * y, share * theta))

    def distance(self, x: float, y: float) -> float:
        return math.hypot(x - self.x, y - self.y)


MIDDLE = Pose(0.0, 0.0, 0.0)
"""Of the frame itself."""


def _rotation(theta: float) -> Points:
    c, s = math.cos(theta), math.sin(theta)
    return np.array([[c, -s], [s, c]])
