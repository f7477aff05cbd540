"""A robot's day as numbered changes, each one transaction; and whether a store holds exactly the first so many of them.

Run as a program it waits for lines "PATH": each is a child that goes on with the story there until it is killed,
and prints the number of each change after it was acknowledged.
"""

import os
import sys
from pathlib import Path

from edge.domain.tasks import TaskEvent, TaskType
from edge.domain.users import SYSTEM, Actor
from edge.services import tasks, trips
from edge.store import opening
from edge.store.database import Database, Reader, Transaction
from tests.support.store import LEASE_S, ROBOT

STEPS = (
    TaskEvent.ASSIGN,
    TaskEvent.START,
    TaskEvent.ARRIVE,
    TaskEvent.LOAD,
    TaskEvent.ARRIVE,
    TaskEvent.HAND_OVER,
)
LENGTH = 1 + len(STEPS)
"""Changes of a delivery: it is ordered, then comes each step."""


class WrongStoreError(AssertionError):
    """What is in the store is no beginning of the story."""


def change(tx: Transaction, number: int) -> None:
    """Change number 1, 2, ..."""
    delivery, step = divmod(number - 1, LENGTH)
    if step == 0:
        tasks.create_transfer(
            tx,
            task_id=_id(delivery),
            task_type=TaskType.INTER_STAFF,
            source_location="DESK-1",
            destination_location="DESK-2",
            description="x" * 300,
        )
    elif STEPS[step - 1] is TaskEvent.ASSIGN:
        trips.claim(tx, robot_id=ROBOT, lease_s=LEASE_S)
    else:
        tasks.apply(tx, _id(delivery), STEPS[step - 1])


def kept(reader: Reader) -> int:
    """How many changes are there. Raises WrongStoreError where one is there in part, twice, or out of turn."""
    rows = reader.rows("SELECT task_id, event, phase FROM task_history ORDER BY id")
    happened = [(row["task_id"], row["event"]) for row in rows]
    begun = len([event for _, event in happened if event == "create"])
    wanted = [(_id(delivery), event) for delivery in range(begun) for event in ("create", *STEPS)][
        : len(happened)
    ]
    _same("history", happened, wanted)
    phases = {row["task_id"]: row["phase"] for row in rows}
    found = {row["id"]: row["phase"] for row in reader.rows("SELECT id, phase FROM task")}
    _same("tasks", found, phases)
    told = reader.rows("SELECT entity_id, type FROM outbox WHERE entity = 'task' ORDER BY seq")
    kinds = [
        (task, "task.created" if event == "create" else "task.changed") for task, event in happened
    ]
    _same("outbox", [tuple(row) for row in told], kinds)
    noted = reader.rows("SELECT entity_id, action FROM audit WHERE entity = 'task' ORDER BY id")
    _same(
        "audit",
        [tuple(row) for row in noted],
        [(task, f"task.{event}") for task, event in happened],
    )
    return len(happened)


def tell(database: Database, number: int, actor: Actor = SYSTEM) -> None:
    """Durable when this returns."""
    database.write(actor, lambda tx: change(tx, number))


def _id(delivery: int) -> str:
    return f"delivery-{delivery:06d}"


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise WrongStoreError(f"{what}: {found!r:.500} and not {wanted!r:.500}")


def _go_on(path: Path) -> None:
    database = Database.open(path)
    number = database.read(kept)
    while True:
        number += 1
        tell(database, number)
        os.write(1, f"{number}\n".encode())


def main() -> None:
    # The checkpoint comes often, so that many kills hit one.
    opening.CHECKPOINT_PAGES = int(sys.argv[1])
    if len(sys.argv) > 2:
        opening.SYNCHRONOUS = sys.argv[2]
    for line in sys.stdin:
        # Imported once and then forked: a start of Python would take longer than all the rest.
        if (child := os.fork()) == 0:
            _go_on(Path(line.strip()))
        os.write(1, f"child {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
