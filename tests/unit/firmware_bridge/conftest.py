"""The robot of these stories."""

import pytest

from firmware_bridge.authority import Decision
from tests.support.story import Story


@pytest.fixture
def story() -> Story:
    driving = Story()
    driving.forward(1.0)
    assert driving.decision == Decision(0.3, 0.0, False, None)
    return driving
