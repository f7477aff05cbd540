"""Places the robot can go to, the lanes between them, and the map they lie on."""

import base64
from typing import Any

from fastapi import APIRouter, Request, Response

from api import envelope
from api.context import Context
from api.deps import Everybody, Robot, Staff
from api.lists import Paged
from api.once import Once
from api.schemas.base import Deleted, Many, One
from api.schemas.robot import AllLanes, Lanes, Map, NewWaypoint, Waypoint
from api.versions import IfMatch, etag
from edge.domain import waypoints as domain
from edge.domain.errors import ValidationError
from edge.domain.waypoints import WaypointKind
from edge.services import places
from edge.services.records import record
from edge.services.relocation import check_pose
from edge.store.database import new_id

router = APIRouter(prefix="/api/v1/robot", tags=["places"])


@router.get("/waypoints", response_model=Many[Waypoint], summary="Where it can go")
async def waypoints(
    _: Everybody, robot: Robot, paging: Paged, kind: WaypointKind | None = None
) -> Response:
    found = robot.read(lambda reader: places.waypoints(reader, kind))
    start = (paging.page - 1) * paging.limit
    items = [record(one) for one in found[start : start + paging.limit]]
    return envelope.many(items, page=paging.page, limit=paging.limit, total=len(found))


@router.post("/waypoints", response_model=One[Waypoint], status_code=201, summary="Add a place")
async def add_waypoint(body: NewWaypoint, who: Staff, robot: Robot, once: Once) -> Response:
    place = _waypoint(new_id(), body)
    _refuse_misplaced(robot, place)
    return await once.create(who, body, lambda tx: record(places.add_waypoint(tx, place)))


@router.put("/waypoints/{waypoint_id}", response_model=One[Waypoint], summary="Change a place")
async def update_waypoint(
    waypoint_id: str, body: NewWaypoint, who: Staff, robot: Robot, version: IfMatch
) -> Response:
    """The lanes that end there are measured anew where it moved. Whether the lanes are free is for `luna map check`."""
    place = _waypoint(waypoint_id, body)
    _refuse_misplaced(robot, place)
    changed = await robot.write(
        who.actor, lambda tx: places.update_waypoint(tx, place, version=version)
    )
    return envelope.one(record(changed), headers=etag(changed.version))


@router.delete("/waypoints/{waypoint_id}", response_model=One[Deleted], summary="Remove a place")
async def delete_waypoint(waypoint_id: str, who: Staff, robot: Robot) -> Response:
    await robot.write(who.actor, lambda tx: places.delete_waypoint(tx, waypoint_id))
    return envelope.one({"deleted": True})


@router.get("/edges", response_model=AllLanes, summary="The lanes between places")
async def lanes(_: Staff, robot: Robot) -> Response:
    return _lanes(robot)


@router.put("/edges", response_model=AllLanes, summary="All lanes anew")
async def set_lanes(body: Lanes, who: Staff, robot: Robot, version: IfMatch) -> Response:
    """Refused as a whole where a lane cannot be right, or two contradict each other."""
    wanted = [domain.Lane(**{**one.model_dump(), "id": one.id or new_id()}) for one in body.edges]
    await robot.write(who.actor, lambda tx: places.set_lanes(tx, wanted, version=version))
    return _lanes(robot)


@router.get("/map", response_model=One[Map], summary="The map, as PNG or with its measures")
async def get_map(request: Request, _: Everybody, robot: Robot) -> Response:
    """JSON with the picture inside; the bare PNG where the client asks for an image."""
    found = robot.map.get()
    if "image/" in request.headers.get("accept", ""):
        headers = {"ETag": found.etag, "Cache-Control": "no-cache", **_measures(found)}
        if request.headers.get("if-none-match") == found.etag:
            return Response(status_code=304, headers=headers)
        return Response(found.png, media_type="image/png", headers=headers)
    data = {
        "width": found.width,
        "height": found.height,
        "resolution": found.resolution,
        "origin": found.origin,
        "image": "data:image/png;base64," + base64.b64encode(found.png).decode(),
    }
    return envelope.one(data)


def _lanes(robot: Context) -> Response:
    found, version = robot.read(lambda reader: (places.lanes(reader), places.lanes_version(reader)))
    return envelope.one([record(one) for one in found], headers=etag(version))


def _refuse_misplaced(robot: Context, place: domain.Waypoint) -> None:
    """Raises ValidationError for a place off the map or in a wall."""
    try:
        check_pose(robot.settings.map_path, place.x, place.y, place.theta)
    except ValidationError as refused:
        said = refused.sentence
        fields = {"x_coordinate": [said], "y_coordinate": [said]}
        raise ValidationError(said, fields=fields) from None


def _measures(found: Any) -> dict[str, str]:
    x, y, theta = found.origin
    return {"X-Map-Resolution": str(found.resolution), "X-Map-Origin": f"{x},{y},{theta}"}


def _waypoint(waypoint_id: str, body: NewWaypoint) -> domain.Waypoint:
    return domain.Waypoint(
        id=waypoint_id,
        name=body.name,
        location_code=body.location_code,
        x=body.x_coordinate,
        y=body.y_coordinate,
        z=body.z_coordinate,
        theta=body.theta,
        kind=body.kind,
        metadata=body.metadata,
        is_active=body.is_active,
    )
