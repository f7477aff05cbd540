"""Live events over a WebSocket, with a real live socket on the other side."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from api.feed import EVERY_S
from edge.live import LiveServer
from tests.support.board import until
from tests.support.served import ELSEWHERE, SCREEN, Served, served

WS = "ws://127.0.0.1/api/v1/ws"
ROOM = {"destination_location": "R1", "source_location": "DESK1"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(Path(tmp_path_factory.mktemp("library"))) as one:
        yield one


@pytest.fixture
def ros(library: Served) -> Iterator[LiveServer]:
    """What ros serves to this process."""
    server = LiveServer(library.settings.run_dir / "live.sock")
    until(lambda: server.listened_to, "the api hears ros")
    yield server
    server.close()


@contextlib.contextmanager
def connected(
    library: Served, name: str = "", at: tuple[str, int] = SCREEN, **headers: str
) -> Iterator[WebSocketTestSession]:
    """Signed in as `name`, or the touchscreen; the greeting is read."""
    client = library.asked_by(name, at=at)
    token = client.headers.get("Authorization", "").removeprefix("Bearer ")
    with client.websocket_connect(WS, headers=headers) as socket:
        socket.send_json({"type": "auth", "token": token} if token else {"type": "auth"})
        assert socket.receive_json()["type"] == "hello"
        yield socket


def subscribe(socket: WebSocketTestSession, *channels: str, **more: Any) -> dict[str, Any]:
    socket.send_json({"type": "subscribe", "channels": channels, **more})
    return next_of(socket, "subscribed")["data"]  # type: ignore[no-any-return]


def next_of(socket: WebSocketTestSession, kind: str) -> dict[str, Any]:
    """The next event of this kind; the test's own limit is the deadline."""
    while True:
        event: dict[str, Any] = socket.receive_json()
        if event["type"] == kind:
            return event


def test_the_touchscreen_sees_the_robot_move(library: Served, ros: LiveServer) -> None:
    with connected(library) as socket:
        assert subscribe(socket, "robot") == {"channels": ["robot"], "refused": {}}
        ros.publish("pose", x=1.0, y=2.0, theta=0.5, frame="map", stamp=0, v=0, w=0)
        event = next_of(socket, "pose")
        assert (event["channel"], event["data"]["x"]) == ("robot", 1.0)
        assert set(event) == {"type", "channel", "id", "at", "data"}


def test_a_page_hears_something_every_half_second(library: Served) -> None:
    with connected(library) as socket:
        subscribe(socket, "robot")
        began = time.monotonic()
        for _ in range(4):
            next_of(socket, "status")
        assert time.monotonic() - began < 4 * EVERY_S + 8.0  # on a busy machine


def test_a_channel_that_is_not_for_this_role_is_refused_by_name(library: Served) -> None:
    with connected(library, "student", ELSEWHERE) as socket:
        told = subscribe(socket, "robot", "tasks", "notifications", "weather")
        assert told["channels"] == ["notifications"]
        assert told["refused"] == {
            "robot": "FORBIDDEN",
            "tasks": "FORBIDDEN",
            "weather": "NOT_FOUND",
        }


def test_a_change_of_this_process_shows_at_once(library: Served) -> None:
    with connected(library, "librarian", ELSEWHERE) as socket:
        subscribe(socket, "tasks")
        request = library.request()
        event = next_of(socket, "task.created")
        assert event["data"]["id"] == request["task_id"]
        assert "pin" not in event["data"]


def test_notifications_reach_their_owner_and_nobody_else(library: Served) -> None:
    with connected(library, "student", ELSEWHERE) as mine:
        subscribe(mine, "notifications")
        with connected(library, "other", ELSEWHERE) as theirs:
            subscribe(theirs, "notifications")
            library.request("student")
            library.request("other")
            me, them = library.people["student"], library.people["other"]
            assert next_of(mine, "notification.created")["data"]["user_id"] == me
            assert next_of(theirs, "notification.created")["data"]["user_id"] == them


def test_who_comes_back_gets_what_happened_meanwhile(library: Served) -> None:
    librarian = library.asked_by("librarian")
    with connected(library, "librarian", ELSEWHERE) as socket:
        subscribe(socket, "tasks")
        library.request()
        last_id = next_of(socket, "task.created")["id"]
    made = librarian.post("/api/v1/deliveries/transfer", json=ROOM).json()["data"]
    with connected(library, "librarian", ELSEWHERE) as socket:
        subscribe(socket, "tasks", last_id=last_id)
        missed = next_of(socket, "task.created")
        assert missed["data"]["id"] == made["id"]
        assert missed["id"] > last_id


def test_who_was_away_too_long_is_told_to_look_again(library: Served) -> None:
    with connected(library) as socket:
        subscribe(socket, "tasks", last_id=1)
        next_of(socket, "resync")


@pytest.mark.parametrize(
    "first",
    [
        {"type": "auth", "token": "rubbish"},
        {"type": "auth", "token": None},
        {"type": "subscribe", "channels": ["robot"]},
        {},
    ],
)
def test_from_elsewhere_nobody_listens_without_a_token(
    library: Served, first: dict[str, Any]
) -> None:
    with library.asked_by().websocket_connect(WS) as socket:
        socket.send_json(first)
        assert socket.receive_json()["type"] == "error"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 4401


def test_who_says_nothing_is_sent_away(library: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routers.events.AUTH_S", 0.05)
    with library.asked_by(at=SCREEN).websocket_connect(WS) as socket:
        assert socket.receive_json()["type"] == "error"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_page_opens_no_socket(library: Served, origin: str) -> None:
    client = library.asked_by(at=SCREEN)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(WS, headers={"Origin": origin}) as socket,
    ):
        socket.receive_json()


@pytest.mark.parametrize("rubbish", ["{", "[]", "1", '"text"'])
def test_rubbish_ends_the_connection_and_nothing_else(library: Served, rubbish: str) -> None:
    with connected(library) as socket:
        socket.send_text(rubbish)
        with pytest.raises(WebSocketDisconnect):
            while True:
                socket.receive_json()
    with connected(library) as socket:
        socket.send_json({"type": "ping"})
        next_of(socket, "pong")


def test_stop_by_websocket_is_answered_honestly(library: Served) -> None:
    """There is no gate here, so it cannot be confirmed."""
    with connected(library) as socket:
        socket.send_json({"type": "emergency_stop"})
        assert "red button" in next_of(socket, "stop_failed")["data"]["message"]


def test_ros_may_come_and_go(library: Served) -> None:
    with connected(library) as socket:
        subscribe(socket, "robot")
        for time_up in range(3):
            ros = LiveServer(library.settings.run_dir / "live.sock")
            ros.publish("plan", points=[[time_up, 0]], goal="R1")
            assert next_of(socket, "plan")["data"]["points"] == [[time_up, 0]]
            ros.close()
