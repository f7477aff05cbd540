"""What may be wrong with what the robot senses, in words for whoever mends it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class SensorFault(StrEnum):
    SCAN_SILENT = "SCAN_SILENT"
    SCAN_OLD = "SCAN_OLD"
    SCAN_AHEAD = "SCAN_AHEAD"
    SCAN_FRAME = "SCAN_FRAME"
    SCAN_NOT_FIT = "SCAN_NOT_FIT"
    ODOMETRY_SILENT = "ODOMETRY_SILENT"
    ODOMETRY_OLD = "ODOMETRY_OLD"
    ODOMETRY_BACKWARDS = "ODOMETRY_BACKWARDS"
    ODOMETRY_NOT_FIT = "ODOMETRY_NOT_FIT"
    ODOMETRY_JUMP = "ODOMETRY_JUMP"
    CLOCK_STEP = "CLOCK_STEP"
    POSE_SILENT = "POSE_SILENT"
    POSE_UNSURE = "POSE_UNSURE"
    POSE_NOT_FIT = "POSE_NOT_FIT"


@dataclass(frozen=True, slots=True)
class SensorFaultRule:
    """Sentences for people: what is wrong, and what to do about it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


SENSOR_FAULTS: Mapping[SensorFault, SensorFaultRule] = MappingProxyType(
    {
        SensorFault.SCAN_SILENT: SensorFaultRule(
            "The laser is silent.", "Look at its cable, its motor and its driver."
        ),
        SensorFault.SCAN_OLD: SensorFaultRule(
            "The laser's scans are too old when they come.",
            "Look at the load of the machine, and whether the driver's clock is the robot's.",
        ),
        SensorFault.SCAN_AHEAD: SensorFaultRule(
            "The laser's scans are from the future.", "Let the driver use the robot's clock."
        ),
        SensorFault.SCAN_FRAME: SensorFaultRule(
            "A scan is in another frame than the laser's.",
            "Let one laser only publish to scan, or name its frame: navigator.laser_frame.",
        ),
        SensorFault.SCAN_NOT_FIT: SensorFaultRule(
            "The laser's scans are not fit to use.",
            "Look at the laser's glass and driver; it has to say inf where it sees nothing.",
        ),
        SensorFault.ODOMETRY_SILENT: SensorFaultRule(
            "The wheels do not tell how they turn.", "Look at the board and its cable."
        ),
        SensorFault.ODOMETRY_OLD: SensorFaultRule(
            "The odometry is of another time than the robot's clock.",
            "Let whoever publishes it use the robot's clock.",
        ),
        SensorFault.ODOMETRY_BACKWARDS: SensorFaultRule(
            "The odometry runs backwards in time.", "Let one node only publish to odom."
        ),
        SensorFault.ODOMETRY_NOT_FIT: SensorFaultRule(
            "The odometry is no number.", "Look at the board's firmware and the encoders."
        ),
        SensorFault.ODOMETRY_JUMP: SensorFaultRule(
            "The odometry has jumped further than wheels can roll.",
            "If it comes again, look at the board's power and the encoders.",
        ),
        SensorFault.CLOCK_STEP: SensorFaultRule(
            "The robot's clock was moved.", "Let a time server move it slowly, not in steps."
        ),
        SensorFault.POSE_SILENT: SensorFaultRule(
            "Whoever tells the robot where it is has fallen silent.",
            "Look at that node, or let the robot do it: navigator.localisation = scan.",
        ),
        SensorFault.POSE_UNSURE: SensorFaultRule(
            "Whoever tells the robot where it is is not sure.",
            "Tell it the pose, or drive it by hand until it is.",
        ),
        SensorFault.POSE_NOT_FIT: SensorFaultRule(
            "The pose that the robot is told is no pose in its map.",
            "Look at the node that tells it: frame map, and numbers.",
        ),
    }
)
