"""What every test gets without asking."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.ros import own_domain

# CI tries the same examples each time, so that it fails for changes alone; elsewhere new ones are tried.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(autouse=True, scope="session")
def ros_logs_stay_out_of_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """rclpy writes a file for each process that starts, by default under ~/.ros."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_LOG_DIR", str(tmp_path_factory.mktemp("ros-logs")))
        yield


@pytest.fixture(scope="module")
def ros_domain() -> Iterator[int]:
    """The ROS domain of this file of tests; see `tests.support.ros` for more of them."""
    with own_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        yield domain


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[1]
