"""The environment in which every ROS process of this robot runs."""

from collections.abc import Mapping
from pathlib import Path

from edge.settings import Settings

RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
PROFILES_FILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
PROFILE = Path(__file__).parents[2] / "launch" / "fastdds.xml"


def ros_environment(settings: Settings) -> dict[str, str]:
    """Variables for the children that speak ROS; whoever set one of them outside knows better.

    One machine only: what leaves it goes by MQTT.
    """
    variables = {
        "ROS_DOMAIN_ID": str(settings.ros.domain_id),
        "ROS_LOG_DIR": str(settings.data_dir / "logs" / "ros"),
    }
    if PROFILE.exists():
        # The profile says where to look; any other range than the default would overrule it.
        variables[RANGE] = "SYSTEM_DEFAULT"
        variables[PROFILES_FILE] = str(PROFILE)
    else:  # only the Python packages are installed: slower, and with shared memory
        variables[RANGE] = "LOCALHOST"
    return variables


def stays_on_machine(environment: Mapping[str, str]) -> bool:
    """Whether only programs on this machine can call the ROS services of a process with this environment."""
    reach = environment.get(RANGE)
    ours = environment.get(PROFILES_FILE) == str(PROFILE)
    return reach in ("LOCALHOST", "OFF") or (reach == "SYSTEM_DEFAULT" and ours)
