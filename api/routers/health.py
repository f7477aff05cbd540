"""Alive, ready, and in numbers. Asked by machines, without a login."""

import math
import shutil

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from api import envelope, readiness
from api.context import Context
from api.deps import Anyone, Robot
from api.errors import RETRY_AFTER_S
from api.schemas.base import One
from api.schemas.health import Alive, Ready
from api.status import Work, robot_record
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
    numbers = {"disk_free_bytes": float(shutil.disk_usage(robot.settings.data_dir).free)}
    if robot.tls.ends is not None:
        numbers["certificate_ends_seconds"] = robot.tls.ends.timestamp()
    if found["store"].status is readiness.Health.OK:
        robot.metrics.outbox.set(robot.read(outbox.waiting))
        numbers |= _of_the_robot(robot)
    for name, gauge in robot.metrics.robot.items():
        gauge.set(numbers.get(name, math.nan))
    return Response(robot.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _of_the_robot(robot: Context) -> dict[str, float]:
    """What is known of how it is."""
    work = robot.read(lambda reader: Work.read(reader, robot.settings.robot.id))
    record = robot_record(robot.settings, robot.live, work)
    known = {
        "stopped": record["emergency_stop"]["active"],
        "battery_ratio": record["battery_level"],
        "tasks_queued": record["queue_length"],
    }
    return {name: float(value) for name, value in known.items() if value is not None}
