"""The environment in which every ROS process of this robot runs."""

from pathlib import Path

from edge.settings import Settings

PROFILE = Path(__file__).parents[2] / "launch" / "fastdds.xml"


def ros_environment(settings: Settings) -> dict[str, str]:
    """Variables for the children that speak ROS; whoever set one of them outside knows better.

    One machine only: what leaves it goes by MQTT. Sockets instead of shared memory, because a killed process leaves
    its shared memory behind, and processes of different users would find each other but exchange nothing.
    """
    variables = {
        "ROS_DOMAIN_ID": str(settings.ros.domain_id),
        "ROS_LOG_DIR": str(settings.data_dir / "logs" / "ros"),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",
    }
    if (
        PROFILE.exists()
    ):  # not where only the Python packages are installed: discovery is slower then
        variables["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(PROFILE)
    return variables
