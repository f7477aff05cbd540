"""Where the robot was last, so that it knows where it is when it is switched on again."""

from edge.domain.robots import LastPose
from edge.store.database import Reader, Transaction
from edge.store.whereabouts import Whereabouts


def last_pose(reader: Reader) -> LastPose | None:
    """None where it has never been anywhere."""
    return Whereabouts(reader).get()


def remember_pose(tx: Transaction, pose: LastPose) -> None:
    """Nobody is told: it is the live socket that shows where the robot is."""
    Whereabouts(tx).put(pose)
