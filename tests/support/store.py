"""A small library in a real store: places, people, a book, and a clock that is moved by hand."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from edge.clock import ManualClock
from edge.domain.inventory import Book, BookDraft, Copy, CopyDraft
from edge.domain.tasks import Phase, Task, TaskEvent
from edge.domain.users import SYSTEM, Actor, Role, User
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.services import catalogue, notifications, places, tasks, trips, users
from edge.store import migrations, sqlite
from edge.store.database import Database, Reader, Transaction, create

T = TypeVar("T")

ROBOT = "luna-test"
LEASE_S = 30.0


def _place(code: str, kind: WaypointKind, x: float, y: float, **metadata: Any) -> Waypoint:
    name = code.replace("-", " ").title()
    return Waypoint(code.lower(), name, code, x, y, kind=kind, metadata=metadata)


WAYPOINTS = (
    _place("DESK-1", WaypointKind.DESK, 0, 0),
    _place("DESK-2", WaypointKind.DESK, 20, 0),
    _place("ROOM-101", WaypointKind.ROOM, 2, 5),
    _place("ROOM-102", WaypointKind.ROOM, 18, 5),
    _place("SHELF-A", WaypointKind.SHELF, 5, 5, call_number_from="000", call_number_to="499.999"),
    _place("SHELF-B", WaypointKind.SHELF, 9, 5, call_number_from="500", call_number_to="999.999"),
    _place("DOCK-1", WaypointKind.DOCK, 0, 2),
    Waypoint("crossing", "Crossing", "", 5, 2),
    Waypoint("corner", "Corner", "", 5, 9),
)
LANES = (Lane("lane-1", "desk-1", "crossing", 5.4, 1.2, 0.5),)


class Library:
    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.do(lambda tx: places.load_site(tx, WAYPOINTS, LANES))
        self.student = self.person("ada@example.org", Role.STUDENT)
        self.librarian = self.person("grace@example.org", Role.LIBRARIAN)
        self.book = self.add_book("Emma", "Jane Austen", call_number="823.7 AUS")

    def do(self, work: Callable[[Transaction], T], actor: Actor = SYSTEM) -> T:
        return self.database.write(actor, work)

    def see(self, query: Callable[[Reader], T]) -> T:
        return self.database.read(query)

    def person(self, email: str, role: Role) -> User:
        return self.do(
            lambda tx: users.register(
                tx,
                email=email,
                password_hash="x",
                first_name=email.partition("@")[0].title(),
                last_name="Reader",
                role=role,
            )
        )

    def add_book(self, title: str, author: str = "", *, copies: int = 1, **fields: Any) -> Book:
        draft = replace(BookDraft(title, author), **fields)
        return self.do(lambda tx: catalogue.add_book(tx, draft, copies=[CopyDraft()] * copies))

    def copies(self, book: Book | None = None) -> list[Copy]:
        wanted = book or self.book
        return self.see(lambda reader: catalogue.list_copies(reader, wanted.id))

    def claim(self) -> Task:
        (task,) = self.do(lambda tx: trips.claim(tx, robot_id=ROBOT, lease_s=LEASE_S)).tasks
        return task

    def happen(self, task_id: str, *events: TaskEvent, **words: Any) -> Task:
        """One event after the other, each in its own transaction, as the robot writes them."""
        for event in events:
            self.do(partial(tasks.apply, task_id=task_id, event=event, **words))
        return self.task(task_id)

    def drive_to(self, task_id: str, phase: Phase) -> Task:
        """Take a task that is in the queue to `phase` by the way on which all goes well."""
        way = {
            Phase.TO_SOURCE: TaskEvent.START,
            Phase.WAITING_FOR_LOAD: TaskEvent.ARRIVE,
            Phase.TO_DESTINATION: TaskEvent.LOAD,
            Phase.WAITING_FOR_HANDOVER: TaskEvent.ARRIVE,
            Phase.RETURNING_LOAD: TaskEvent.GIVE_UP_WAITING,
        }
        if phase is not Phase.QUEUED:
            assert self.claim().id == task_id
        for reached, event in way.items():
            if self.task(task_id).phase is phase:
                break
            assert self.happen(task_id, event).phase is reached
        return self.task(task_id)

    def task(self, task_id: str) -> Task:
        return self.see(lambda reader: tasks.get(reader, task_id))

    def told(self, user: User) -> list[str]:
        """Titles of what this person was told, the oldest first."""
        page = self.see(
            lambda reader: notifications.list_for(reader, user.id, order="asc", limit=100)
        )
        return [one.title for one in page.items]

    def events(self) -> list[str]:
        """Types of all events in the outbox, in order."""
        rows = self.see(lambda reader: reader.rows("SELECT type FROM outbox ORDER BY seq"))
        return [row["type"] for row in rows]


@contextlib.contextmanager
def small_library(directory: Path) -> Iterator[Library]:
    clock = ManualClock()
    create(directory / "luna.db", clock=clock, robot_id=ROBOT)
    database = Database.open(directory / "luna.db", clock=clock)
    try:
        yield Library(database, clock)
    finally:
        database.close()


def first_store(path: Path) -> sqlite.Connection:
    """A store of the very first program, and a connection to it, to be committed and closed."""
    import sqlite_utils  # not before our own SQLite: it would bring another one

    first = sqlite_utils.Migrations("luna")

    @first()
    def step_001_first(db: sqlite_utils.Database) -> None:
        for statement in migrations.FIRST:
            db.conn.execute(statement)
        db.conn.execute("PRAGMA user_version = 1")

    connection = sqlite.connect(str(path))
    connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    first.apply(sqlite_utils.Database(connection))
    return connection
