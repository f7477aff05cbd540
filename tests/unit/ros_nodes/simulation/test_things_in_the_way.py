"""Things that no map has, on random routes: none is touched, and each drive ends, arrived or with a reason."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from edge.domain.waypoints import Waypoint
from ros_nodes.driving import Drive, Site
from ros_nodes.navigation.ahead import Ahead
from ros_nodes.navigation.detour import Detours
from ros_nodes.navigation.errors import Reason
from ros_nodes.navigation.geometry import Pose
from ros_nodes.navigation.limits import Limits
from ros_nodes.navigation.zones import CLEAR, CollisionZones
from ros_nodes.simulation.demo_library import demo_site, draw_library
from ros_nodes.simulation.rehearsal import Outcome, Rehearsal
from ros_nodes.simulation.world import Circle

SIZES_M = (0.05, 0.15, 0.25, 0.35)
BESIDE_M = 0.4
ROOM_M = 0.5
"""Between a thing and where a drive begins or ends."""
LONGEST_M = 10.0
PERSON = (12.0, 7.3, 0.25)
"""In the middle of a cross aisle of 1.6 m."""


@pytest.fixture(scope="module")
def demo() -> Site:
    site = demo_site()
    return Site(draw_library(), site.waypoints, site.lanes)


def pose(place: Waypoint) -> Pose:
    return Pose(place.x, place.y, place.theta)


def some_way(site: Site, chance: random.Random) -> tuple[Waypoint, Waypoint, list[Circle]]:
    """Two places, and things on and beside the way between them."""
    signed = [place for place in site.waypoints if place.location_code]
    while True:
        start, goal = chance.sample(signed, 2)
        route = Drive(site, Limits(), goal.id, pose(start)).route
        if route.length_m <= LONGEST_M:
            break
    things = []
    for _ in range(chance.randint(1, 4)):
        x, y = route.points[chance.randrange(len(route.points))].tolist()
        x, y = x + chance.uniform(-BESIDE_M, BESIDE_M), y + chance.uniform(-BESIDE_M, BESIDE_M)
        size = chance.choice(SIZES_M)
        apart = min(pose(start).distance(x, y), pose(goal).distance(x, y)) - size
        if apart > Limits().radius_m + ROOM_M:
            things.append((x, y, size))
    return start, goal, things


class Watched:
    """One drive among things, with all states that it went through."""

    def __init__(self, site: Site, start: Waypoint, things: list[Circle], seed: int = 1) -> None:
        self.run = Rehearsal(site, pose(start), seed=seed)
        self.run.world.things = things
        self.states: set[str] = set()

    def drive(self, goal: str, limit_s: float = 600.0) -> Outcome:
        return self.run.run(goal, limit_s=limit_s, each_tick=lambda run: self.states.add(run.state))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_touched_and_every_drive_ends(demo: Site, seed: int) -> None:
    start, goal, things = some_way(demo, random.Random(f"things {seed}"))
    outcome = Watched(demo, start, things, seed).drive(goal.id)
    assert outcome.collisions == 0
    assert outcome.least_gap_m > 0
    assert outcome.reason in (Reason.NONE, Reason.BLOCKED)
    if outcome.arrived:
        assert outcome.goal_error_m < 0.10


@pytest.fixture
def person(demo: Site) -> Iterator[Watched]:
    start = demo.place("hall-5")
    assert start is not None
    yield Watched(demo, start, [PERSON])


def test_who_stands_in_a_wide_lane_is_gone_round_without_a_stop(person: Watched) -> None:
    outcome = person.drive("aisle-3m")
    assert outcome.arrived
    assert "AROUND" in person.states
    assert outcome.waits == 0
    assert outcome.least_gap_m > 0.04
    assert outcome.route is not None
    assert outcome.driven_m < 1.1 * outcome.route.length_m


def test_who_steps_right_before_the_robot_is_waited_for_and_then_gone_round(demo: Site) -> None:
    start = demo.place("hall-5")
    assert start is not None
    watched = Watched(demo, start, [])

    def step_in(run: Rehearsal) -> None:
        watched.states.add(run.state)
        if run.now > 8 and not run.world.things:
            run.world.things = [(run.world.pose.x + 0.75, run.world.pose.y, 0.25)]

    outcome = watched.run.run("aisle-3m", each_tick=step_in)
    assert outcome.arrived
    assert watched.states >= {"WAITING", "AROUND"}
    assert "ASKING" not in watched.states
    assert outcome.least_gap_m > 0.03


def test_without_a_way_around_the_same_person_is_asked_to_step_aside(
    person: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Detours, "find", lambda *_: None)
    outcome = person.drive("aisle-3m", limit_s=40)
    assert {"WAITING", "ASKING"} <= person.states
    assert "AROUND" not in person.states
    assert outcome.collisions == 0


def test_without_zones_and_without_looking_ahead_the_same_person_would_be_hit(
    person: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CollisionZones, "check", lambda *_: CLEAR)
    monkeypatch.setattr(Ahead, "look", lambda *_: None)
    assert person.drive("aisle-3m", limit_s=40).collisions == 1


def test_in_a_lane_that_is_too_narrow_another_way_is_taken(demo: Site) -> None:
    """And not a straight one, through what is in the way, onto the lane behind it."""
    start = demo.place("aisle-2n")
    assert start is not None
    watched = Watched(demo, start, [(12.0, 11.8, 0.3)])
    outcome = watched.drive("shelf-h", limit_s=150)
    assert outcome.arrived
    assert outcome.replans == 1
    assert outcome.collisions == 0


def test_who_walks_across_is_waited_for_and_not_gone_round(demo: Site) -> None:
    start = demo.place("hall-5")
    assert start is not None
    watched = Watched(demo, start, [])

    def walk(run: Rehearsal) -> None:
        watched.states.add(run.state)
        run.world.people = [(11.0, 5.9 + 0.3 * run.now, 0.25)]

    outcome = watched.run.run("aisle-3m", each_tick=walk)
    assert outcome.arrived
    assert "AROUND" not in watched.states
    assert outcome.least_gap_m > 0.1


def test_a_thing_too_low_for_the_laser_ends_as_stuck(
    demo: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheels turn and slip, but the scans say that the robot stands."""
    start = demo.place("hall-5")
    assert start is not None
    watched = Watched(demo, start, [PERSON])
    scan: Callable[..., object] = watched.run.scanner.scan
    monkeypatch.setattr(watched.run.scanner, "scan", lambda pose, circles: scan(pose))
    outcome = watched.run.run("aisle-3m", limit_s=120, stop_at_bump=False)
    assert outcome.reason is Reason.STUCK


def test_wheels_that_stop_turning_end_as_stuck(demo: Site) -> None:
    start = demo.place("hall-5")
    assert start is not None
    watched = Watched(demo, start, [])

    def break_down(run: Rehearsal) -> None:
        run.world.wheels_stuck = run.now > 8

    outcome = watched.run.run("aisle-3m", limit_s=120, each_tick=break_down)
    assert outcome.reason is Reason.STUCK


def test_a_closed_lane_beside_a_thing_is_not_used_to_get_round_it(demo: Site) -> None:
    """Two lanes side by side; the closed one would have the room."""
    first, second = demo.place("hall-5"), demo.place("aisle-3m")
    assert first is not None and second is not None
    lanes = [replace(lane, width_m=0.9) for lane in demo.lanes]
    beside = [replace(first, id="b1", y=8.0), replace(second, id="b2", y=8.0)]
    shut = replace(lanes[0], id="shut", start="b1", end="b2", length_m=7.8, closed=True)
    site = Site(demo.grid, [*demo.waypoints, *beside], [*lanes, shut])
    watched = Watched(site, first, [PERSON])
    watched.drive("aisle-3m", limit_s=30)
    assert "AROUND" not in watched.states
    assert "ASKING" in watched.states
