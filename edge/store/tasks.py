"""Tasks, their history, and the queue."""

import itertools
from typing import Any

import orjson

from edge.domain.tasks import HistoryEntry, Phase, Priority, Task, TaskStatus, TaskType
from edge.store.database import Transaction, to_json
from edge.store.paging import Page
from edge.store.repository import R_co, Repository, columns, ordering, page_of
from edge.store.sqlite import Row
from edge.store.turns import FIRST_OF_STRETCH, STRETCHES, ages

SORTS = {name: name for name in ("created_at", "started_at", "completed_at", "deadline", "phase")}
HISTORY_LOOKED_AT = 2000
"""Some 200 trips: enough to know the usual, few enough to be read at once."""
_FINISHED = "('COMPLETED', 'FAILED', 'CANCELLED')"


class Tasks(Repository[R_co]):
    def get(self, task_id: str) -> Task | None:
        row = self._store.row("SELECT * FROM task WHERE id = ?", task_id)
        return None if row is None else _task(row)

    def history(self, task_id: str) -> tuple[HistoryEntry, ...]:
        rows = self._store.rows("SELECT * FROM task_history WHERE task_id = ? ORDER BY id", task_id)
        return tuple(_entry(row) for row in rows)

    def page(
        self,
        status: TaskStatus | None,
        task_type: TaskType | None,
        robot_id: str | None,
        since: str | None,
        *,
        page: int,
        limit: int,
        sort: str,
        order: str,
    ) -> Page[Task]:
        return page_of(
            self._store,
            "* FROM task",
            [
                _status_condition(status),
                ("task_type = ?", task_type),
                ("assigned_robot_id = ?", robot_id),
                ("created_at >= ?", since),
            ],
            _task,
            order_by=ordering(SORTS, sort, order),
            page=page,
            limit=limit,
        )

    def in_hand(self, robot_id: str | None = None) -> list[Task]:
        """Claimed and not finished, by this robot or by any."""
        rows = self._store.rows(
            """SELECT * FROM task WHERE phase NOT IN ('QUEUED', 'COMPLETED', 'FAILED', 'CANCELLED')
            AND phase <> 'PENDING' AND (?1 IS NULL OR assigned_robot_id = ?1)
            ORDER BY started_at IS NULL, started_at, id""",
            robot_id,
        )
        return [_task(row) for row in rows]

    def abandoned(self, robot_id: str) -> list[str]:
        """Ids of those without a load that another robot has claimed and whose lease has run out."""
        rows = self._store.rows(
            """SELECT id FROM task WHERE phase NOT IN ('QUEUED', 'COMPLETED', 'FAILED', 'CANCELLED')
            AND phase IN ('ASSIGNED', 'TO_SOURCE') AND assigned_robot_id IS NOT ?
            AND ifnull(lease_until, '') < ?""",
            robot_id,
            self._store.now,
        )
        return [row["id"] for row in rows]

    def waiting(self) -> list[Task]:
        """All that is in the queue, in no order."""
        return [_task(row) for row in self._store.rows("SELECT * FROM task WHERE phase = 'QUEUED'")]

    def ready(self, some: int = 1) -> list[Task]:
        """Those that may begin now and whose turn is soonest, in no order: `some` of them or more, where there are as
        many. It takes as long in a queue of ten thousand as in one of ten."""
        now = self._store.now
        stretches = self._store.rows(STRETCHES, now, *ages(now))
        found: list[Row] = []
        for _, rank in itertools.groupby(stretches, key=lambda stretch: stretch["rank"]):
            for _, *stretch in rank:
                found += self._store.rows(f"{FIRST_OF_STRETCH}{some:d}", *stretch, now)
            if len(found) >= some:
                break
        return [_task(row) for row in found]

    def durations(self) -> list[tuple[Phase, str, str, float]]:
        """Phase, source, destination and seconds of the drives to a destination and of the waits that ended well,
        in the newest HISTORY_LOOKED_AT lines of history. Those are left out in which the clock was set back."""
        rows = self._store.rows(
            """SELECT step.phase, source_location, destination_location,
                (julianday(step.until) - julianday(step.at)) * 86400 AS seconds
            FROM (
                SELECT task_id, phase, at, lead(at) OVER one AS until, lead(event) OVER one AS event
                FROM task_history WHERE id > (SELECT max(id) FROM task_history) - ?
                WINDOW one AS (PARTITION BY task_id ORDER BY id)
            ) step JOIN task ON task.id = step.task_id
            WHERE (step.phase, step.event) IN (VALUES ('TO_DESTINATION', 'arrive'),
                ('WAITING_FOR_LOAD', 'load'), ('WAITING_FOR_HANDOVER', 'hand_over'))
            AND step.until >= step.at""",
            HISTORY_LOOKED_AT,
        )
        return [
            (
                Phase(row["phase"]),
                row["source_location"],
                row["destination_location"],
                row["seconds"],
            )
            for row in rows
        ]

    def add(self: "Tasks[Transaction]", task: Task) -> None:
        values = columns(task)
        del values["history"], values["queue_place"]
        self._store.insert("task", **{**values, "metadata": to_json(task.metadata)})

    def change(self: "Tasks[Transaction]", task_id: str, **columns: Any) -> None:
        self._store.update("task", task_id, **columns)

    def note(self: "Tasks[Transaction]", task: Task, event: str, note: str | None) -> None:
        """A line of history: the task is now as it is after `event`."""
        self._store.insert(
            "task_history",
            task_id=task.id,
            at=self._store.now,
            event=event,
            phase=task.phase,
            actor=self._store.actor.id,
            note=note,
        )

    def renew_lease(self: "Tasks[Transaction]", task_id: str, robot_id: str, until: str) -> bool:
        """False where the task is not in this robot's hand."""
        changed = self._store.execute(
            f"""UPDATE task SET lease_until = ?
            WHERE id = ? AND assigned_robot_id = ? AND phase NOT IN {_FINISHED}""",
            until,
            task_id,
            robot_id,
        )
        return changed == 1


def _status_condition(status: TaskStatus | None) -> tuple[Any, ...]:
    phases = [phase for phase in Phase if phase.status is status]
    return (f"phase IN ({', '.join('?' * len(phases))})", *phases) if phases else ("TRUE",)


def _task(row: Row) -> Task:
    values = dict(zip(row.keys(), row, strict=True))
    values["task_type"] = TaskType(values["task_type"])
    values["priority"] = Priority(values["priority"])
    values["phase"] = Phase(values["phase"])
    values["metadata"] = orjson.loads(values["metadata"])
    return Task(**values)


def _entry(row: Row) -> HistoryEntry:
    phase = Phase(row["phase"])
    return HistoryEntry(
        row["at"], row["event"], phase.status, phase.step, row["actor"], row["note"]
    )
