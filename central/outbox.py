"""What the robots are to be told: written with the change it tells of, numbered without gaps for each robot."""

from typing import Any

from sqlalchemy import Connection, select, update

from central import tables
from central.store import get_meta, new_id, stamp
from sync.wire.envelope import Event

ORIGIN = "central"


def emit(
    tx: Connection,
    robot_id: str,
    *,
    kind: str,
    entity: str,
    entity_id: str,
    actor: str,
    data: dict[str, Any],
) -> None:
    """Tell `robot_id` of a change, in the transaction of that change."""
    stream, head, _ = open_stream(tx, robot_id)
    event = Event(
        stream=stream,
        seq=head + 1,
        id=new_id(),
        type=kind,
        entity=entity,
        entity_id=entity_id,
        hlc=stamp(tx),
        origin=ORIGIN,
        actor=actor,
        schema_version=1,
        data=data,
    )
    tx.execute(
        tables.down_event.insert().values(
            stream=stream, seq=event.seq, body=event.model_dump(mode="json")
        )
    )
    tx.execute(_of(robot_id).values(head=event.seq))


def open_stream(tx: Connection, robot_id: str) -> tuple[str, int, int]:
    """Name, head and confirmed end of the stream to `robot_id`; made where there is none."""
    row = tx.execute(
        select(tables.down_stream).where(tables.down_stream.c.robot_id == robot_id)
    ).one_or_none()
    if row is not None:
        return row.stream, row.head, row.acked
    stream = f"{ORIGIN}:{get_meta(tx, 'birth')}:{robot_id}"
    tx.execute(
        tables.down_stream.insert().values(robot_id=robot_id, stream=stream, head=0, acked=0)
    )
    return stream, 0, 0


def pending(tx: Connection, robot_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """The next events for `robot_id`, oldest first."""
    stream, _, _ = open_stream(tx, robot_id)
    query = select(tables.down_event.c.body).where(
        tables.down_event.c.stream == stream, tables.down_event.c.seq > after
    )
    return list(tx.execute(query.order_by(tables.down_event.c.seq).limit(limit)).scalars())


def acknowledge(tx: Connection, robot_id: str, through: int) -> None:
    tx.execute(_of(robot_id).values(acked=through))


def _of(robot_id: str) -> Any:
    return update(tables.down_stream).where(tables.down_stream.c.robot_id == robot_id)
