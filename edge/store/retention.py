"""What is forgotten, and when: nothing that is still going on, and nothing that the other side has not been told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.clock import SystemClock
from edge.domain.times import format_time
from edge.domain.users import SYSTEM
from edge.ports import Clock
from edge.store.database import Database, Transaction
from edge.store.memory import Memory

CHUNK = 500
"""Rows in one transaction, so that nobody else waits for long."""
CATCHES_UP_DAYS = 2.0
"""A run forgets no more than so many days beyond the run before it, whatever the clock says: one that jumped years
ahead must not cost the history."""
_MEMORY = "retention"


@dataclass(frozen=True, slots=True)
class Ages:
    """Days that are kept; `tombstones_wait`: a removed record stays until the other side has seen that it is."""

    history: float = 365
    notifications: float = 90
    audit: float = 2555
    answers: float = 7
    tombstones_wait: bool = True


_OVER = "('COMPLETED', 'FAILED', 'CANCELLED')"
_TOLD = """id NOT IN (SELECT entity_id FROM outbox WHERE seq > ifnull((SELECT through FROM sync_cursor, meta AS robot,
    meta AS life WHERE direction = 'up' AND robot.key = 'robot_id' AND life.key = 'birth'
    AND stream = robot.value || ':' || life.value), 0))"""
_RULES: tuple[tuple[str, str, str, str], ...] = (
    # Table, its key, whose age, and what else has to be so. Who names another comes before it.
    ("task_history", "id", "history",
        f"task_id IN (SELECT id FROM task WHERE phase IN {_OVER} AND completed_at < ?)"),
    ("task", "id", "history",
        f"phase IN {_OVER} AND completed_at < ? AND {_TOLD}"
        " AND NOT EXISTS (SELECT 1 FROM task_history WHERE task_id = task.id)"),
    ("request", "id", "history",
        f"status IN {_OVER} AND ifnull(completed_at, requested_at) < ? AND {_TOLD}"
        " AND NOT EXISTS (SELECT 1 FROM task WHERE request_id = request.id)"),
    ("return_request", "id", "history",
        f"status IN {_OVER} AND ifnull(completed_at, initiated_at) < ? AND {_TOLD}"
        " AND NOT EXISTS (SELECT 1 FROM task WHERE return_id = return_request.id)"),
    ("robot_command", "id", "history", "status NOT IN ('PENDING', 'RUNNING') AND finished_at < ?"),
    ("remote_command", "command_id", "history", "received_at < ?"),
    ("inbox_rejected", "rowid", "history", "at < ?"),
    ("book", "id", "history",
        f"deleted_at < ? AND {_TOLD} AND NOT EXISTS (SELECT 1 FROM copy WHERE book_id = book.id)"
        " AND NOT EXISTS (SELECT 1 FROM request WHERE book_id = book.id)"
        " AND NOT EXISTS (SELECT 1 FROM return_request WHERE book_id = book.id)"),
    ("notification", "id", "notifications", f"created_at < ? AND {_TOLD}"),
    ("audit", "id", "audit", "at < ?"),
    ("stop_event", "id", "audit", "at < ?"),
    ("refresh_token", "token_hash", "answers", "expires_at < ?"),
    ("idempotency", "key", "answers", "created_at < ?"),
)  # fmt: skip


def forget(database: Database, ages: Ages, *, clock: Clock | None = None) -> dict[str, int]:
    """Remove what is older than `ages`, a few rows at a time; how many of each table."""
    until = database.write(SYSTEM, lambda tx: _until(tx, (clock or SystemClock()).now()))
    removed = {}
    for table, key, age, condition in _RULES:
        wanted = condition if ages.tombstones_wait else condition.replace(_TOLD, "TRUE")
        before = format_time(until - timedelta(days=getattr(ages, age)))
        removed[table] = _remove(database, table, key, wanted, before)
    return {table: count for table, count in removed.items() if count}


def _remove(database: Database, table: str, key: str, condition: str, before: str) -> int:
    rows = database.read(lambda r: r.rows(f"SELECT {key} FROM {table} WHERE {condition}", before))
    keys = [row[0] for row in rows]
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        marks = ", ".join("?" * len(some))
        # The condition again: something may have happened since it was read.
        sql = f"DELETE FROM {table} WHERE {key} IN ({marks}) AND {condition}"
        database.write(SYSTEM, lambda tx, sql=sql, some=some: tx.execute(sql, *some, before))  # type: ignore[misc]
    return len(keys)


def _until(tx: Transaction, now: datetime) -> datetime:
    """The time by which ages are counted in this run."""
    memory = Memory(tx)
    last = memory.get(_MEMORY).get("until")
    if last is not None:
        before = datetime.fromisoformat(str(last))
        now = max(before, min(now, before + timedelta(days=CATCHES_UP_DAYS)))
    memory.put(_MEMORY, {"until": format_time(now)})
    return now
