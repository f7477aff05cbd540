"""The places that the robot can go to, and the lanes between them."""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot

from edge.domain.errors import ConflictError, NotFoundError, UnknownWaypointError, ValidationError
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.services import audit, outbox
from edge.services.merging import check_version
from edge.services.records import record
from edge.store.database import Reader, Transaction
from edge.store.places import Places

DESTINATIONS = frozenset({WaypointKind.ROOM, WaypointKind.DESK, WaypointKind.SHELF})
"""Where a load can be brought to or fetched from."""


def load_site(tx: Transaction, waypoints: Sequence[Waypoint], lanes: Sequence[Lane]) -> None:
    """Make the site as given: waypoints that are not given are no longer active, other lanes go.

    Raises ConflictError where a task still needs one of those waypoints.
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
        raise NotFoundError("There is no such waypoint.")
    return found


def version(reader: Reader, waypoint_id: str) -> int:
    """How often the waypoint was written, for callers who change what they have read."""
    return Places(reader).version(waypoint_id)


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


def nearest_desk(reader: Reader, to: Waypoint) -> Waypoint:
    """The desk of the staff that is nearest as the crow flies. Raises UnknownWaypointError."""
    desks = [desk for desk in waypoints(reader, WaypointKind.DESK) if desk.is_active]
    if not desks:
        raise UnknownWaypointError("desk", field="source_location")
    return min(desks, key=lambda desk: hypot(desk.x - to.x, desk.y - to.y))


def add_waypoint(tx: Transaction, waypoint: Waypoint) -> Waypoint:
    """Raises ConflictError where its code is taken."""
    _put(tx, waypoint)
    audit.record(tx, "waypoint.add", "waypoint", waypoint.id, name=waypoint.name)
    return waypoint


def update_waypoint(tx: Transaction, waypoint: Waypoint, *, version: int | None = None) -> Waypoint:
    """Raises NotFoundError, and ConflictError where somebody else changed it, or its code is taken."""
    before = get(tx, waypoint.id)
    check_version(Places(tx).version(waypoint.id), version)
    if before.location_code != waypoint.location_code or not waypoint.is_active:
        _refuse_in_use(tx, before)
    _put(tx, waypoint)
    audit.record(tx, "waypoint.update", "waypoint", waypoint.id, name=waypoint.name)
    return waypoint


def delete_waypoint(tx: Transaction, waypoint_id: str) -> None:
    """With its lanes. Raises ConflictError where an open task goes there."""
    waypoint = get(tx, waypoint_id)
    _refuse_in_use(tx, waypoint)
    Places(tx).remove(waypoint_id)
    audit.record(tx, "waypoint.delete", "waypoint", waypoint_id, name=waypoint.name)
    outbox.emit(tx, "waypoint.deleted", "waypoint", waypoint_id, {"id": waypoint_id})


def set_lanes(tx: Transaction, lanes: Sequence[Lane]) -> list[Lane]:
    """All lanes of the site. Raises ValidationError where one ends nowhere."""
    known = {waypoint.id for waypoint in waypoints(tx)}
    loose = [lane.id for lane in lanes if not {lane.start, lane.end} <= known]
    if loose:
        said = f"These lanes do not begin and end at a waypoint: {', '.join(loose)}."
        raise ValidationError(said, fields={"lanes": [said]})
    Places(tx).replace_lanes(list(lanes))
    audit.record(tx, "lanes.set", "site", "lanes", count=len(lanes))
    outbox.emit(tx, "lanes.changed", "site", "lanes", {"lanes": [record(lane) for lane in lanes]})
    return list(lanes)


def _put(tx: Transaction, waypoint: Waypoint) -> None:
    code = waypoint.location_code
    other = Places(tx).find(code) if code else None
    same_code = other is not None and other.location_code.casefold() == code.casefold()
    if other is not None and same_code and other.id != waypoint.id:
        raise ConflictError(f"There is a waypoint with the code {code} already.")
    Places(tx).put(waypoint)
    outbox.emit(tx, "waypoint.changed", "waypoint", waypoint.id, record(waypoint))


def _refuse_in_use(tx: Transaction, waypoint: Waypoint) -> None:
    if Places(tx).is_in_use(waypoint.location_code):
        raise ConflictError("The robot still has a task there.", waypoint_id=waypoint.id)
