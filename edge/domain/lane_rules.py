"""What lanes may not say: of themselves, and against each other."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge.domain.waypoints import Lane, Waypoint

SHORTER_M = 0.05
"""A lane's length may be this much less than the distance of its ends, for it is written with few digits."""
LONGER = 2.0
"""A straight lane that is said to be this many times as long as its ends are apart is a typing error."""
_SAID_OF_A_WAY = (
    ("length_m", "length"),
    ("width_m", "width"),
    ("speed_limit_m_s", "speed limit"),
    ("one_way", "one-way"),
    ("closed", "closed"),
    ("closed_from", "closed-from time"),
    ("closed_until", "closed-until time"),
)


@dataclass(frozen=True, slots=True)
class LaneFault:
    """`index`: of the lane among those given; `field`: what it says wrongly, empty where it is the lane as such."""

    index: int
    field: str
    message: str


def lane_faults(lanes: Sequence[Lane], places: Mapping[str, Waypoint]) -> list[LaneFault]:
    """All that cannot be right with `lanes`, between `places` by their ids; each message names its lanes."""
    faults = [
        LaneFault(index, field, f"The lane {_called(lane, places)} {said}.")
        for index, lane in enumerate(lanes)
        for field, said in _of_one(lane, places)
    ]
    return [*faults, *_same_ids(lanes, places), *_same_ways(lanes, places)]


def _of_one(lane: Lane, places: Mapping[str, Waypoint]) -> Iterator[tuple[str, str]]:
    for end in ("start", "end"):
        if getattr(lane, end) not in places:
            yield end, f"ends at {getattr(lane, end)}, and there is no such waypoint"
    if lane.start == lane.end:
        yield "end", "begins and ends at the same waypoint"
    for field, name in _SAID_OF_A_WAY[:3]:
        value = getattr(lane, field)
        if not (math.isfinite(value) and value > 0):
            yield field, f"has the {name} {value:g}; it must be above 0"
    if lane.closed_from and lane.closed_until and lane.closed_from >= lane.closed_until:
        yield "closed_until", f"opens at {lane.closed_until}, before it closes"
    yield from _of_length(lane, places)


def _of_length(lane: Lane, places: Mapping[str, Waypoint]) -> Iterator[tuple[str, str]]:
    start, end = places.get(lane.start), places.get(lane.end)
    if start is None or end is None or start.id == end.id:
        return
    apart = distance(start, end)
    if lane.length_m < apart - SHORTER_M:
        yield "length_m", f"is {lane.length_m:g} m long, but its ends are {apart:.2f} m apart"
    elif lane.length_m > LONGER * apart + 1.0:
        yield (
            "length_m",
            f"is {lane.length_m:g} m long, but its ends are only {apart:.2f} m apart",
        )


def _same_ids(lanes: Sequence[Lane], places: Mapping[str, Waypoint]) -> Iterator[LaneFault]:
    first: dict[str, Lane] = {}
    for index, lane in enumerate(lanes):
        other = first.setdefault(lane.id, lane)
        if other is not lane:
            both = f"{_called(other, places)} and {_called(lane, places)}"
            yield LaneFault(index, "id", f"Two lanes have the same id: {both}.")


def _same_ways(lanes: Sequence[Lane], places: Mapping[str, Waypoint]) -> Iterator[LaneFault]:
    """Lanes that go from the same waypoint to the same waypoint as one before: which one holds?"""
    first: dict[tuple[str, str], Lane] = {}
    for index, lane in enumerate(lanes):
        if lane.start == lane.end:
            continue
        ways = [(lane.start, lane.end)] + ([] if lane.one_way else [(lane.end, lane.start)])
        other = next((first[way] for way in ways if way in first), None)
        for way in ways:
            first.setdefault(way, lane)
        if other is not None and other.id != lane.id:
            both = f"{_called(other, places)} and {_called(lane, places)}"
            differ = _differences(other, lane)
            how = f"but say different things ({differ})" if differ else "and are the same"
            yield LaneFault(index, "", f"The lanes {both} go the same way, {how}. Keep one.")


def _differences(one: Lane, other: Lane) -> str:
    """As in: `speed limit 0.5 and 0.3, closed no and yes`."""
    pairs = [
        (name, _plain(getattr(one, field)), _plain(getattr(other, field)))
        for field, name in _SAID_OF_A_WAY
    ]
    return ", ".join(f"{name} {here} and {there}" for name, here, there in pairs if here != there)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value or "none")


def _called(lane: Lane, places: Mapping[str, Waypoint]) -> str:
    """Its id and its ends, as people call them: ids made by a program tell nobody which lane it is."""
    start, end = (
        (places[place].location_code or places[place].name) if place in places else place
        for place in (lane.start, lane.end)
    )
    return f"{lane.id} ({start} to {end})"


def distance(start: Waypoint, end: Waypoint) -> float:
    """Metres as the crow flies, up and down included."""
    return math.dist((start.x, start.y, start.z), (end.x, end.y, end.z))
