"""One book travels through all of it: asked for over HTTP, carried by the robot, known to central."""

import secrets
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.robot import Http, Robot, started
from tests.support.shared import shared_data

pytestmark = pytest.mark.timeout(600)

SPEED = "3"
TRIP_S = 150.0
"""Wall time of one leg at that speed, on a busy machine; some 30 m take 15 s when it is alone."""
SYNC_S = 30.0


def _demo() -> list[str]:
    return []


def _real() -> list[str]:
    data = shared_data()
    return ["--map", str(data / "library_map.yaml"), "--catalogue", str(data / "catalogue.mrc")]


@pytest.fixture(scope="module", params=[_demo, _real], ids=["demo", "real"])
def robot(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Robot]:
    options: Callable[[], list[str]] = request.param
    place = tmp_path_factory.mktemp("luna") / "data"
    with started(place, "--speed", SPEED, *options()) as running:
        running.wait_until_ready()
        yield running


@dataclass
class Reader:
    """A student with an account of his own."""

    http: Http
    id: str

    @classmethod
    def registered(cls, url: str) -> "Reader":
        email = f"{secrets.token_hex(6)}@library.example.org"
        password = secrets.token_urlsafe(12)
        body = {"email": email, "password": password, "first_name": "Rea", "last_name": "Der"}
        Http(url).post("/api/v1/auth/register", **body)
        http = Http(url, email, password)
        return cls(http, http.get("/api/v1/auth/me")["id"])


@pytest.fixture
def reader(robot: Robot) -> Reader:
    return Reader.registered(robot.accounts["url"])


@pytest.fixture
def librarian(robot: Robot) -> Http:
    person = robot.accounts["librarian"]
    return Http(robot.accounts["url"], person["email"], person["password"])


def _until(what: str, condition: Callable[[], Any], timeout_s: float) -> Any:
    """The first true answer. Fails where none comes in time."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain: {what}"
        select.select([], [], [], 0.2)
    return answer


def _step(librarian: Http, task_id: str, step: str) -> None:
    def there() -> bool:
        task = librarian.get(f"/api/v1/deliveries/{task_id}")
        assert task["status"] not in ("FAILED", "CANCELLED"), task["failure"]
        return bool(task["step"] == step)

    _until(f"task in step {step}", there, TRIP_S)


def _free_book(reader: Reader) -> dict[str, Any]:
    found: list[dict[str, Any]] = reader.http.get("/api/v1/books?status=AVAILABLE&limit=1")
    return found[0]


def _room(reader: Reader, at: int = 0) -> str:
    rooms = reader.http.get("/api/v1/robot/waypoints?kind=room")
    return str(rooms[at]["location_code"] or rooms[at]["name"])


def _carry(librarian: Http, task_id: str) -> None:
    """The robot's part and the librarian's, up to the reader's door."""
    _step(librarian, task_id, "WAITING_FOR_LOAD")
    librarian.put(f"/api/v1/deliveries/{task_id}/book-placed")
    _step(librarian, task_id, "WAITING_FOR_HANDOVER")


def test_a_book_asked_for_at_the_robot_is_delivered_and_central_knows(
    robot: Robot, reader: Reader, librarian: Http
) -> None:
    book = _free_book(reader)
    found = reader.http.get(f"/api/v1/books?q={book['title'].split()[0]}")
    assert book["id"] in [one["id"] for one in found]

    body = {"book_id": book["id"], "request_location": _room(reader)}
    request = reader.http.post("/api/v1/requests", **body)
    assert request["status"] == "APPROVED"
    queue = librarian.get("/api/v1/robot/tasks")
    assert request["task_id"] in [task["id"] for task in queue]

    _carry(librarian, request["task_id"])
    done = reader.http.put(f"/api/v1/requests/{request['id']}/complete", pin=request["pin"])
    assert done["status"] == "COMPLETED"

    task = librarian.get(f"/api/v1/deliveries/{request['task_id']}")
    assert task["status"] == "COMPLETED"
    places = reader.http.get(f"/api/v1/books/{book['id']}/availability")["by_location"]
    assert {"location": "user", "status": "CHECKED_OUT", "count": 1} in places
    types = {one["type"] for one in reader.http.get("/api/v1/notifications?limit=100")}
    assert types >= {"REQUEST_STATUS", "ROBOT_ARRIVED"}

    central = _central(robot)
    _known_as_done(central, f"requests/{request['id']}")
    _known_as_done(central, f"deliveries/{request['task_id']}")


def test_a_book_asked_for_at_central_is_delivered_too(
    robot: Robot, reader: Reader, librarian: Http
) -> None:
    central = _central(robot)
    _until("central knows the reader", lambda: _known(central, f"users/{reader.id}"), SYNC_S)
    body = {"book_id": _free_book(reader)["id"], "request_location": _room(reader, 1)}
    asked = central.post("/api/v1/requests", user_id=reader.id, **body)

    def arrived() -> Any:
        mine = reader.http.get("/api/v1/requests")
        return next((one for one in mine if one["id"] == asked["id"]), None)

    request = _until("the robot has the request of central", arrived, SYNC_S)
    _carry(librarian, request["task_id"])
    reader.http.put(f"/api/v1/requests/{request['id']}/complete", pin=request["pin"])
    _known_as_done(central, f"requests/{asked['id']}")


def _central(robot: Robot) -> Http:
    account = robot.accounts["central"]
    return Http(account["url"], account["email"], account["password"])


def _known(central: Http, path: str) -> dict[str, Any]:
    """What central has; empty as long as it has nothing."""
    try:
        record: dict[str, Any] = central.get(f"/api/v1/{path}")
    except AssertionError as error:
        assert " 404 " in str(error)
        return {}
    return record


def _known_as_done(central: Http, path: str) -> None:
    def done() -> bool:
        return _known(central, path).get("status") == "COMPLETED"

    _until(f"central knows that {path} is done", done, SYNC_S)
