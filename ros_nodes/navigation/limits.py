"""What the robot's body can do. The numbers come from the settings; these are those of the demo
robot."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Body and motion. The gate and the firmware hold limits of their own; these are what plans are
    made with."""

    radius_m: float = 0.19
    max_speed_m_s: float = 0.5
    max_turn_rad_s: float = 1.5
    max_acceleration_m_s2: float = 0.5
    max_turn_acceleration_rad_s2: float = 3.0
    max_side_acceleration_m_s2: float = 0.4
    """In curves, so that nothing slides on the tray."""
