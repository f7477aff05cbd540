"""The robot's tasks, as librarians see and steer them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api import envelope
from api.context import Context
from api.deps import Principal, Robot, Staff
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.once import Creating, Once
from api.schemas.base import Many, One
from api.schemas.work import History, NewPriority, NewTask, Task
from api.status import task_record
from edge.domain.tasks import TaskStatus, TaskType
from edge.domain.times import order_at_library
from edge.services import arrivals, records, tasks
from edge.store.database import Reader, Transaction

router = APIRouter(prefix="/api/v1/deliveries", tags=["deliveries"])


@router.get("", response_model=Many[Task], summary="All tasks")
async def list_tasks(
    _: Staff,
    robot: Robot,
    paging: Paged,
    status: TaskStatus | None = None,
    task_type: TaskType | None = None,
    robot_id: Annotated[str | None, Query(max_length=64)] = None,
    since: Annotated[str | None, Query(max_length=40)] = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: tasks.list_tasks(
            reader,
            status=status,
            task_type=task_type,
            robot_id=robot_id,
            since=since,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found, task_record)


@router.get("/{task_id}", response_model=One[Task], summary="One task with its history")
async def get_task(task_id: str, _: Staff, robot: Robot) -> Response:
    def read(reader: Reader) -> dict[str, Any]:
        slots = robot.settings.robot.tray_slots
        return records.record(arrivals.expected_one(reader, tasks.get(reader, task_id), slots))

    return envelope.one(robot.read(read))


@router.get("/{task_id}/history", response_model=History, summary="What happened to it")
async def history(task_id: str, _: Staff, robot: Robot) -> Response:
    task = robot.read(lambda reader: tasks.get(reader, task_id))
    return envelope.one(records.record(task)["history"])


@router.post("/inter-staff", response_model=One[Task], status_code=201, summary="From desk to desk")
async def inter_staff(body: NewTask, who: Staff, robot: Robot, once: Once) -> Response:
    return await _create(TaskType.INTER_STAFF, body, who, robot, once)


@router.post("/workstation", response_model=One[Task], status_code=201, summary="To a workstation")
async def workstation(body: NewTask, who: Staff, robot: Robot, once: Once) -> Response:
    return await _create(TaskType.WORKSTATION, body, who, robot, once)


@router.post("/transfer", response_model=One[Task], status_code=201, summary="From place to place")
async def transfer(body: NewTask, who: Staff, robot: Robot, once: Once) -> Response:
    return await _create(TaskType.TRANSFER, body, who, robot, once)


@router.put(
    "/{task_id}/book-placed", response_model=One[Task], summary="The load is on the robot: go"
)
async def book_placed(task_id: str, who: Staff, robot: Robot) -> Response:
    task = await robot.write(who.actor, lambda tx: tasks.load_placed(tx, task_id))
    return envelope.one(task_record(task))


@router.put("/{task_id}/complete", response_model=One[Task], summary="The load was taken")
async def complete(task_id: str, who: Staff, robot: Robot) -> Response:
    task = await robot.write(who.actor, lambda tx: tasks.hand_over(tx, task_id))
    return envelope.one(task_record(task))


@router.put("/{task_id}/cancel", response_model=One[Task], summary="Don't, or bring it back")
async def cancel(task_id: str, who: Staff, robot: Robot) -> Response:
    task = await robot.write(who.actor, lambda tx: tasks.cancel(tx, task_id))
    return envelope.one(task_record(task))


@router.put("/{task_id}/priority", response_model=One[Task], summary="How soon it is wanted")
async def set_priority(task_id: str, body: NewPriority, who: Staff, robot: Robot) -> Response:
    task = await robot.write(who.actor, lambda tx: tasks.set_priority(tx, task_id, body.priority))
    return envelope.one(task_record(task))


async def _create(
    kind: TaskType, body: NewTask, who: Principal, robot: Context, once: Creating
) -> Response:
    wanted = order_at_library(body.model_dump(), robot.settings.library.zone)

    def work(tx: Transaction) -> dict[str, Any]:
        return task_record(tasks.create_transfer(tx, task_type=kind, **wanted))

    return await once.create(who, body, work)
