"""The base: what it makes of the gate's odometry."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from rclpy.time import Time

from edge.settings import load
from ros_nodes import convert
from ros_nodes.base import CLOCK_LATE, Base
from tests.support.ros import ros_context

SPEED = 4.0


def test_odometry_keeps_its_time_while_the_clock_of_the_simulation_is_heard_late(
    tmp_path: Path, ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_SIM__SPEED", str(SPEED))
    real, late = 1000.0, 0.0

    def clock() -> SimpleNamespace:
        simulated = (real - late) * SPEED
        return SimpleNamespace(now=lambda: Time(nanoseconds=int(simulated * 1e9)))

    def stamp(heard_at: float) -> float:
        return convert.seconds(base._time_of({"stamp": heard_at}))

    with ros_context():
        base = Base(load(tmp_path))
        monkeypatch.setattr(base, "get_clock", clock)
        monkeypatch.setattr("ros_nodes.base.time", SimpleNamespace(monotonic=lambda: real))
        assert stamp(real) == pytest.approx(real * SPEED)
        # Nothing was called for so long, and now this before the clock.
        real, late = real + 0.2, 0.2
        assert stamp(real - 0.1) == pytest.approx((real - 0.1) * SPEED)
        shown = (real - 0.1) * SPEED
        for _ in range(CLOCK_LATE):  # a simulation that stalls stands still, and does not go back
            assert stamp(real) >= shown
        real += 0.2
        for _ in range(CLOCK_LATE):  # one that cannot keep its pace is followed
            newest = stamp(real)
        assert newest == pytest.approx((real - late) * SPEED)
        late += 10.0  # and one that began anew
        for _ in range(CLOCK_LATE):
            newest = stamp(real)
        assert newest == pytest.approx((real - late) * SPEED)
        base.close()
