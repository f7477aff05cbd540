"""Alive, ready, and in numbers. Asked by machines, without a login."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from api import envelope, readiness
from api.deps import Anyone, Robot
from api.errors import RETRY_AFTER_S
from api.schemas.base import One
from api.schemas.health import Alive, Ready
from edge.services import outbox

router = APIRouter(tags=["health"])


@router.get("/health", response_model=One[Alive], summary="The process is alive")
async def health(_: Anyone) -> Response:
    return envelope.one({"status": "ok"})


@router.get("/ready", response_model=One[Ready], summary="Whether the robot can do its job")
async def ready(_: Anyone, robot: Robot) -> Response:
    found = readiness.parts(robot)
    is_ready = readiness.is_ready(found)
    told = {name: {"status": part.status, "reason": part.reason} for name, part in found.items()}
    if is_ready:
        return envelope.one({"ready": True, "parts": told})
    return envelope.failure(
        503,
        "ROBOT_UNAVAILABLE",
        "A part of the robot is down.",
        {"ready": False, "parts": told},
        {"Retry-After": str(RETRY_AFTER_S)},
    )


@router.get("/metrics", response_class=PlainTextResponse, summary="Numbers for Prometheus")
async def metrics(_: Anyone, robot: Robot) -> Response:
    """What they mean is in `docs/http.md`."""
    found = readiness.parts(robot)
    if found["store"].status is readiness.Health.OK:
        robot.metrics.outbox.set(robot.read(outbox.waiting))
    return Response(robot.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
