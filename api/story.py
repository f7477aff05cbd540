"""The story of one book: a student asks for it, the robot brings it, and central knows. Told over HTTP alone."""

import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.client import Server
from edge import words
from edge.domain.errors import LunaError
from edge.domain.inventory import user_place

ROBOT, CENTRAL = "robot", "central"
LOOK_S = 0.2
ARRIVED = "ROBOT_ARRIVED"
NEVER = ("FAILED", "CANCELLED")
DRIVES = {
    "TO_SOURCE": "to the desk",
    "TO_DESTINATION": "to the room",
    "RETURNING_LOAD": "back to the desk",
}


class StoryError(LunaError):
    """The story did not end as it should."""

    code = "STORY"


class Teller(Protocol):
    """Who tells it: `step` is a line for ever, `drive` how far a drive still is, in metres."""

    def step(self, text: str) -> None: ...
    def drive(self, where: str, left_m: float) -> None: ...


@dataclass
class Story:
    """`start`: where the request is made, at the ROBOT or at CENTRAL. `room`: a waypoint's code, or any."""

    accounts: Mapping[str, Any]
    teller: Teller
    start: str = ROBOT
    room: str = ""
    timeout_s: float = 600.0
    _deadline: float = field(init=False)

    def __post_init__(self) -> None:
        if self.start == CENTRAL and not self.accounts.get("central"):
            raise StoryError("There is no central server here.", hint="Start luna sim with it.")
        self._deadline = time.monotonic() + self.timeout_s
        self._student: Server | None = None
        self._request: dict[str, Any] | None = None
        self._noted: set[str] = set()
        self._kiosk = Server(self.accounts["url"])
        staff = self.accounts["librarian"]
        self._librarian = self._kiosk.signed_in(staff["email"], staff["password"])
        self._central: Server | None = None
        if central := self.accounts.get("central"):
            self._central = Server(central["url"]).signed_in(central["email"], central["password"])

    def play(self) -> dict[str, Any]:
        """From the first to the last page; the request as it is in the end. Raises StoryError, CallError."""
        student, user = self._register()
        book, room = self._choose(student)
        self._student, self._request = student, self._ask(student, user, book, room)
        request = self._request
        self._enqueued(request["task_id"])
        self._deliver(request)
        done = self._check(student, user, request)
        self._check_central(user, request)
        return done

    def abandon(self) -> None:
        """The reader does not want the book any more; for whoever ends the story in its middle."""
        if self._student is not None and self._request is not None:
            with contextlib.suppress(LunaError):
                self._student.put(f"/api/v1/requests/{self._request['id']}/cancel")
                self.teller.step("Cancelled the request.")

    def _register(self) -> tuple[Server, dict[str, Any]]:
        email, password = f"reader-{secrets.token_hex(4)}@example.org", secrets.token_urlsafe(12)
        account = {"first_name": "Robin", "last_name": "Reader"}
        told = self._kiosk.post(
            "/api/v1/auth/register", {"email": email, "password": password, **account}
        )
        self.teller.step(f"{email} has registered and signed in.")
        return self._kiosk.signed_in(email, password), told["user"]

    def _choose(self, student: Server) -> tuple[dict[str, Any], dict[str, Any]]:
        shelf = student.get("/api/v1/books", status="AVAILABLE", limit=100)
        rooms = [
            one
            for one in student.get("/api/v1/robot/waypoints", kind="room", limit=100)
            if one["is_active"] and self.room in ("", one["location_code"], one["name"])
        ]
        if not shelf:
            raise StoryError("No book is free.", hint="Let one be given back, or add one.")
        if not rooms:
            hint = "The page shows which there are."
            raise StoryError(f"There is no room {self.room or 'at all'}.", hint=hint)
        book, room = secrets.choice(shelf), secrets.choice(rooms)
        found = student.get("/api/v1/books", q=book["title"], limit=100)
        if book["id"] not in [one["id"] for one in found]:
            raise StoryError(f"A search for “{book['title']}” does not find it.")
        self.teller.step(f"Searched, and found “{book['title']}”.")
        return book, room

    def _ask(
        self, student: Server, user: dict[str, Any], book: dict[str, Any], room: dict[str, Any]
    ) -> dict[str, Any]:
        wanted = {"book_id": book["id"], "request_location": room["location_code"]}
        if self.start == ROBOT:
            request = student.post("/api/v1/requests", wanted, key=str(uuid.uuid4()))
            self.teller.step(f"Requested it to {room['name']}; the PIN is {request['pin']}.")
        else:
            request = self._ask_central(student, user, wanted)
            self.teller.step(f"Requested it at central to {room['name']}; the robot knows of it.")
        return dict(request)

    def _enqueued(self, task_id: str) -> None:
        def queued() -> bool:
            tasks = self._librarian.get("/api/v1/robot/tasks", limit=100)
            return task_id in [one["id"] for one in tasks]

        self._until("the task is in the queue", queued)
        self.teller.step("The delivery is in the robot's queue.")

    def _ask_central(
        self, student: Server, user: dict[str, Any], wanted: dict[str, Any]
    ) -> dict[str, Any]:
        central = self._central
        assert central is not None  # asked for at the beginning
        made: dict[str, Any] = self._until(
            "central knows the student and the book",
            lambda: central.post("/api/v1/requests", {**wanted, "user_id": user["id"]}),
        )
        found: dict[str, Any] = self._until(
            "the request has come to the robot",
            lambda: student.get(f"/api/v1/requests/{made['id']}"),
        )
        return found

    def _deliver(self, request: dict[str, Any]) -> None:
        """Follow the robot, and do what people do at its side."""
        seen = None
        for task in self._followed(request["task_id"]):
            phase = task["step"] or task["status"]
            if phase in NEVER:
                failure = task["failure"]
                why = words.texts("failure", failure)[0] if failure else "Nobody said why."
                raise StoryError(f"The delivery is {phase}. {why}")
            if phase == "COMPLETED":
                return
            if phase == seen:
                continue
            seen = phase
            if phase in DRIVES:
                self.teller.step(f"The robot drives {DRIVES[phase]}.")
            elif phase == "WAITING_FOR_LOAD":
                self.teller.step("It waits at the desk for the book.")
                self._librarian.put(f"/api/v1/deliveries/{task['id']}/book-placed")
                self.teller.step("The librarian has put the book on the robot.")
            elif phase == "WAITING_FOR_HANDOVER":
                self.teller.step("It waits in the room for its reader.")
                self._confirm(request)

    def _followed(self, task_id: str) -> Iterator[dict[str, Any]]:
        """The task, again and again; meanwhile how far the drive still is."""
        while True:
            self._refuse_late("the delivery is done")
            task = self._librarian.get(f"/api/v1/deliveries/{task_id}")
            yield task
            self._look_at_the_robot(task)
            time.sleep(LOOK_S)

    def _look_at_the_robot(self, task: dict[str, Any]) -> None:
        robot = self._librarian.get("/api/v1/robot/status")
        if robot["emergency_stop"]["event_id"]:
            self._note("The robot is stopped. luna reset, then luna resume, lets it go on.")
            return
        busy = robot["current_task"]
        if busy and busy["id"] != task["id"]:
            self._note("Another delivery is before this one.")
        drive = robot["navigation"] or {}
        if task["step"] in DRIVES and drive.get("state") not in (None, "IDLE"):
            self.teller.drive(DRIVES[task["step"]], float(drive["distance_left_m"]))

    def _note(self, text: str) -> None:
        """What is worth to be said once."""
        if text not in self._noted:
            self._noted.add(text)
            self.teller.step(text)

    def _confirm(self, request: dict[str, Any]) -> None:
        self._kiosk.put(f"/api/v1/requests/{request['id']}/complete", {"pin": request["pin"]})
        self.teller.step("The reader has taken it, and confirmed with the PIN.")

    def _check(
        self, student: Server, user: dict[str, Any], request: dict[str, Any]
    ) -> dict[str, Any]:
        done: dict[str, Any] = student.get(f"/api/v1/requests/{request['id']}")
        _expect("the request", done["status"], "COMPLETED")
        task = self._librarian.get(f"/api/v1/deliveries/{request['task_id']}")
        _expect("the task", task["status"], "COMPLETED")
        where = self._librarian.get(f"/api/v1/books/{request['book_id']}/availability")
        lent = [one["status"] for one in where["by_location"] if one["location"] == _with(user)]
        _expect("the copy", ", ".join(lent), "CHECKED_OUT")
        told = {one["type"] for one in student.get("/api/v1/notifications", limit=100)}
        if ARRIVED not in told:
            raise StoryError(
                f"The reader was not told that the robot is there, only {sorted(told)}."
            )
        self.teller.step(
            "Request and task are COMPLETED, the copy is with the reader, who was told."
        )
        return done

    def _check_central(self, user: dict[str, Any], request: dict[str, Any]) -> None:
        central = self._central
        if central is None:
            self.teller.step("There is no central server to ask.")
            return

        def same() -> bool:
            found = central.get(f"/api/v1/requests/{request['id']}")["status"]
            task = central.get(f"/api/v1/deliveries/{request['task_id']}")["status"]
            copies = central.get(f"/api/v1/books/{request['book_id']}/copies")
            copy: dict[str, Any] = next(
                (one for one in copies if one["id"] == request["copy_id"]), {}
            )
            told = central.get("/api/v1/notifications", user_id=user["id"], limit=100)
            return (
                (found, task) == ("COMPLETED", "COMPLETED")
                and (copy.get("status"), copy.get("location")) == ("CHECKED_OUT", _with(user))
                and ARRIVED in {one["type"] for one in told}
            )

        self._until("central has the same facts", same)
        self.teller.step("The central server has the same facts.")

    def _until(self, what: str, ask: Callable[[], Any]) -> Any:
        """What `ask` gives once it gives something; until then its errors are patience. Raises StoryError."""
        reason = ""
        while True:
            self._refuse_late(what, reason)
            try:
                if found := ask():
                    return found
            except LunaError as error:
                reason = error.message
            time.sleep(LOOK_S)

    def _refuse_late(self, what: str, reason: str = "") -> None:
        if time.monotonic() > self._deadline:
            raise StoryError(
                f"After {self.timeout_s:.0f} s it is still not so that {what}. {reason}".strip()
            )


def _with(user: Mapping[str, Any]) -> str:
    """Where a copy is that this person has."""
    return user_place(str(user["id"]))


def _expect(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise StoryError(f"At the end {what} is {found or 'nowhere'}, not {wanted}.")
