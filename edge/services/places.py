"""The places that the robot can go to, and the lanes between them."""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot

from edge.domain.errors import ConflictError, NotFoundError, UnknownWaypointError, ValidationError
from edge.domain.lane_rules import distance, lane_faults
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.services import audit, outbox
from edge.services.merging import check_version
from edge.services.records import record
from edge.store.database import Reader, Transaction
from edge.store.memory import Memory
from edge.store.places import Places

DESTINATIONS = frozenset({WaypointKind.ROOM, WaypointKind.DESK, WaypointKind.SHELF})
"""Where a load can be brought to or fetched from."""
_WITHOUT_SIGN = frozenset({WaypointKind.JUNCTION, WaypointKind.LIFT})
_VERSIONS = "site"
"""Under which name the store remembers how often the site was changed."""


def load_site(tx: Transaction, waypoints: Sequence[Waypoint], lanes: Sequence[Lane]) -> None:
    """Make the site as given: waypoints that are not given are no longer active, other lanes go.

    Raises ConflictError where a task still needs one of those waypoints, ValidationError as set_lanes does.
    """
    given = {waypoint.id for waypoint in waypoints}
    for gone in Places(tx).waypoints(None):
        if gone.is_active and gone.id not in given:
            _refuse_in_use(tx, gone)
            _put(tx, replace(gone, is_active=False))
    for waypoint in waypoints:
        _put(tx, waypoint)
    set_lanes(tx, lanes)


def waypoints(reader: Reader, kind: WaypointKind | None = None) -> list[Waypoint]:
    return Places(reader).waypoints(kind)


def get(reader: Reader, waypoint_id: str) -> Waypoint:
    """Raises NotFoundError."""
    found = Places(reader).get(waypoint_id)
    if found is None:
        raise NotFoundError("NO_SUCH_WAYPOINT")
    return found


def find(reader: Reader, name_or_code: str, *, field: str = "request_location") -> Waypoint:
    """The active waypoint of this name or code. Raises UnknownWaypointError, naming `field`."""
    found = Places(reader).find(name_or_code)
    if found is None or not found.is_active:
        raise UnknownWaypointError(name_or_code, field=field)
    return found


def find_destination(reader: Reader, name_or_code: str, *, field: str) -> Waypoint:
    """`find`, for a place where people are. Raises UnknownWaypointError."""
    found = find(reader, name_or_code, field=field)
    if found.kind not in DESTINATIONS:
        raise UnknownWaypointError(name_or_code, field=field)
    return found


def lanes(reader: Reader) -> list[Lane]:
    return Places(reader).lanes()


def site_version(reader: Reader) -> int:
    """A number that grows with each change of a waypoint or lane."""
    return int(Memory(reader).get(_VERSIONS).get("site", 0))


def lanes_version(reader: Reader) -> int:
    """How often the lanes were written, for callers who change what they have read."""
    return int(Memory(reader).get(_VERSIONS).get("lanes", 0))


def nearest_desk(reader: Reader, to: Waypoint) -> Waypoint:
    """The desk of the staff that is nearest as the crow flies. Raises UnknownWaypointError."""
    desks = [desk for desk in waypoints(reader, WaypointKind.DESK) if desk.is_active]
    if not desks:
        raise UnknownWaypointError("desk", field="source_location")
    return min(desks, key=lambda desk: hypot(desk.x - to.x, desk.y - to.y))


def add_waypoint(tx: Transaction, waypoint: Waypoint) -> Waypoint:
    """Raises ConflictError where its code is taken, ValidationError where it needs one."""
    _refuse_nameless(waypoint)
    added = _put(tx, waypoint)
    audit.record(tx, "waypoint.add", "waypoint", waypoint.id, name=waypoint.name)
    return added


def update_waypoint(tx: Transaction, waypoint: Waypoint, *, version: int | None = None) -> Waypoint:
    """The lanes that end there are measured anew where it moved.

    Raises NotFoundError; ConflictError where somebody else changed it, or its code is taken; ValidationError where it
    needs one.
    """
    _refuse_nameless(waypoint)
    before = get(tx, waypoint.id)
    check_version(before.version, version)
    if before.location_code != waypoint.location_code or not waypoint.is_active:
        _refuse_in_use(tx, before)
    changed = _put(tx, waypoint)
    if (before.x, before.y, before.z) != (waypoint.x, waypoint.y, waypoint.z):
        _measure_lanes(tx, waypoint.id)
    audit.record(tx, "waypoint.update", "waypoint", waypoint.id, name=waypoint.name)
    return changed


def delete_waypoint(tx: Transaction, waypoint_id: str) -> None:
    """With its lanes. Raises ConflictError where an open task goes there."""
    waypoint = get(tx, waypoint_id)
    _refuse_in_use(tx, waypoint)
    Places(tx).remove(waypoint_id)
    _count(tx, "site", "lanes")
    audit.record(tx, "waypoint.delete", "waypoint", waypoint_id, name=waypoint.name)
    outbox.emit(tx, "waypoint.deleted", "waypoint", waypoint_id, {"id": waypoint_id})


def set_lanes(tx: Transaction, lanes: Sequence[Lane], *, version: int | None = None) -> list[Lane]:
    """All lanes of the site.

    Raises ValidationError, naming the lanes, where they cannot be right or contradict each other; ConflictError where
    somebody else changed them since `version`.
    """
    check_version(lanes_version(tx), version)
    faults = lane_faults(lanes, {waypoint.id: waypoint for waypoint in waypoints(tx)})
    if faults:
        fields: dict[str, list[str]] = {}
        for fault in faults:
            path = f"edges.{fault.index}" + (f".{fault.field}" if fault.field else "")
            fields.setdefault(path, []).append(fault.message)
        raise ValidationError("LANES_WRONG", fields=fields, why=faults[0].message)
    _write_lanes(tx, lanes)
    audit.record(tx, "lanes.set", "site", "lanes", count=len(lanes))
    return list(lanes)


def _measure_lanes(tx: Transaction, waypoint_id: str) -> None:
    """Lanes are straight: with one end they change their length."""
    places = {waypoint.id: waypoint for waypoint in waypoints(tx)}
    before = lanes(tx)
    after = [
        replace(lane, length_m=round(distance(places[lane.start], places[lane.end]), 3))
        if waypoint_id in (lane.start, lane.end)
        else lane
        for lane in before
    ]
    if after != before:
        _write_lanes(tx, after)


def _write_lanes(tx: Transaction, lanes: Sequence[Lane]) -> None:
    Places(tx).replace_lanes(list(lanes))
    _count(tx, "site", "lanes")
    outbox.emit(tx, "lanes.changed", "site", "lanes", {"lanes": [record(lane) for lane in lanes]})


def _count(tx: Transaction, *names: str) -> None:
    """Something of `names` changed."""
    versions = Memory(tx).get(_VERSIONS)
    Memory(tx).put(_VERSIONS, versions | {name: versions.get(name, 0) + 1 for name in names})


def _put(tx: Transaction, waypoint: Waypoint) -> Waypoint:
    """As it is now, with its version."""
    code = waypoint.location_code
    other = Places(tx).find(code) if code else None
    same_code = other is not None and other.location_code.casefold() == code.casefold()
    if other is not None and same_code and other.id != waypoint.id:
        raise ConflictError("CODE_TAKEN", location_code=code)
    written = replace(waypoint, version=Places(tx).put(waypoint))
    _count(tx, "site")
    outbox.emit(tx, "waypoint.changed", "waypoint", waypoint.id, record(written))
    return written


def _refuse_nameless(waypoint: Waypoint) -> None:
    if not waypoint.location_code and waypoint.kind not in _WITHOUT_SIGN:
        raise ValidationError("CODE_WANTED", field="location_code", kind=waypoint.kind)


def _refuse_in_use(tx: Transaction, waypoint: Waypoint) -> None:
    if Places(tx).is_in_use(waypoint.location_code):
        raise ConflictError("WAYPOINT_IN_USE", waypoint_id=waypoint.id)
