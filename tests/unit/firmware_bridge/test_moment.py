"""How far the stamp of another process may be from now."""

import math

import pytest

from firmware_bridge.moment import Moment


@pytest.mark.parametrize(
    ("sent", "good"),
    [
        (0.05, True),
        (0.0501, False),
        (-0.1, True),
        (-0.1001, False),
        (math.nan, False),
        (math.inf, False),
        (-math.inf, False),
    ],
)
def test_a_stamp_is_from_just_now(sent: float, good: bool) -> None:
    assert Moment(0.0, 1e9).accepts(sent, oldest_s=0.1) is good
