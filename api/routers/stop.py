"""STOP, and the way back: reset at the robot, then resume. Nothing here asks the database or the broker first."""

from fastapi import APIRouter, Request, Response

from api import envelope
from api.context import Context
from api.deps import Principal, Robot, Staff, StaffAtRobot, Stopping
from api.languages import LANGUAGE
from api.motion import refuse_to_start
from api.pages import Pages, wants_page
from api.schemas.base import One
from api.schemas.robot import Modes, Order, Reset, Stopped
from edge.domain.errors import ForbiddenError, NotFoundError, UnavailableError
from edge.domain.stops import MotionState
from edge.services import robot as robots

router = APIRouter(prefix="/api/v1/robot", tags=["stop"])


@router.post("/emergency-stop", response_model=One[Stopped], summary="STOP")
async def emergency_stop(request: Request, who: Stopping, robot: Robot) -> Response:
    """Needs no body and, at the robot, no login; a plain HTML form may send it."""
    return await _stop(request, who, robot)


@router.post(
    "/emergency-stop/reset", response_model=One[Stopped], summary="End a stop, at the robot"
)
async def reset(body: Reset, who: StaffAtRobot, robot: Robot) -> Response:
    """The robot stands still until `resume`."""
    await robot.stopper.reset(body.event_id, who.id)
    return envelope.one({"event_id": body.event_id, "stopped": False, "joined": False})


@router.post("/emergency-stop/{robot_id}", response_model=One[Stopped], summary="STOP this robot")
async def emergency_stop_of(
    robot_id: str, request: Request, who: Stopping, robot: Robot
) -> Response:
    if robot_id != robot.settings.robot.id:
        raise NotFoundError("STOP_ANOTHER_ROBOT")
    return await _stop(request, who, robot)


@router.post("/resume", response_model=One[Modes], summary="Go on after a pause, or after a reset")
async def resume(who: Staff, robot: Robot, body: Order | None = None) -> Response:
    """After a reset and under maintenance only at the robot; the resume of a mere pause also from elsewhere."""
    robot.refuse_late(body.expires_at if body else None)
    if who.at_robot:
        await robot.stopper.resume(who.id)
    else:
        _refuse_after_reset(robot)
        refuse_to_start(robot, who)
    await robot.write(who.actor, robots.resume)
    state = robot.read(robots.get_state)
    return envelope.one({"paused": state.paused, "maintenance": state.maintenance})


async def _stop(request: Request, who: Principal, robot: Context) -> Response:
    pages: Pages | None = request.app.state.pages if wants_page(request) else None
    try:
        receipt = await robot.stopper.stop(who.id, who.role)
    except UnavailableError:
        if pages is None:
            raise
        return pages.stop_outcome(LANGUAGE.get(), confirmed=False)
    if pages is not None:
        return pages.stop_outcome(LANGUAGE.get(), confirmed=True)
    return envelope.one({"event_id": receipt.event_id, "stopped": True, "joined": receipt.joined})


def _refuse_after_reset(robot: Context) -> None:
    gate = robot.live.gate
    if gate is not None and gate.state is MotionState.RESET:
        raise ForbiddenError("GO_ON_AT_ROBOT")
