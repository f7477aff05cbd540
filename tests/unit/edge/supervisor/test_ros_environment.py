"""Where a ROS process of ours can be called from."""

from pathlib import Path

import pytest

from edge.settings import load
from edge.supervisor.ros_environment import (
    PROFILE,
    PROFILES_FILE,
    RANGE,
    ros_environment,
    stays_on_machine,
)


def test_what_we_set_keeps_ros_on_the_machine(tmp_path: Path) -> None:
    assert stays_on_machine(ros_environment(load(tmp_path)))
    assert "<address>127.0.0.1</address>" in PROFILE.read_text()


@pytest.mark.parametrize(
    ("environment", "stays"),
    [
        ({RANGE: "LOCALHOST"}, True),
        ({RANGE: "OFF"}, True),
        ({RANGE: "SUBNET", PROFILES_FILE: str(PROFILE)}, False),
        ({RANGE: "SYSTEM_DEFAULT", PROFILES_FILE: "/etc/other.xml"}, False),
        ({RANGE: "SYSTEM_DEFAULT"}, False),
        ({}, False),
    ],
)
def test_whoever_sets_it_otherwise_may_have_opened_it(
    environment: dict[str, str], stays: bool
) -> None:
    assert stays_on_machine(environment) is stays
