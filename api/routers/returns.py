"""Readers give books back."""

from typing import Any

from fastapi import APIRouter, Response

from api import envelope
from api.deps import OwnerOrStaff, Principal, Robot, SignedIn
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.once import Once
from api.schemas.base import Many, One
from api.schemas.work import NewReturn, Return
from edge.domain.returns import Return as BookReturn
from edge.domain.returns import ReturnStatus
from edge.services import records, returns
from edge.store.database import Reader, Transaction

router = APIRouter(prefix="/api/v1/returns", tags=["returns"])


def visible(reader: Reader, who: Principal, return_id: str) -> BookReturn:
    """Raises NotFoundError also where it is another's."""
    found = returns.get(reader, return_id)
    who.require(found.user_id, "return")
    return found


@router.post("", response_model=One[Return], status_code=201, summary="Have a book fetched")
async def create(body: NewReturn, who: SignedIn, once: Once) -> Response:
    def work(tx: Transaction) -> dict[str, Any]:
        return records.record(returns.create(tx, user_id=who.id, **body.model_dump()))

    return await once.create(who, body, work)


@router.get("", response_model=Many[Return], summary="Returns: mine, or all for librarians")
async def list_returns(
    who: OwnerOrStaff,
    robot: Robot,
    paging: Paged,
    status: ReturnStatus | None = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: returns.list_returns(
            reader,
            user_id=None if who.sees_all else who.id,
            status=status,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found)


@router.get("/{return_id}", response_model=One[Return], summary="One return")
async def get_return(return_id: str, who: OwnerOrStaff, robot: Robot) -> Response:
    return envelope.one(records.record(robot.read(lambda reader: visible(reader, who, return_id))))


@router.put(
    "/{return_id}/picked-up", response_model=One[Return], summary="The book is on the robot"
)
async def picked_up(return_id: str, who: OwnerOrStaff, robot: Robot) -> Response:
    def work(tx: Transaction) -> BookReturn:
        visible(tx, who, return_id)
        return returns.picked_up(tx, return_id)

    return envelope.one(records.record(await robot.write(who.actor, work)))


@router.put("/{return_id}/cancel", response_model=One[Return], summary="I keep it")
async def cancel(return_id: str, who: OwnerOrStaff, robot: Robot) -> Response:
    def work(tx: Transaction) -> BookReturn:
        visible(tx, who, return_id)
        return returns.cancel(tx, return_id)

    return envelope.one(records.record(await robot.write(who.actor, work)))
