"""The robot: how it is, what it will do, and orders to it."""

from typing import Any

from fastapi import APIRouter, Response

from api import envelope
from api.context import Context
from api.deps import Principal, Robot, Staff, StaffOrKiosk
from api.languages import spoken
from api.lists import Paged
from api.motion import refuse_to_start
from api.schemas.base import Many, One
from api.schemas.robot import Command, GoTo, InitialPose, Maintenance, Modes, Order
from api.schemas.robot import Robot as RobotModel
from api.schemas.work import Task
from api.status import Work, robot_record, task_record
from edge.domain.errors import ForbiddenError, NotFoundError
from edge.domain.robots import CommandType
from edge.services import arrivals, places, records, tasks
from edge.services import robot as robots
from edge.services.relocation import check_pose

router = APIRouter(prefix="/api/v1/robot", tags=["robot"])


@router.get("/status", response_model=One[RobotModel], summary="How it is")
async def status(_: StaffOrKiosk, robot: Robot) -> Response:
    work = robot.read(lambda reader: Work.read(reader, robot.settings.robot.id))
    return envelope.one(robot_record(robot.settings, robot.live, work), headers=spoken())


@router.get("/status/{robot_id}", response_model=One[RobotModel], summary="How this robot is")
async def status_of(robot_id: str, who: StaffOrKiosk, robot: Robot) -> Response:
    if robot_id != robot.settings.robot.id:
        raise NotFoundError("NO_SUCH_ROBOT")
    return await status(who, robot)


@router.get("/tasks", response_model=Many[Task], summary="The queue, in the order it will run")
async def queue(_: StaffOrKiosk, robot: Robot, paging: Paged) -> Response:
    slots = robot.settings.robot.tray_slots
    waiting = robot.read(lambda reader: arrivals.expected(reader, tasks.queue(reader), slots))
    start = (paging.page - 1) * paging.limit
    items = [task_record(one) for one in waiting[start : start + paging.limit]]
    return envelope.many(items, page=paging.page, limit=paging.limit, total=len(waiting))


@router.post("/pause", response_model=One[Modes], summary="Stand, and begin nothing new")
async def pause(who: Staff, robot: Robot) -> Response:
    await robot.write(who.actor, robots.pause)
    return _modes(robot)


@router.post("/maintenance", response_model=One[Modes], summary="Take it out of service, or back")
async def maintenance(body: Maintenance, who: Staff, robot: Robot) -> Response:
    """Back into service only at the robot: whoever has their hands in it must not be surprised."""
    if not body.enabled and not who.at_robot:
        raise ForbiddenError("SERVICE_AT_ROBOT")
    await robot.write(who.actor, lambda tx: robots.set_maintenance(tx, body.enabled))
    return _modes(robot)


@router.post("/go-to", response_model=One[Command], summary="Drive to a place")
async def go_to(body: GoTo, who: Staff, robot: Robot) -> Response:
    refuse_to_start(robot, who)
    goal = robot.read(lambda reader: places.find(reader, body.location))
    return await _order(
        robot, who, CommandType.GO_TO, {"location": goal.location_code or goal.id}, body
    )


@router.post("/dock", response_model=One[Command], summary="Drive to the dock")
async def dock(who: Staff, robot: Robot, body: Order | None = None) -> Response:
    refuse_to_start(robot, who)
    return await _order(robot, who, CommandType.DOCK, {}, body or Order())


@router.post("/initial-pose", response_model=One[Command], summary="Tell it where it is")
async def initial_pose(body: InitialPose, who: Staff, robot: Robot) -> Response:
    pose = check_pose(robot.settings.map_path, body.x, body.y, body.theta)
    return await _order(robot, who, CommandType.INITIAL_POSE, pose, body)


async def _order(
    robot: Context, who: Principal, kind: CommandType, params: dict[str, Any], body: Order
) -> Response:
    robot.refuse_late(body.expires_at)
    expires_at = body.model_dump()["expires_at"]
    command = await robot.write(
        who.actor, lambda tx: robots.order(tx, kind, params, expires_at=expires_at)
    )
    return envelope.one(records.record(command))


def _modes(robot: Context) -> Response:
    state = robot.read(robots.get_state)
    return envelope.one({"paused": state.paused, "maintenance": state.maintenance})
