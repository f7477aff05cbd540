"""Accounts, as admins manage them, and what everybody did."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api import envelope
from api.deps import Admin, Robot
from api.lists import Direction, Paged, SortKey, SortOrder, many
from api.once import Once
from api.schemas.audit import AuditEntry
from api.schemas.base import Many, One
from api.schemas.people import NewUser, User, UserChange, UserRole
from api.versions import IfMatch, etag
from edge.domain import users as domain
from edge.services import audit, records, users
from edge.store.database import Transaction

router = APIRouter(prefix="/api/v1", tags=["users"])

Filter = Annotated[str | None, Query(max_length=100)]


@router.get("/users", response_model=Many[User], summary="All accounts")
async def list_users(
    _: Admin,
    robot: Robot,
    paging: Paged,
    role: UserRole | None = None,
    active: bool | None = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    found = robot.read(
        lambda reader: users.list_users(
            reader,
            role=role,
            active=active,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found)


@router.post("/users", response_model=One[User], status_code=201, summary="Make an account")
async def add_user(body: NewUser, who: Admin, robot: Robot, once: Once) -> Response:
    """Of any role, with a PIN and a card for the touchscreen where they are given."""
    password_hash = await robot.secrets.hash_new(body.password)
    pin_hash = await robot.secrets.hash_pin(body.pin) if body.pin else None
    wanted = body.model_dump(exclude={"password", "pin"})

    def work(tx: Transaction) -> dict[str, Any]:
        user = users.register(tx, password_hash=password_hash, pin_hash=pin_hash, **wanted)
        return records.record(user)

    told = body.model_copy(update={"password": "", "pin": None})  # no trace of them is kept
    return await once.create(who, told, work)


@router.get("/users/{user_id}", response_model=One[User], summary="One account")
async def get_user(user_id: str, _: Admin, robot: Robot) -> Response:
    user = robot.read(lambda reader: users.get(reader, user_id))
    return envelope.one(records.record(user), headers=etag(user.version))


@router.patch("/users/{user_id}", response_model=One[User], summary="Change role, rights, PIN")
async def change_user(
    user_id: str, body: UserChange, who: Admin, robot: Robot, version: IfMatch
) -> Response:
    """The last active admin stays one."""
    changes = body.model_dump(exclude_unset=True)
    pin = changes.pop("pin", None)
    pin_hash = await robot.secrets.hash_pin(pin) if pin else None

    def work(tx: Transaction) -> domain.User:
        card = {"card_number": changes.pop("card_number")} if "card_number" in changes else {}
        user = users.update_profile(tx, user_id, version=version, **changes)
        if "pin" in body.model_fields_set:
            users.set_pin(tx, user_id, pin_hash)
        if card:
            users.set_card(tx, user_id, card["card_number"])
        return user

    user = await robot.write(who.actor, work)
    return envelope.one(records.record(user), headers=etag(user.version))


@router.get("/audit", response_model=Many[AuditEntry], summary="Who did what", tags=["audit"])
async def list_audit(
    _: Admin,
    robot: Robot,
    paging: Paged,
    actor: Filter = None,
    action: Filter = None,
    entity: Filter = None,
    entity_id: Filter = None,
    sort: SortKey = "created_at",
    order: Direction = SortOrder.ASC,
) -> Response:
    """Also every stop, reset, remote command and refused command."""
    found = robot.read(
        lambda reader: audit.list_entries(
            reader,
            actor=actor,
            action=action,
            entity=entity,
            entity_id=entity_id,
            sort=sort,
            order=order,
            page=paging.page,
            limit=paging.limit,
        )
    )
    return many(found)
