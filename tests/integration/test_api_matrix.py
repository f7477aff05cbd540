"""Who may do what: every route of the contract, asked by everybody there is, on what is theirs and what is not.

TABLE is kept by hand, apart from what the routes declare: a route that is not in it fails here.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api import app
from api.routes import routes_of
from api.security import Tokens
from edge.domain.inventory import CopyStatus, user_place
from edge.domain.notifications import NotificationType
from edge.domain.users import SYSTEM, Role
from edge.services import catalogue, notifications, sessions, users
from tests.support.served import ELSEWHERE, KEY, SCREEN, Served, served

WS = "ws://127.0.0.1/api/v1/ws"

NOBODY = frozenset({"anonymous", "expired", "forged", "signed out", "dismissed", "demoted"})
"""Who has no session (any more); from elsewhere."""
PEOPLE = frozenset({"student", "other", "librarian", "admin", "librarian at robot"})
STAFF = PEOPLE - {"student", "other"}
KIOSK = frozenset({"kiosk"})
EVERYBODY = NOBODY | PEOPLE | KIOSK

ENDED = frozenset({"signed out", "dismissed", "demoted"})
"""Their tokens are over before their time; a STOP asks nobody whether they are."""

WHO: dict[str, frozenset[str]] = {
    "anyone": EVERYBODY,
    "all": PEOPLE | KIOSK,
    "people": PEOPLE,
    "own": PEOPLE,
    "own, staff": PEOPLE,
    "own, admin": PEOPLE,
    "own, kiosk": PEOPLE | KIOSK,
    "staff": STAFF,
    "staff, kiosk": STAFF | KIOSK,
    "staff at robot": frozenset({"librarian at robot"}),
    "admin": frozenset({"admin"}),
    "kiosk": KIOSK,
    "stop": PEOPLE | KIOSK | ENDED,
}
OTHERS: dict[str, frozenset[str]] = {
    "own": frozenset(),
    "own, staff": STAFF,
    "own, admin": frozenset({"admin"}),
    "own, kiosk": KIOSK,
}
"""Who may do it to the student's own things too."""

TABLE = """
    GET /                                              anyone
    GET /ui/{name}                                     anyone
    GET /ca.crt                                        anyone
    GET /docs                                          anyone
    GET /docs/{name}                                   anyone
    GET /redoc                                         anyone
    GET /health                                        anyone
    GET /ready                                         anyone
    GET /metrics                                       anyone

    POST /api/v1/auth/register                         anyone
    POST /api/v1/auth/login                            anyone
    POST /api/v1/auth/refresh                          anyone
    POST /api/v1/auth/forgot-password                  anyone
    POST /api/v1/auth/reset-password                   anyone
    GET /api/v1/auth/oidc/providers                    anyone
    GET /api/v1/auth/oidc/{provider}/start             anyone
    GET /api/v1/auth/oidc/{provider}/callback          anyone
    POST /api/v1/auth/oidc/session                     anyone
    GET /api/v1/auth/oidc/links                        people
    POST /api/v1/auth/oidc/{provider}/link             people
    DELETE /api/v1/auth/oidc/{provider}/link           people
    POST /api/v1/auth/pin-login                        kiosk
    POST /api/v1/auth/logout                           people
    GET /api/v1/auth/me                                people
    PUT /api/v1/auth/me                                people
    PUT /api/v1/auth/change-password                   people

    GET /api/v1/books                                  all
    GET /api/v1/books/{book_id}                        all
    GET /api/v1/books/{book_id}/availability           all
    POST /api/v1/books                                 staff
    POST /api/v1/books/{book_id}/copies                staff

    PUT /api/v1/books/{book_id}                        staff
    DELETE /api/v1/books/{book_id}                     staff
    PUT /api/v1/books/copies/{copy_id}                 staff
    POST /api/v1/books/bulk-import                     staff
    GET /api/v1/books/imports                          staff
    GET /api/v1/books/imports/{import_id}              staff
    POST /api/v1/books/imports/{import_id}/commit      staff
    POST /api/v1/books/imports/{import_id}/undo        staff
    GET /api/v1/books/export                           staff

    POST /api/v1/requests                              people
    GET /api/v1/requests                               own, staff
    GET /api/v1/requests/{request_id}                  own, staff
    PUT /api/v1/requests/{request_id}/approve          staff
    PUT /api/v1/requests/{request_id}/cancel           own, admin
    PUT /api/v1/requests/{request_id}/complete         own, kiosk
    POST /api/v1/returns                               people
    GET /api/v1/returns                                own, staff
    GET /api/v1/returns/{return_id}                    own, staff
    PUT /api/v1/returns/{return_id}/picked-up          own, staff
    PUT /api/v1/returns/{return_id}/cancel             own, staff

    GET /api/v1/deliveries                             staff
    GET /api/v1/deliveries/{task_id}                   staff
    GET /api/v1/deliveries/{task_id}/history           staff
    POST /api/v1/deliveries/inter-staff                staff
    POST /api/v1/deliveries/workstation                staff
    POST /api/v1/deliveries/transfer                   staff
    PUT /api/v1/deliveries/{task_id}/book-placed       staff
    PUT /api/v1/deliveries/{task_id}/complete          staff
    PUT /api/v1/deliveries/{task_id}/cancel            staff
    PUT /api/v1/deliveries/{task_id}/priority          staff

    POST /api/v1/robot/emergency-stop                  stop
    POST /api/v1/robot/emergency-stop/{robot_id}       stop
    POST /api/v1/robot/emergency-stop/reset            staff at robot
    GET /api/v1/robot/status                           staff, kiosk
    GET /api/v1/robot/status/{robot_id}                staff, kiosk
    GET /api/v1/robot/tasks                            staff, kiosk
    POST /api/v1/robot/pause                           staff
    POST /api/v1/robot/resume                          staff
    POST /api/v1/robot/go-to                           staff
    POST /api/v1/robot/dock                            staff
    POST /api/v1/robot/initial-pose                    staff
    POST /api/v1/robot/maintenance                     staff
    GET /api/v1/robot/waypoints                        all
    POST /api/v1/robot/waypoints                       staff
    PUT /api/v1/robot/waypoints/{waypoint_id}          staff
    DELETE /api/v1/robot/waypoints/{waypoint_id}       staff
    GET /api/v1/robot/edges                            staff
    PUT /api/v1/robot/edges                            staff
    GET /api/v1/robot/map                              all

    GET /api/v1/users                                  admin
    POST /api/v1/users                                 admin
    GET /api/v1/users/{user_id}                        admin
    PATCH /api/v1/users/{user_id}                      admin
    GET /api/v1/audit                                  admin

    GET /api/v1/notifications/preferences              own
    PUT /api/v1/notifications/preferences              own
    GET /api/v1/notifications                          own
    PUT /api/v1/notifications/read-all                 own
    GET /api/v1/notifications/{notification_id}        own
    PUT /api/v1/notifications/{notification_id}/read   own
    DELETE /api/v1/notifications/{notification_id}     own
"""
RULES = {
    (method, path): rule
    for method, path, rule in (line.split(None, 2) for line in TABLE.split("\n") if line.strip())
}
CHANNELS = {
    "robot": STAFF | KIOSK,
    "tasks": STAFF | KIOSK,
    "notifications": PEOPLE,
}
ROUTES = sorted(
    (method, route.path) for route in routes_of(app.ROUTERS) for method in route.methods or ()
)


@dataclass
class Matrix:
    library: Served
    tokens: dict[str, str]

    def ask(self, name: str, method: str, path: str, **more: Any) -> Any:
        at_robot = name in ("kiosk", "librarian at robot")
        client: TestClient = self.library.asked_by(at=SCREEN if at_robot else ELSEWHERE)
        token = self.tokens.get(name)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.request(method, path, headers=headers, **more)

    def things(self) -> dict[str, Callable[[], tuple[str, str]]]:
        """Ways to make a thing of the student's: its id, and its hand-over PIN."""
        return {
            "requests": self._request,
            "returns": self._return,
            "notifications": self._notification,
        }

    def _request(self) -> tuple[str, str]:
        made = self.library.request("student")
        return made["id"], made["pin"]

    def _return(self) -> tuple[str, str]:
        library, owner = self.library, self.library.people["student"]
        book = library.book()
        (copy,) = library.database.read(lambda reader: catalogue.list_copies(reader, book.id))
        lent = dataclasses.replace(copy, status=CopyStatus.CHECKED_OUT, location=user_place(owner))
        library.database.write(SYSTEM, lambda tx: catalogue.move_copy(tx, copy, lent))
        body = {"copy_id": copy.id, "pickup_location": "R1"}
        made = library.asked_by("student").post("/api/v1/returns", json=body)
        assert made.status_code == 201, made.text
        return made.json()["data"]["id"], ""

    def _notification(self) -> tuple[str, str]:
        owner = self.library.people["student"]
        told = self.library.database.write(
            SYSTEM,
            lambda tx: notifications.notify(tx, owner, NotificationType.OVERDUE, "Due"),
        )
        return told.id, ""


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with served(Path(tmp_path_factory.mktemp("library"))) as library:
        yield Matrix(library, dict(_tokens(library)))


def _tokens(library: Served) -> Iterator[tuple[str, str]]:
    for name in ("student", "other", "librarian", "admin"):
        yield name, _token(library, name, KEY)
    yield "librarian at robot", _token(library, "librarian", KEY)
    yield "expired", _token(library, "admin", KEY, life_s=-10)
    yield "forged", _token(library, "admin", "some other robot's key of 32 bytes")
    for name in sorted(ENDED):
        user = library.database.write(
            SYSTEM,
            partial(
                users.register,
                email=f"{name.replace(' ', '-')}@example.org",
                password_hash="x",
                first_name="Former",
                last_name="Admin",
                role=Role.ADMIN,
            ),
        )
        library.people[name] = user.id
        yield name, _token(library, name, KEY)
    changes: dict[str, dict[str, Any]] = {
        "dismissed": {"active": False},
        "demoted": {"role": Role.STUDENT},
    }
    for name, change in changes.items():
        library.database.write(
            SYSTEM, partial(users.update_profile, user_id=library.people[name], **change)
        )


def _token(library: Served, name: str, key: str, *, life_s: int = 600) -> str:
    user_id = library.people[name]
    role = library.database.read(lambda reader: users.get(reader, user_id)).role

    def work(tx: Any) -> str:
        refresh = sessions.open_family(tx, user_id, lifetime_s=600)
        family = sessions.family(tx, refresh)
        if name == "signed out":
            sessions.revoke(tx, refresh)
        return family or ""

    family = library.database.write(SYSTEM, work)
    return Tokens(key, 600).issue(user_id, role, family, life_s=life_s)


def test_the_table_has_every_route_and_no_other() -> None:
    assert set(ROUTES) == set(RULES)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda part: part)
def test_a_route_lets_in_those_of_the_table_and_nobody_else(
    matrix: Matrix, method: str, path: str
) -> None:
    rule = RULES[method, path]
    filled = path.replace("{name}", "luna.css").replace("{robot_id}", "luna-01")
    filled = re.sub(r"\{\w+\}", "none", filled)
    for name in sorted(EVERYBODY):
        before = matrix.library.database.data_version()
        body = {"json": {"enabled": True}} if path.endswith("/maintenance") else {}
        answer = matrix.ask(name, method, filled, **body)
        said = f"{name}: {answer.status_code} {answer.text[:200]}"
        if name in WHO[rule]:
            assert answer.status_code not in (401, 403, 500), said
        else:
            nobody = name in NOBODY or (name == "kiosk" and rule != "staff at robot")
            assert answer.status_code == (401 if nobody or name == "kiosk" else 403), said
            assert matrix.library.database.data_version() == before, said
            assert set(answer.json()) == {"success", "error", "meta"}


OWNED = [one for one in ROUTES if RULES[one] in OTHERS and "{" in one[1]]


@pytest.mark.parametrize(("method", "path"), OWNED, ids=lambda part: part)
def test_what_is_anothers_is_not_there(matrix: Matrix, method: str, path: str) -> None:
    rule, kind = RULES[method, path], path.split("/")[3]
    for name in sorted(WHO[rule]):
        thing, pin = matrix.things()[kind]()
        before = matrix.library.database.data_version()
        body = {"json": {"pin": pin}} if name == "kiosk" else {}
        answer = matrix.ask(name, method, re.sub(r"\{\w+\}", thing, path), **body)
        said = f"{name}: {answer.status_code} {answer.text[:200]}"
        if name == "student" or name in OTHERS[rule]:
            assert answer.status_code in (200, 204, 409), said
        else:
            assert answer.status_code == 404, said
            assert answer.json()["error"]["code"] == "NOT_FOUND"
            assert thing not in answer.text
            assert matrix.library.database.data_version() == before, said


LISTS = [one for one in ROUTES if RULES[one] in OTHERS and one[0] == "GET" and "{" not in one[1]]
LISTS.remove(("GET", "/api/v1/notifications/preferences"))  # tested in test_api_people


@pytest.mark.parametrize(("method", "path"), LISTS, ids=lambda part: part)
def test_a_list_holds_what_is_theirs(matrix: Matrix, method: str, path: str) -> None:
    rule, kind = RULES[method, path], path.split("/")[3]
    thing, _ = matrix.things()[kind]()
    for name in sorted(WHO[rule]):
        answer = matrix.ask(name, method, path, params={"limit": 100})
        theirs = name == "student" or name in OTHERS[rule]
        assert (thing in answer.text) == theirs, f"{name}: {answer.text[:200]}"


@pytest.mark.parametrize("name", sorted(EVERYBODY))
def test_a_channel_lets_in_those_of_the_table(matrix: Matrix, name: str) -> None:
    at_robot = name in ("kiosk", "librarian at robot")
    client = matrix.library.asked_by(at=SCREEN if at_robot else ELSEWHERE)
    with client.websocket_connect(WS) as socket:
        socket.send_json({"type": "auth", "token": matrix.tokens.get(name)})
        greeting = socket.receive_json()
        if name in NOBODY:
            assert greeting["type"] == "error"
            with pytest.raises(WebSocketDisconnect) as ended:
                socket.receive_json()
            assert ended.value.code == 4401
            return
        socket.send_json({"type": "subscribe", "channels": list(CHANNELS)})
        told = next(one for one in iter(socket.receive_json, None) if one["type"] == "subscribed")
        assert set(told["data"]["channels"]) == {c for c, who in CHANNELS.items() if name in who}
