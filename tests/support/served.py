"""The HTTP contract on a small library with a real store, asked from the robot's own screen or from elsewhere."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.live import Live
from edge.domain.inventory import Book, BookDraft, CopyDraft
from edge.domain.tasks import Task, TaskEvent
from edge.domain.users import SYSTEM, Role
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.services import catalogue, passwords, places, tasks, users
from edge.settings import Settings, load
from edge.store import database
from edge.store.database import Database

KEY = "a key of thirty-two bytes or more, for tests only"
PASSWORD = "a long enough secret"
PIN = "2468"
SCREEN = ("127.0.0.1", 40001)
ELSEWHERE = ("192.0.2.7", 40002)

SITE = (
    Waypoint("desk", "Main desk", "DESK1", 1.0, 1.0, kind=WaypointKind.DESK),
    Waypoint("room", "Study room 1", "R1", 8.0, 4.0, kind=WaypointKind.ROOM),
    Waypoint("shelf", "Shelf A", "A", 4.0, 2.0, kind=WaypointKind.SHELF),
    Waypoint("dock", "Dock", "DOCK", 0.5, 4.0, kind=WaypointKind.DOCK),
)
LANES = (
    Lane("l1", "desk", "room", 7.6, 1.2, 0.5),
    Lane("l2", "desk", "dock", 3.0, 1.2, 0.5),
)


@dataclass
class Served:
    """`robot_id` is the default one. Clients are signed in once and kept."""

    settings: Settings
    database: Database
    app: FastAPI
    main: TestClient
    people: dict[str, str]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _clients: dict[tuple[str, tuple[str, int]], TestClient] = field(default_factory=dict)

    def asked_by(self, name: str = "", *, at: tuple[str, int] = ELSEWHERE) -> TestClient:
        """A client signed in as `name`, an email's beginning; nobody for the empty name."""
        if (name, at) not in self._clients:
            client = TestClient(
                self.app, "http://127.0.0.1", client=at, raise_server_exceptions=False
            )
            client.portal = self.main.portal  # one event loop for all, as in the real process
            if name:
                told = client.post(
                    "/api/v1/auth/login",
                    json={"email": f"{name}@example.org", "password": PASSWORD},
                )
                client.headers["Authorization"] = f"Bearer {told.json()['data']['access_token']}"
            self._clients[name, at] = client
        return self._clients[name, at]

    def book(self, title: str = "Emma", copies: int = 1) -> Book:
        drafts = [CopyDraft() for _ in range(copies)]
        draft = BookDraft(f"{title} {next(self._numbers)}", "Jane Austen")
        return self.database.write(SYSTEM, lambda tx: catalogue.add_book(tx, draft, copies=drafts))

    def request(self, name: str = "student") -> dict[str, Any]:
        """A request of this person for a new book, as it was answered."""
        body = {"book_id": self.book().id, "request_location": "R1"}
        answer = self.asked_by(name).post("/api/v1/requests", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def drive(self, task_id: str, *events: TaskEvent) -> Task:
        """Let happen to a task what the robot and people do."""
        for event in events:
            task = self.database.write(SYSTEM, partial(tasks.apply, task_id=task_id, event=event))
        return task


TO_THE_ROOM = (
    TaskEvent.ASSIGN,
    TaskEvent.START,
    TaskEvent.ARRIVE,
    TaskEvent.LOAD,
    TaskEvent.ARRIVE,
)
"""From the queue until the robot waits at the room for the book to be taken."""


def make_data_dir(data_dir: Path) -> Settings:
    """A data directory with a store, a site, a key and a map."""
    for name in ("run", "secrets", "map", "gate"):
        (data_dir / name).mkdir(parents=True, exist_ok=True)
    (data_dir / "secrets" / "jwt.key").write_text(KEY)
    (data_dir / "map" / "map.yaml").write_text(
        "image: map.pgm\nresolution: 0.05\norigin: [-1.0, -2.0, 0.0]\nnegate: 0\n"
        "occupied_thresh: 0.65\nfree_thresh: 0.25\n"
    )
    (data_dir / "map" / "map.pgm").write_bytes(
        b"P5\n# by hand\n4 3\n255\n" + bytes([254] * 8 + [0] * 4)
    )
    database.create(data_dir / "luna.db", robot_id="luna-01")
    return load(data_dir)


@contextlib.contextmanager
def served(data_dir: Path, api: dict[str, Any] | None = None, **changes: Any) -> Iterator[Served]:
    """The application, running. `changes` are settings of the section `requests`, `api` of `api`."""
    settings = make_data_dir(data_dir)
    # All who ask in a test have one address.
    unlimited = {"requests_per_s": 0.0, "sign_ins_per_min": 0.0, **(api or {})}
    settings = settings.model_copy(
        update={
            "requests": settings.requests.model_copy(update={"auto_approve": True, **changes}),
            "api": settings.api.model_copy(update=unlimited),
        }
    )
    live = Live(settings)
    store = Database.open(settings.store_path, on_commit=live.committed)
    with contextlib.closing(store):
        store.write(SYSTEM, lambda tx: places.load_site(tx, SITE, LANES))
        app = create_app(settings, store, live, KEY)
        with TestClient(app, "http://127.0.0.1", client=SCREEN) as main:
            yield Served(settings, store, app, main, add_people(store))


def add_people(store: Database) -> dict[str, str]:
    """Who there is, by the beginning of their email: their ids."""
    secret, pin = passwords.hash_secret(PASSWORD), passwords.hash_secret(PIN)
    roles = {
        "student": Role.STUDENT,
        "other": Role.STUDENT,
        "librarian": Role.LIBRARIAN,
        "admin": Role.ADMIN,
    }
    return {
        name: store.write(
            SYSTEM,
            partial(
                users.register,
                email=f"{name}@example.org",
                password_hash=secret,
                first_name=name.title(),
                last_name="Example",
                role=role,
                pin_hash=pin,
                card_number=f"card-{name}",
            ),
        ).id
        for name, role in roles.items()
    }
