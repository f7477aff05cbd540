"""What may be wrong with what the robot senses; edge/words.toml says it to whoever mends it: `sensor`."""

from enum import StrEnum

from edge import words


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


def in_words(fault: SensorFault) -> str:
    """What is wrong and what to do about it, as a line for people."""
    return words.text("sensor", fault)
