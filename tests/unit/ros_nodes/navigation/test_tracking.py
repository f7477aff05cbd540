"""The tracker on an ideal robot that does at once what it is told."""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ros_nodes.navigation.geometry import Pose, wrap_angle
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.path import Path, build_path
from ros_nodes.navigation.tracking import Tracker, TrackResult

TICK_S = 0.05
LIMITS = Limits()


def path(*corners: tuple[float, float], speed: float = 0.5) -> Path:
    return build_path(corners, [speed] * (len(corners) - 1), LIMITS, lambda a, b: True)


@dataclass
class Ideal:
    """Poses and commands of a drive."""

    pose: Pose
    results: list[TrackResult] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)

    def follow(
        self,
        tracker: Tracker,
        limit_s: float = 60.0,
        scale: Callable[[float], float] = lambda now: 1.0,
    ) -> "Ideal":
        now, v, w = 0.0, 0.0, 0.0
        while now < limit_s:
            share = scale(now)
            result = tracker.step(self.pose, v, w, now, share)
            self.results.append(result)
            self.poses.append(self.pose)
            if result.done:
                break
            v, w = result.v * (share > 0), result.w
            self.pose = self.pose.compose(Pose(v * TICK_S, 0.0, w * TICK_S))
            now += TICK_S
        return self

    @property
    def arrived(self) -> bool:
        return self.results[-1].done


def error(pose: Pose, x: float, y: float, theta: float) -> tuple[float, float]:
    return pose.distance(x, y), abs(math.degrees(wrap_angle(pose.theta - theta)))


def test_it_arrives_within_a_few_centimetres_and_looks_where_it_should() -> None:
    drive = Ideal(Pose(0, 0, 0)).follow(Tracker(path((0, 0), (4, 0), (4, 4)), math.pi))
    assert drive.arrived
    distance, degrees = error(drive.pose, 4, 4, math.pi)
    assert distance < 0.05
    assert degrees < 3


def test_it_does_not_slow_down_for_corners_that_are_round() -> None:
    drive = Ideal(Pose(0, 0, 0)).follow(Tracker(path((0, 0), (5, 0), (5, 5), (10, 5)), None))
    speeds = [result.v for result in drive.results]
    assert sum(v > 0.25 for v in speeds) / len(speeds) > 0.9
    assert min(speeds[40:-40]) > 0.4


def test_it_turns_on_the_spot_before_it_sets_out_backwards() -> None:
    drive = Ideal(Pose(0, 0, math.pi)).follow(Tracker(path((0, 0), (3, 0)), 0.0))
    assert drive.arrived
    assert min(pose.x for pose in drive.poses) > -0.02


def test_it_turns_round_where_the_path_turns_back() -> None:
    drive = Ideal(Pose(0, 0, 0)).follow(Tracker(path((0, 0), (2, 0), (0.5, 0)), math.pi))
    assert drive.arrived
    assert max(pose.x for pose in drive.poses) == pytest.approx(2.0, abs=0.05)
    assert error(drive.pose, 0.5, 0, math.pi)[0] < 0.05


def test_accelerations_stay_within_the_limits() -> None:
    drive = Ideal(Pose(0, 0, 1.0)).follow(Tracker(path((0, 0), (3, 0), (3, 3)), -1.0))
    for before, after in zip(drive.results, drive.results[1:], strict=False):
        assert after.v - before.v <= LIMITS.max_acceleration_m_s2 * TICK_S + 1e-9
        if not after.done:
            turn = LIMITS.max_turn_acceleration_rad_s2 * TICK_S
            assert abs(after.w - before.w) <= turn + 1e-9
        assert 0 <= after.v <= LIMITS.max_speed_m_s
        assert abs(after.w) <= LIMITS.max_turn_rad_s


def test_the_first_command_after_a_stop_is_slow() -> None:
    tracker = Tracker(path((0, 0), (10, 0)), None)
    now, pose = 0.0, Pose(0, 0, 0)
    for _ in range(40):
        result = tracker.step(pose, 0.5, 0.0, now)
        pose, now = pose.compose(Pose(0.025, 0.0)), now + TICK_S
    assert result.v == pytest.approx(0.5)
    for _ in range(3):
        now += TICK_S
        result = tracker.step(pose, 0.0, 0.0, now)
    assert result.v <= 0.3


def test_it_waits_where_nothing_is_allowed_and_goes_on_after() -> None:
    drive = Ideal(Pose(0, 0, 0)).follow(
        Tracker(path((0, 0), (4, 0)), None), scale=lambda now: 0.0 if 3 < now < 8 else 1.0
    )
    assert drive.arrived
    standing = drive.poses[round(7.5 / TICK_S)]
    assert standing.distance(*drive.poses[round(5 / TICK_S)][:2]) < 0.01


def test_it_comes_back_to_the_path_from_beside() -> None:
    drive = Ideal(Pose(0, 0.4, 0)).follow(Tracker(path((0, 0), (5, 0)), 0.0))
    assert drive.arrived
    assert drive.results[-60].cross_track_m < 0.06
    assert error(drive.pose, 5, 0, 0)[0] < 0.05


def test_a_short_hook_where_it_joins_the_path_does_not_hold_it() -> None:
    hooked = path((0.033, 0.047), (0.004, 0.006), (0, 0), (3, 0))
    drive = Ideal(Pose(0.033, 0.047, 3.2)).follow(Tracker(hooked, None))
    assert drive.arrived
    assert len(drive.results) * TICK_S < 12


def test_a_robot_pushed_off_its_goal_drives_there_again() -> None:
    tracker = Tracker(path((0, 0), (3, 0)), 0.0)
    first = Ideal(Pose(0, 0, 0)).follow(tracker, limit_s=6.0)
    assert not first.arrived
    pushed = Ideal(first.pose.compose(Pose(0.0, 0.35))).follow(tracker)
    assert pushed.arrived
    assert error(pushed.pose, 3, 0, 0)[0] < 0.1


def test_a_goal_where_it_already_stands_is_reached_by_turning() -> None:
    drive = Ideal(Pose(1, 1, 0)).follow(Tracker(path((1, 1), (1.001, 1)), math.pi / 2))
    assert drive.arrived
    assert error(drive.pose, 1, 1, math.pi / 2)[1] < 3
    assert drive.poses[-1].distance(1, 1) < 0.05


def test_the_way_and_time_left_only_shrink() -> None:
    drive = Ideal(Pose(0, 0, 0)).follow(Tracker(path((0, 0), (4, 0), (4, 4)), None))
    left = [result.distance_left_m for result in drive.results]
    assert all(after <= before + 0.02 for before, after in itertools.pairwise(left))
    assert left[0] == pytest.approx(7.6, abs=0.3)
    assert drive.results[0].time_left_s == pytest.approx(16, abs=2)


def test_a_tick_costs_the_same_on_a_path_a_hundred_times_as_long() -> None:
    def cost(length: float) -> float:
        tracker = Tracker(path((0, 0), (length, 0)), None)
        pose, best = Pose(0, 0, 0), math.inf
        for at in range(200):
            began = time.perf_counter()
            tracker.step(pose, 0.5, 0.0, at * TICK_S)
            best = min(best, time.perf_counter() - began)
            pose = pose.compose(Pose(0.02, 0.0))
        return best

    assert cost(2000.0) < 5 * cost(20.0)


def test_who_has_rolled_past_the_goal_while_braking_drives_there_again() -> None:
    ideal = Ideal(Pose(0.0, 0.0, 0.0))
    tracker = Tracker(path((0, 0), (2, 0)), math.pi / 2)

    def rolls_on(_: float) -> float:
        if ideal.results and ideal.results[-1].distance_left_m == 0.0 and not pushed:
            ideal.pose = ideal.pose.compose(Pose(0.16, 0.0, 0.0))
            pushed.append(True)
        return 1.0

    pushed: list[bool] = []
    ideal.follow(tracker, scale=rolls_on)
    assert ideal.arrived
    assert pushed
    away, turned = error(ideal.pose, 2.0, 0.0, math.pi / 2)
    assert away < 0.10
    assert turned < 5
